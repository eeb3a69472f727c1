#pragma once

#include <span>
#include <vector>

#include "model/network.h"

namespace model {

// Memory for one kind of intermediate result: as many rows as a step may have.
template <class T>
class Buffer {
 public:
  explicit Buffer(int64_t size) : numbers_(std::size_t(size)) {}

  // The first numbers, seen as an array.
  template <std::integral... Extent>
  View<T, sizeof...(Extent)> view(Extent... extent) {
    View<T, sizeof...(Extent)> view{.data = numbers_.data(), .extent = {int64_t(extent)...}};
    assert(view.size() <= int64_t(numbers_.size()));
    return view;
  }
  int64_t bytes() const { return int64_t(numbers_.size() * sizeof(T)); }

 private:
  std::vector<T> numbers_;
};

// The rows that a step computes, in the form that kernels take.
struct Step {
  int64_t rows = 0;
  View<float, 2> x;                    // [rows, hidden]: the residual stream
  View<const int32_t, 1> position;     // [rows]
  View<const SeenPages, 1> seen;       // [rows]
  View<unsigned char* const, 1> page;  // [rows]: where the row itself is stored
  View<const int32_t, 1> slot;         // [rows]
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
    if (*watcher) {
      kernels.finish();
      (*watcher)(name, layer, values);
    }
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
