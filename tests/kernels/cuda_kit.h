#pragma once

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kernels/cuda/device.h"
#include "kernels/kernels.h"
#include "tests/emulation/kernels.h"
#include "tests/kernels/agree.h"

// Devices for the tests of the CUDA kernels, and what brings vectors there and back.
namespace kernel_test {

struct TestDevice {
  std::string name = {};
  std::unique_ptr<Kernels> kernels = {};
};

// The emulated device, its threads in ascending and in descending order, and the first card of this
// machine if it has one.
inline std::vector<TestDevice>& test_devices() {
  static std::vector<TestDevice> devices = [] {
    std::vector<TestDevice> all;
    all.push_back({"emulation", emulation::kernels()});
    all.push_back({"emulation, backwards", emulation::kernels(emulation::Order::Descending)});
    std::string why_none;
    const std::vector<CudaDevice> cards = cuda_devices(&why_none);
    if (!cards.empty() && cards[0].supported())
      all.push_back({cards[0].name, cuda_kernels(0)});
    else
      MESSAGE("no card, emulation only: " << (cards.empty() ? why_none : cards[0].name));
    return all;
  }();
  return devices;
}

// Calls check(kernels) for each device.
template <class Check>
void for_cuda_kernels(const Check& check) {
  for (const TestDevice& device : test_devices()) {
    CAPTURE(device.name);
    check(*device.kernels);
  }
}

// What a test has put into a device's memory; given back at the end.
class OnDevice {
 public:
  explicit OnDevice(Kernels& kernels) : kernels_(kernels), memory_(kernels.memory()) {}
  ~OnDevice() {
    for (void* each : taken_) memory_.give(each);
  }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

  Kernels& kernels() { return kernels_; }

  template <class T, int Rank>
  View<T, Rank> put(const std::vector<T>& values, const int64_t (&shape)[Rank]) {
    View<T, Rank> view;
    for (int axis = 0; axis < Rank; ++axis) view.extent[axis] = shape[axis];
    REQUIRE(view.size() == int64_t(values.size()));
    view.data = static_cast<T*>(put_bytes(values.data(), view.size() * int64_t(sizeof(T))));
    return view;
  }

  // A copy that begins one number past an aligned address, as a mapped file's may.
  Matrix put(const Matrix& matrix) {
    Matrix copy = matrix;
    const int64_t size = bytes_of(matrix.type), bytes = matrix.rows * matrix.cols * size;
    unsigned char* memory = take(bytes + size) + size;
    memory_.write(memory, matrix.data, bytes);
    copy.data = memory;
    if (matrix.scale.data != nullptr)
      copy.scale.data = static_cast<const float*>(
          put_bytes(matrix.scale.data, matrix.scale.size() * int64_t(sizeof(float))));
    return copy;
  }

  // The pages, each of page_bytes, and their table. What is shared stays shared.
  SeenPages put_pages(const SeenPages& seen, int64_t page_bytes) {
    const int64_t pages = (seen.visible + kPageTokens - 1) / kPageTokens;
    std::vector<const unsigned char*> table;
    for (int64_t i = 0; i < pages; ++i) {
      const unsigned char*& copy = pages_[seen.page[i]];
      if (copy == nullptr)
        copy = static_cast<const unsigned char*>(put_bytes(seen.page[i], page_bytes));
      table.push_back(copy);
    }
    return {put(table, {pages}).data, seen.visible};
  }
  View<SeenPages, 1> put_seen(const std::vector<SeenPages>& seen, int64_t page_bytes) {
    std::vector<SeenPages> copies;
    for (const SeenPages& each : seen) copies.push_back(put_pages(each, page_bytes));
    return put(copies, {int64_t(copies.size())});
  }

  template <class T, int Rank>
  std::vector<T> get(const View<T, Rank>& view) {
    std::vector<T> values(std::size_t(view.size()));
    memory_.read(values.data(), view.data, view.size() * int64_t(sizeof(T)));
    return values;
  }

  unsigned char* take(int64_t bytes) {
    taken_.push_back(memory_.take(bytes));
    return static_cast<unsigned char*>(taken_.back());
  }

 private:
  void* put_bytes(const void* from, int64_t bytes) {
    void* to = take(bytes);
    memory_.write(to, from, bytes);
    return to;
  }

  Kernels& kernels_;
  Memory& memory_;
  std::vector<void*> taken_;
  std::map<const unsigned char*, const unsigned char*> pages_;
};

}  // namespace kernel_test
