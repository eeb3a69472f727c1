#include "training/arithmetic.h"

#include <doctest/doctest.h>

#include "tests/training/layer_kit.h"

using namespace layer_test;
using namespace training;

namespace {

struct Shape {
  int64_t tokens, in, out;
};
constexpr Shape kShapes[] = {{1, 1, 1},   {3, 7, 5},     {17, 33, 31}, {64, 96, 40},
                             {130, 8, 3}, {2100, 19, 37}};  // the last is two chunks of tokens

template <class T>
struct Products {
  std::vector<T> y, dx, dw;
};

// Each product added to numbers that are there, and the first two written too.
template <class T>
Products<T> products(Arithmetic<T>& arithmetic, const Shape& s, Into into) {
  const std::vector<T> x = as<T>(numbers(s.tokens * s.in, 1)), w = as<T>(numbers(s.out * s.in, 2));
  const std::vector<T> dy = as<T>(numbers(s.tokens * s.out, 3));
  Products<T> p{as<T>(numbers(s.tokens * s.out, 4)), as<T>(numbers(s.tokens * s.in, 5)),
                as<T>(numbers(s.out * s.in, 6))};
  arithmetic.product(matrix(x, s.tokens, s.in), matrix(w, s.out, s.in),
                     matrix(p.y, s.tokens, s.out), into);
  arithmetic.input_gradient(matrix(dy, s.tokens, s.out), matrix(w, s.out, s.in),
                            matrix(p.dx, s.tokens, s.in), into);
  arithmetic.weight_gradient(matrix(dy, s.tokens, s.out), matrix(x, s.tokens, s.in),
                             matrix(p.dw, s.out, s.in));
  return p;
}

}  // namespace

TEST_SUITE("training/arithmetic") {
  TEST_CASE("products are x W^T, dy W and dy^T x") {
    Arithmetic<double> arithmetic;
    const Numbers x = {1, 2}, w = {3, 4, -1, 1}, dy = {10, 1};
    Numbers y(2), dx(2), dw = {0, 0, 0, 100};

    arithmetic.product(matrix(x, 1, 2), matrix(w, 2, 2), matrix(y, 1, 2), Into::Write);
    arithmetic.input_gradient(matrix(dy, 1, 2), matrix(w, 2, 2), matrix(dx, 1, 2), Into::Write);
    arithmetic.weight_gradient(matrix(dy, 1, 2), matrix(x, 1, 2), matrix(dw, 2, 2));

    CHECK(y == Numbers{11, 1});
    CHECK(dx == Numbers{29, 41});
    CHECK(dw == Numbers{10, 20, 1, 102});
  }

  TEST_CASE("floats agree with doubles, written and added, in float and in bfloat16") {
    Arithmetic<double> judge;
    for (const Instructions level : levels()) {
      for (const Precision precision : {Precision::Float, Precision::Bfloat16}) {
        Arithmetic<float> arithmetic(level, 2, precision);
        // Two factors of 8 bits each: 2^-9 relative at most, sqrt(2 / 3) of it on average.
        const double tolerance = precision == Precision::Float ? 1e-6 : 4e-3;
        for (const Shape& shape : kShapes) {
          for (const Into into : {Into::Write, Into::Add}) {
            CAPTURE(to_text(level));
            CAPTURE(int(precision));
            CAPTURE(shape.tokens);
            CAPTURE(int(into));
            const Products<double> expected = products(judge, shape, into);
            const Products<float> actual = products(arithmetic, shape, into);
            CHECK(distance(actual.y, expected.y) < tolerance);
            CHECK(distance(actual.dx, expected.dx) < tolerance);
            CHECK(distance(actual.dw, expected.dw) < tolerance);
          }
        }
      }
    }
  }

  TEST_CASE("bfloat16 rounds both factors, and an exact product neither") {
    const std::vector<float> x = {1.00390625f}, one = {1};  // 1 + 2^-8: between two numbers
    std::vector<float> y(1), exact(1), dx(1), dw(1);
    Arithmetic<float> arithmetic(best_instructions(), 1, Precision::Bfloat16);

    arithmetic.product(matrix(x, 1, 1), matrix(one, 1, 1), matrix(y, 1, 1), Into::Write);
    arithmetic.exact_product(matrix(x, 1, 1), matrix(one, 1, 1), matrix(exact, 1, 1));
    arithmetic.input_gradient(matrix(one, 1, 1), matrix(x, 1, 1), matrix(dx, 1, 1), Into::Write);
    arithmetic.weight_gradient(matrix(x, 1, 1), matrix(one, 1, 1), matrix(dw, 1, 1));

    CHECK(y[0] == 1);
    CHECK(exact[0] == x[0]);
    CHECK(dx[0] == 1);
    CHECK(dw[0] == 1);
  }

  TEST_CASE("one and two threads give the same bits") {
    for (const Precision precision : {Precision::Float, Precision::Bfloat16}) {
      Arithmetic<float> one(best_instructions(), 1, precision);
      Arithmetic<float> two(best_instructions(), 2, precision);
      for (const Shape& shape : kShapes) {
        const Products<float> a = products(one, shape, Into::Add);
        const Products<float> b = products(two, shape, Into::Add);
        CHECK(a.y == b.y);
        CHECK(a.dx == b.dx);
        CHECK(a.dw == b.dw);
      }
    }
  }

  TEST_CASE("no tokens are no work") {
    Arithmetic<float> arithmetic(best_instructions(), 1, Precision::Bfloat16);
    const std::vector<float> none, w = {1, 2};
    std::vector<float> y, dw = {3, 4};

    arithmetic.product(matrix(none, 0, 2), matrix(w, 1, 2), matrix(y, 0, 1), Into::Add);
    arithmetic.weight_gradient(matrix(none, 0, 1), matrix(none, 0, 2), matrix(dw, 1, 2));

    CHECK(dw == std::vector<float>{3, 4});
  }
}
