#pragma once

#include <doctest/doctest.h>

#include <vector>

#include "kernels/kernels.h"

namespace kernel_test {

// The levels of fast kernels that this machine can run.
inline std::vector<Instructions> fast_levels() {
  switch (best_instructions()) {
    case Instructions::Plain:
      return {};
    case Instructions::Avx2:
      return {Instructions::Avx2};
    case Instructions::Avx512:
      return {Instructions::Avx2, Instructions::Avx512};
  }
  return {};
}

// Calls check(kernels) for each of them, on 1, 2 and 3 threads.
template <class Check>
void for_fast_kernels(const Check& check) {
  for (const Instructions level : fast_levels()) {
    for (const int threads : {1, 2, 3}) {
      CAPTURE(to_text(level));
      CAPTURE(threads);
      HostKernels kernels(level, threads);
      check(kernels);
    }
  }
}

// A view of the whole vector, whose size must be that of the shape.
template <class T, int Rank>
View<T, Rank> view(std::vector<T>& values, const int64_t (&shape)[Rank]) {
  View<T, Rank> result;
  result.data = values.data();
  for (int axis = 0; axis < Rank; ++axis) result.extent[axis] = shape[axis];
  REQUIRE(result.size() == int64_t(values.size()));
  return result;
}

}  // namespace kernel_test
