#include "kernels/number.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

TEST_SUITE("kernels/number") {
  TEST_CASE("every bfloat16 number survives being a float") {
    for (uint32_t bits = 0; bits < 0x10000; ++bits) {
      const Bfloat16 x{uint16_t(bits)};
      const uint16_t back = to_bfloat16(to_float(x)).bits;
      if (std::isnan(to_float(x))) {
        CHECK(back == (bits | 0x40));  // quiet, sign kept
      } else {
        CHECK(back == bits);
      }
    }
  }

  TEST_CASE("bfloat16 rounds to the nearest, ties to even") {
    CHECK(to_float(to_bfloat16(1.0f + 0x1p-8f)) == 1.0f);  // a tie: down to even
    CHECK(to_float(to_bfloat16(1.0f + 0x1p-8f + 0x1p-20f)) == 1.0f + 0x1p-7f);
    CHECK(to_float(to_bfloat16(1.0f + 0x3p-8f)) == 1.0f + 0x2p-7f);  // a tie: up to even
    CHECK(to_float(to_bfloat16(-1.0f - 0x3p-8f)) == -1.0f - 0x2p-7f);
    CHECK(std::isinf(to_float(to_bfloat16(std::numeric_limits<float>::max()))));
  }

  TEST_CASE("every float8 number survives being a float") {
    for (uint32_t bits = 0; bits < 0x100; ++bits) {
      const Float8 x{uint8_t(bits)};
      CHECK(to_float8(to_float(x)).bits == bits);
      CHECK(std::isnan(to_float(x)) == ((bits & 0x7F) == 0x7F));
    }
  }

  TEST_CASE("float8 has the values of e4m3fn") {
    CHECK(to_float(Float8{0x00}) == 0);
    CHECK(to_float(Float8{0x01}) == 0x1p-9f);
    CHECK(to_float(Float8{0x07}) == 0x7p-9f);
    CHECK(to_float(Float8{0x08}) == 0x1p-6f);
    CHECK(to_float(Float8{0x38}) == 1);
    CHECK(to_float(Float8{0x3C}) == 1.5f);
    CHECK(to_float(Float8{0x7E}) == 448);
    CHECK(to_float(Float8{0xFE}) == -448);
    CHECK(std::signbit(to_float(Float8{0x80})));
  }

  TEST_CASE("float8 rounds to the nearest of its neighbours, ties to even") {
    for (uint32_t bits = 0; bits < 0x7E; ++bits) {
      const float low = to_float(Float8{uint8_t(bits)}), high = to_float(Float8{uint8_t(bits + 1)});
      const float middle = (low + high) / 2;
      CHECK(to_float8(middle).bits == (bits % 2 == 0 ? bits : bits + 1));
      CHECK(to_float8(std::nextafter(middle, 0.f)).bits == bits);
      CHECK(to_float8(std::nextafter(middle, 500.f)).bits == bits + 1);
      CHECK(to_float8(-middle).bits == (0x80 | (bits % 2 == 0 ? bits : bits + 1)));
    }
  }

  TEST_CASE("a number's size is known") {
    CHECK(bytes_of(Number::F32) == 4);
    CHECK(bytes_of(Number::BF16) == 2);
    CHECK(bytes_of(Number::FP8) == 1);
    CHECK(bytes_of(Number::Int8) == 1);
  }
}
