#include "kernels/view.h"

#include <doctest/doctest.h>

#include <numeric>
#include <vector>

#include "kernels/instructions.h"
#include "kernels/matrix.h"

TEST_SUITE("kernels/view") {
  TEST_CASE("the last index runs fastest") {
    std::vector<float> values(24);
    std::iota(values.begin(), values.end(), 0.f);
    const View<float, 3> view{values.data(), {2, 3, 4}};

    CHECK(view(0, 0, 1) == 1);
    CHECK(view(0, 1, 0) == 4);
    CHECK(view(1, 0, 0) == 12);
    CHECK(view.size() == 24);
  }

  TEST_CASE("slices and parts see the same numbers") {
    std::vector<float> values(24);
    std::iota(values.begin(), values.end(), 0.f);
    const View<float, 3> view{values.data(), {2, 3, 4}};

    const View<float, 2> second = view[1];
    CHECK(second.extent[0] == 3);
    CHECK(second(2, 3) == 23);
    const View<float, 2> rows = second.part(1, 2);
    CHECK(rows.extent[0] == 2);
    CHECK(rows(0, 0) == 16);
    const View<const float, 2> read_only = rows;
    CHECK(read_only(1, 3) == 23);
    CHECK(view.part(2, 0).size() == 0);
  }

  TEST_CASE("a matrix's part knows where it stands in the whole") {
    std::vector<int8_t> values(30);
    std::iota(values.begin(), values.end(), int8_t(0));
    const std::vector<float> scales(2, 1.f);
    const Matrix whole{.type = Number::Int8,
                       .rows = 10,
                       .cols = 3,
                       .data = values.data(),
                       .scale = {scales.data(), {2, 1}},
                       .scale_rows = 5};

    const Matrix part = whole.part(2, 6).part(3, 2);

    CHECK(part.rows == 2);
    CHECK(part.first_row == 5);
    CHECK(static_cast<const int8_t*>(part.data)[0] == 15);
    CHECK(whole.bytes() == 30 + 2 * 4);
  }

  TEST_CASE("levels of instructions have names") {
    CHECK(to_text(Instructions::Plain) == "plain");
    CHECK(to_text(Instructions::Avx2) == "avx2");
    CHECK(to_text(Instructions::Avx512) == "avx512");
    CHECK(best_instructions() == best_instructions());
  }
}
