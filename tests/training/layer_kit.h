#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/instructions.h"
#include "kernels/view.h"

// What the tests of layers share: numbers, views of vectors, and the comparison of a gradient with
// finite differences.
namespace layer_test {

using Numbers = std::vector<double>;

// Evenly between -1 and 1, a function of seed and place (SplitMix64).
Numbers numbers(int64_t count, uint64_t seed);

template <class T>
std::vector<T> as(const Numbers& x) {
  return std::vector<T>(x.begin(), x.end());
}

template <class T>
View<T, 2> matrix(std::vector<T>& x, int64_t rows, int64_t cols) {
  return {x.data(), {rows, cols}};
}
template <class T>
View<const T, 2> matrix(const std::vector<T>& x, int64_t rows, int64_t cols) {
  return {x.data(), {rows, cols}};
}
template <class T>
View<T, 1> vector(std::vector<T>& x) {
  return {x.data(), {int64_t(x.size())}};
}
template <class T>
View<const T, 1> vector(const std::vector<T>& x) {
  return {x.data(), {int64_t(x.size())}};
}

template <class T>
double dot(const std::vector<T>& a, const std::vector<T>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += double(a[i]) * double(b[i]);
  return sum;
}

// The largest error of `gradient` against central differences of loss() at x, with steps of 1e-5
// along 4 directions and along up to 12 entries, relative to the derivative and, where that is
// small, to the gradient's root mean square. x is as before afterwards.
double gradient_error(Numbers& x, const Numbers& gradient, const std::function<double()>& loss);

// |a - b| / |b|, of vectors.
template <class A, class B>
double distance(const std::vector<A>& a, const std::vector<B>& b) {
  if (a.size() != b.size()) return INFINITY;
  double squares = 0, all = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    squares += (double(a[i]) - double(b[i])) * (double(a[i]) - double(b[i]));
    all += double(b[i]) * double(b[i]);
  }
  return std::sqrt(squares / (all > 0 ? all : 1));
}

// Plain, and what this processor has above it.
std::vector<Instructions> levels();

}  // namespace layer_test
