#include "kernels/pages.h"

#include <algorithm>

#include "tests/kernels/agree.h"
#include "tests/kernels/levels.h"

using namespace kernel_test;

namespace {

constexpr unsigned char kPoison = 0xA5;

// Tokens that alternate between two pages, at slots that are all different.
struct Case {
  Number type = Number::F32;
  int64_t tokens = 0, width = 0, offset = 0;
  std::vector<float> x = numbers(tokens * width, 7);
  std::vector<int32_t> slot = {};
  std::vector<unsigned char> memory[2] = {};
  std::vector<unsigned char*> pages = {};

  StoreRows args() {
    StoreRows rows;
    rows.x = view(x, {tokens, width});
    rows.offset = offset;
    rows.format = {type, width};
    for (std::vector<unsigned char>& page : memory)
      page.assign(std::size_t(offset + rows.format.bytes() + 64), kPoison);
    slot.clear();
    pages.clear();
    for (int64_t t = 0; t < tokens; ++t) {
      pages.push_back(memory[t % 2].data());
      slot.push_back(int32_t(kPageTokens - 1 - t / 2));
    }
    rows.slot = view(slot, {tokens});
    rows.page = {pages.data(), {tokens}};
    return rows;
  }
};

float float_at(const std::vector<unsigned char>& page, int64_t index) {
  float x = 0;
  std::memcpy(&x, page.data() + index * 4, sizeof x);
  return x;
}

float bfloat16_at(const std::vector<unsigned char>& page, int64_t index) {
  Bfloat16 x;
  std::memcpy(&x, page.data() + index * 2, sizeof x);
  return to_float(x);
}

int64_t written(const std::vector<unsigned char>& page) {
  return int64_t(page.size()) - std::count(page.begin(), page.end(), kPoison);
}

}  // namespace

TEST_SUITE("kernels/pages") {
  TEST_CASE("a latent row stands at its slot, after the offset") {
    Case c{.type = Number::F32, .tokens = 1, .width = 3, .offset = 8, .x = {1, 2, 3}};

    cpu::store_latent(c.args());  // slot 63

    CHECK(float_at(c.memory[0], 2 + 63 * 3) == 1);
    CHECK(float_at(c.memory[0], 2 + 63 * 3 + 1) == 2);
    CHECK(float_at(c.memory[0], 2 + 63 * 3 + 2) == 3);
    CHECK(written(c.memory[0]) == 12);
    CHECK(written(c.memory[1]) == 0);
  }

  TEST_CASE("an index key is laid out in pairs of dims, tokens side by side") {
    Case c{.type = Number::BF16, .tokens = 1, .width = 4, .offset = 0, .x = {1, 2, 3, 4}};

    cpu::store_index_key(c.args());  // slot 63

    CHECK(bfloat16_at(c.memory[0], 63 * 2) == 1);
    CHECK(bfloat16_at(c.memory[0], 63 * 2 + 1) == 2);
    CHECK(bfloat16_at(c.memory[0], (64 + 63) * 2) == 3);
    CHECK(bfloat16_at(c.memory[0], (64 + 63) * 2 + 1) == 4);
    CHECK(written(c.memory[0]) == 8);
  }

  TEST_CASE("bfloat16 rows are rounded to even") {
    Case c{.type = Number::BF16, .tokens = 1, .width = 2, .offset = 0};
    c.x = {1 + 0x1p-8f, 1 + 0x1.8p-7f};

    cpu::store_latent(c.args());

    CHECK(bfloat16_at(c.memory[0], 63 * 2) == 1);
    CHECK(bfloat16_at(c.memory[0], 63 * 2 + 1) == 1 + 0x1p-6f);
  }

  TEST_CASE("the fast versions write the twins' bytes and no others") {
    for (const Number type : {Number::F32, Number::BF16}) {
      for (const int64_t width : {2, 6, 16, 18, 64, 128, 576}) {
        CAPTURE(width);
        Case latent{.type = type, .tokens = 101, .width = width, .offset = 24}, key = latent;
        cpu::store_latent(latent.args());
        cpu::store_index_key(key.args());
        for_fast_kernels([&](HostKernels& kernels) {
          Case c{.type = type, .tokens = 101, .width = width, .offset = 24};
          kernels.store_latent(c.args());
          CHECK(c.memory[0] == latent.memory[0]);
          CHECK(c.memory[1] == latent.memory[1]);
          kernels.store_index_key(c.args());
          CHECK(c.memory[0] == key.memory[0]);
          CHECK(c.memory[1] == key.memory[1]);
        });
      }
    }
  }
}
