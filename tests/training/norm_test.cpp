#include "training/norm.h"

#include <doctest/doctest.h>

#include "tests/training/layer_kit.h"

using namespace layer_test;
using namespace training;

namespace {

constexpr int64_t kTokens = 131, kDim = 37;  // three parts of tokens; no whole number of registers

struct Gradients {
  Numbers dx, dweight, dbias;
};

// Both norms behind one face.
template <class T>
struct Rms {
  static std::vector<T> forward(Arithmetic<T>& a, const std::vector<T>& x, const std::vector<T>& w,
                                const std::vector<T>&) {
    std::vector<T> y(x.size());
    RmsNormLayer<T>{.epsilon = 1e-3f}.forward(a, matrix(x, kTokens, kDim), vector(w),
                                              matrix(y, kTokens, kDim));
    return y;
  }
  static void backward(Arithmetic<T>& a, const std::vector<T>& x, const std::vector<T>& w,
                       const std::vector<T>& dy, Into into, std::vector<T>& dx, std::vector<T>& dw,
                       std::vector<T>&) {
    RmsNormLayer<T> layer{.epsilon = 1e-3f};
    layer.backward(a, matrix(x, kTokens, kDim), vector(w), matrix(dy, kTokens, kDim),
                   matrix(dx, kTokens, kDim), into, vector(dw));
  }
};
template <class T>
struct Mean {
  static std::vector<T> forward(Arithmetic<T>& a, const std::vector<T>& x, const std::vector<T>& w,
                                const std::vector<T>& b) {
    std::vector<T> y(x.size());
    LayerNormLayer<T>{.epsilon = 1e-3f}.forward(a, matrix(x, kTokens, kDim), vector(w), vector(b),
                                                matrix(y, kTokens, kDim));
    return y;
  }
  static void backward(Arithmetic<T>& a, const std::vector<T>& x, const std::vector<T>& w,
                       const std::vector<T>& dy, Into into, std::vector<T>& dx, std::vector<T>& dw,
                       std::vector<T>& db) {
    LayerNormLayer<T> layer{.epsilon = 1e-3f};
    layer.backward(a, matrix(x, kTokens, kDim), vector(w), matrix(dy, kTokens, kDim),
                   matrix(dx, kTokens, kDim), into, vector(dw), vector(db));
  }
};

template <class T>
struct Result {
  std::vector<T> y, dx, dw, db;
};

// With dx and the weights' gradients added to numbers that are there, or dx written.
template <template <class> class Norm, class T>
Result<T> run(Arithmetic<T>& arithmetic, Into into) {
  const std::vector<T> x = as<T>(numbers(kTokens * kDim, 1)),
                       dy = as<T>(numbers(kTokens * kDim, 2));
  const std::vector<T> w = as<T>(numbers(kDim, 3)), b = as<T>(numbers(kDim, 4));
  Result<T> r;
  r.y = Norm<T>::forward(arithmetic, x, w, b);
  r.dx = as<T>(numbers(kTokens * kDim, 5));
  r.dw = as<T>(numbers(kDim, 6));
  r.db = as<T>(numbers(kDim, 7));
  Norm<T>::backward(arithmetic, x, w, dy, into, r.dx, r.dw, r.db);
  return r;
}

template <template <class> class Norm>
void check_gradients(bool has_bias) {
  Arithmetic<double> arithmetic;
  Numbers x = numbers(kTokens * kDim, 1), w = numbers(kDim, 2), b = numbers(kDim, 3);
  const Numbers dy = numbers(kTokens * kDim, 4);
  Numbers dx(x.size()), dw(w.size()), db(b.size());
  Norm<double>::backward(arithmetic, x, w, dy, Into::Write, dx, dw, db);
  const auto loss = [&] { return dot(Norm<double>::forward(arithmetic, x, w, b), dy); };

  CHECK(gradient_error(x, dx, loss) < 1e-7);
  CHECK(gradient_error(w, dw, loss) < 1e-7);
  if (has_bias) CHECK(gradient_error(b, db, loss) < 1e-7);
}

template <template <class> class Norm>
void check_floats() {
  Arithmetic<double> judge;
  for (const Instructions level : levels()) {
    Arithmetic<float> one(level, 1, Precision::Float), two(level, 2, Precision::Float);
    for (const Into into : {Into::Write, Into::Add}) {
      CAPTURE(to_text(level));
      const Result<double> expected = run<Norm>(judge, into);
      const Result<float> actual = run<Norm>(two, into), alone = run<Norm>(one, into);
      CHECK(distance(actual.y, expected.y) < 1e-6);
      CHECK(distance(actual.dx, expected.dx) < 1e-6);
      CHECK(distance(actual.dw, expected.dw) < 1e-6);
      CHECK(distance(actual.db, expected.db) < 1e-6);
      CHECK(actual.dx == alone.dx);
      CHECK(actual.dw == alone.dw);
      CHECK(actual.db == alone.db);
    }
  }
}

}  // namespace

TEST_SUITE("training/norm") {
  TEST_CASE("the root mean square norm's gradients are its finite differences") {
    check_gradients<Rms>(false);
  }
  TEST_CASE("the layer norm's gradients are its finite differences") {
    check_gradients<Mean>(true);
  }
  TEST_CASE("the root mean square norm in float agrees with double for any threads") {
    check_floats<Rms>();
  }
  TEST_CASE("the layer norm in float agrees with double for any threads") { check_floats<Mean>(); }

  TEST_CASE("a gradient along x is lost, since the norm undoes scaling") {
    Arithmetic<double> arithmetic;
    RmsNormLayer<double> layer{.epsilon = 0};
    const Numbers x = {3, 4}, w = {1, 1};
    Numbers dx(2), dw(2);

    layer.backward(arithmetic, matrix(x, 1, 2), vector(w), matrix(x, 1, 2), matrix(dx, 1, 2),
                   Into::Write, vector(dw));

    CHECK(dx[0] == doctest::Approx(0));
    CHECK(dx[1] == doctest::Approx(0));
  }
}
