#pragma once

#include <cassert>
#include <concepts>
#include <cstdint>

#ifdef __CUDACC__
#define HOST_DEVICE __host__ __device__
#else
#define HOST_DEVICE
#endif

// A dense row-major array seen through a pointer and its extents.
// Owns nothing and is copied by value, on host and device alike.
template <class T, int Rank>
struct View {
  T* data = nullptr;
  int64_t extent[Rank] = {};

  // The element at (i, j, ...). Every index is checked in builds with assertions.
  template <std::integral... Index>
  HOST_DEVICE constexpr T& operator()(Index... index) const {
    static_assert(sizeof...(Index) == Rank, "one index per axis");
    int64_t offset = 0;
    int axis = 0;
    ((assert(0 <= int64_t(index) && int64_t(index) < extent[axis]),
      offset = offset * extent[axis++] + int64_t(index)),
     ...);
    return data[offset];
  }

  // The i-th slice along the first axis, one rank lower.
  HOST_DEVICE constexpr View<T, Rank - 1> operator[](int64_t i) const requires(Rank > 1) {
    assert(0 <= i && i < extent[0]);
    View<T, Rank - 1> slice;
    int64_t stride = 1;
    for (int axis = 1; axis < Rank; ++axis) {
      slice.extent[axis - 1] = extent[axis];
      stride *= extent[axis];
    }
    slice.data = data + i * stride;
    return slice;
  }

  // `count` slices along the first axis, from the i-th on.
  HOST_DEVICE constexpr View part(int64_t i, int64_t count) const {
    assert(0 <= i && 0 <= count && i + count <= extent[0]);
    View rest = *this;
    int64_t stride = 1;
    for (int axis = 1; axis < Rank; ++axis) stride *= extent[axis];
    rest.data = data + i * stride;
    rest.extent[0] = count;
    return rest;
  }

  HOST_DEVICE constexpr int64_t size() const {
    int64_t n = 1;
    for (int64_t e : extent) n *= e;
    return n;
  }

  // A mutable view may be passed where a read-only one is asked for.
  template <std::same_as<const T> U>
  HOST_DEVICE constexpr operator View<U, Rank>() const {
    View<U, Rank> view;
    view.data = data;
    for (int axis = 0; axis < Rank; ++axis) view.extent[axis] = extent[axis];
    return view;
  }
};
