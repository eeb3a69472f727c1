#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "model/network.h"

namespace model {

// Memory of a device for one kind of intermediate result: as many rows as a step may have.
template <class T>
class Buffer {
 public:
  Buffer(Memory& memory, int64_t size)
      : memory_(memory), size_(size), numbers_(static_cast<T*>(memory.take(bytes()))) {}
  ~Buffer() { memory_.give(numbers_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  // The first numbers, seen as an array.
  template <std::integral... Extent>
  View<T, sizeof...(Extent)> view(Extent... extent) {
    View<T, sizeof...(Extent)> view{.data = numbers_, .extent = {int64_t(extent)...}};
    assert(view.size() <= size_);
    return view;
  }
  // Writes the first numbers.
  void write(std::span<const T> numbers) {
    assert(int64_t(numbers.size()) <= size_);
    memory_.write(numbers_, numbers.data(), int64_t(numbers.size_bytes()));
  }
  int64_t bytes() const { return std::max(size_, int64_t(1)) * int64_t(sizeof(T)); }

 private:
  Memory& memory_;
  int64_t size_;
  T* numbers_;
};

// The rows that a layer computes, in the form that kernels take. The views are of the device's
// memory.
struct Step {
  int64_t rows = 0;
  int64_t rows_before = 0;                    // of all layers but the last
  View<float, 2> x = {};                      // [rows, hidden]: the residual stream
  View<const int32_t, 1> position = {};       // [rows]
  View<const SeenPages, 1> seen = {};         // [rows]
  View<unsigned char* const, 1> page = {};    // [rows]: where the row itself is stored
  View<const int32_t, 1> slot = {};           // [rows]
  View<const int32_t, 1> candidates = {};     // [rows]: what to choose from; 0: it attends to all
  View<const SeenPages, 1> sparse_seen = {};  // [rows]: nothing is visible where candidates is 0
  View<int32_t, 2> found = {};  // [layers or 1, rows_before]: kAll, until the row chooses
  int64_t score_width = 0;      // at least the most candidates; 0: no row chooses

  View<int32_t, 1> found_in(int64_t layer) const {
    return found[score_width > 0 ? layer : 0].part(0, rows);
  }
};

// What all parts of the network are given.
struct Parts {
  const Weights& weights;
  Kernels& kernels;
  CacheFormat cache;
  NetworkOptions options;
  View<const float, 3> rope_table;  // [context_max, rope / 2, 2]
  const Network::Watcher* watcher;

  void seen(std::string_view name, int64_t layer, View<const float, 2> values) const {
    if (!*watcher) return;
    std::vector<float> numbers(std::size_t(values.size()));
    kernels.memory().read(numbers.data(), values.data, values.size() * int64_t(sizeof(float)));
    values.data = numbers.data();
    (*watcher)(name, layer, values);
  }
};

// The same numbers, seen as rows of `width`.
inline View<float, 2> as_rows(View<float, 3> x) {
  return {.data = x.data, .extent = {x.extent[0], x.extent[1] * x.extent[2]}};
}
inline View<float, 2> as_vectors(View<float, 3> x) {
  return {.data = x.data, .extent = {x.extent[0] * x.extent[1], x.extent[2]}};
}

}  // namespace model
