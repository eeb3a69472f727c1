#include <algorithm>

#include "kernels/router.h"
#include "tests/kernels/agree.h"
#include "tests/kernels/levels.h"

using namespace kernel_test;

TEST_SUITE("kernels/router_pairs") {
  TEST_CASE("pairs are sorted by expert and keep the order of tokens") {
    std::vector<int32_t> expert = {2, 0,   // token 0
                                   3, 2,   // token 1
                                   0, 2};  // token 2
    std::vector<int32_t> first(5, -77), token(6, -77), slot(6, -77);

    cpu::group_pairs({.expert = view(expert, {3, 2}),
                      .first = view(first, {5}),
                      .token = view(token, {6}),
                      .slot = view(slot, {3, 2})});

    CHECK(first == std::vector<int32_t>{0, 2, 2, 5, 6});
    CHECK(token == std::vector<int32_t>{0, 2, 0, 1, 2, 1});
    CHECK(slot == std::vector<int32_t>{2, 0, 5, 3, 1, 4});
  }

  TEST_CASE("no tokens make empty groups") {
    std::vector<int32_t> none, first(4, -77);

    cpu::group_pairs({.expert = view(none, {0, 2}),
                      .first = view(first, {4}),
                      .token = view(none, {0}),
                      .slot = view(none, {0, 2})});

    CHECK(first == std::vector<int32_t>{0, 0, 0, 0});
  }

  TEST_CASE("each pair's slot holds its token, within its expert's part") {
    const int64_t tokens = 500, chosen = 3, experts = 7;
    Draws draws(41);
    std::vector<int32_t> expert(tokens * chosen), first(experts + 1), token(tokens * chosen),
        slot(tokens * chosen);
    for (int32_t& e : expert) e = int32_t(draws.below(experts));

    cpu::group_pairs({.expert = view(expert, {tokens, chosen}),
                      .first = view(first, {experts + 1}),
                      .token = view(token, {tokens * chosen}),
                      .slot = view(slot, {tokens, chosen})});

    int64_t wrong = 0;
    for (int64_t i = 0; i < tokens * chosen; ++i) {
      wrong += token[slot[i]] != i / chosen;
      wrong += slot[i] < first[expert[i]] || slot[i] >= first[expert[i] + 1];
    }
    CHECK(wrong == 0);
    for (int64_t e = 0; e < experts; ++e)
      CHECK(std::is_sorted(token.begin() + first[e], token.begin() + first[e + 1]));
    std::ranges::sort(slot);
    CHECK(std::ranges::adjacent_find(slot) == slot.end());
  }

  TEST_CASE("rows are gathered by token") {
    std::vector<float> x = numbers(10 * 1001, 42);
    std::vector<int32_t> token;
    for (int32_t i = 0; i < 60; ++i) token.push_back(i * 7 % 10);
    std::vector<float> expected = poisoned(60 * 1001);
    cpu::gather_rows(
        {.x = view(x, {10, 1001}), .token = view(token, {60}), .y = view(expected, {60, 1001})});
    CHECK(expected[1001] == x[7 * 1001]);
    for_fast_kernels([&](HostKernels& kernels) {
      std::vector<float> y = poisoned(60 * 1001);
      kernels.gather_rows(
          {.x = view(x, {10, 1001}), .token = view(token, {60}), .y = view(y, {60, 1001})});
      CHECK(same_bits(y, expected));
    });
  }

  TEST_CASE("a token's experts are weighed and added to what is there") {
    std::vector<float> x = {1, 2, 10, 20, 100, 200}, y = {1000, 2000}, weight = {2, 0.5};
    std::vector<int32_t> slot = {2, 0};

    cpu::combine_experts({.x = view(x, {3, 2}),
                          .slot = view(slot, {1, 2}),
                          .weight = view(weight, {1, 2}),
                          .y = view(y, {1, 2})});

    CHECK(y == std::vector<float>{1200.5, 2401});
  }

  TEST_CASE("the fast sum of experts agrees with the twin, alone or among others") {
    const Tolerance sums = {.absolute = 2e-4, .relative = 1e-6};  // terms up to 32 * 32
    for (const int64_t dim : {1, 9, 31, 64, 2000}) {
      CAPTURE(dim);
      std::vector<float> x = numbers(40 * dim, 43), weight = numbers(80, 44);
      std::vector<int32_t> slot;
      for (int32_t i = 0; i < 80; ++i) slot.push_back(i * 3 % 40);
      const auto args = [&](std::vector<float>& y) {
        return CombineExperts{.x = view(x, {40, dim}),
                              .slot = view(slot, {10, 8}),
                              .weight = view(weight, {10, 8}),
                              .y = view(y, {10, dim})};
      };
      std::vector<float> expected = numbers(10 * dim, 45);
      cpu::combine_experts(args(expected));
      for_fast_kernels([&](HostKernels& kernels) {
        std::vector<float> y = numbers(10 * dim, 45), alone = y;
        kernels.combine_experts(args(y));
        CHECK(agree(y, expected, sums));
        for (int64_t t = 0; t < 10; ++t) {
          CombineExperts one = args(alone);
          one.slot = one.slot.part(t, 1);
          one.weight = one.weight.part(t, 1);
          one.y = one.y.part(t, 1);
          kernels.combine_experts(one);
        }
        CHECK(same_bits(alone, y));
      });
    }
  }
}
