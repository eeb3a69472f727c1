// Top-k, router and pairs on the device: choices are the twins', to the last tie.
#include <numeric>

#include "tests/kernels/cuda_kit.h"
#include "tests/kernels/odd_numbers.h"

using namespace kernel_test;

namespace {

constexpr int32_t kPoison = -77;

struct Rows {
  int64_t rows = 1, columns = 0;
  int32_t k = 0;
  std::vector<float> score = {};
  std::vector<int32_t> visible = std::vector<int32_t>(std::size_t(rows), int32_t(columns));
};

struct Chosen {
  std::vector<int32_t> selected = {}, found = {};
  bool operator==(const Chosen&) const = default;
};

Chosen by_twin(Rows c) {
  Chosen chosen{std::vector<int32_t>(std::size_t(c.rows * c.k), kPoison),
                std::vector<int32_t>(std::size_t(c.rows), kPoison)};
  cpu::top_k({.score = {c.score.data(), {c.rows, c.columns}},
              .visible = {c.visible.data(), {c.rows}},
              .k = c.k,
              .selected = {chosen.selected.data(), {c.rows, c.k}},
              .found = {chosen.found.data(), {c.rows}}});
  return chosen;
}

Chosen on_device(Kernels& kernels, const Rows& c) {
  OnDevice device(kernels);
  const auto selected =
      device.put(std::vector<int32_t>(std::size_t(c.rows * c.k), kPoison), {c.rows, c.k});
  const auto found = device.put(std::vector<int32_t>(std::size_t(c.rows), kPoison), {c.rows});
  kernels.top_k({.score = device.put(c.score, {c.rows, c.columns}),
                 .visible = device.put(c.visible, {c.rows}),
                 .k = c.k,
                 .selected = selected,
                 .found = found});
  return {device.get(selected), device.get(found)};
}

Rows drawn_rows(Draws& draws, int64_t columns_most) {
  Rows c{.rows = 6, .columns = 1 + draws.below(columns_most)};
  c.k = int32_t(draws.below(c.columns + 20));
  for (int64_t i = 0; i < c.rows * c.columns; ++i)
    c.score.push_back(drawn_score(draws, i / c.columns % 6));
  for (std::size_t t = 0; t < c.visible.size(); ++t)
    c.visible[t] = int32_t(t % 2 == 0 ? c.columns : draws.below(c.columns + 1));
  return c;
}

struct Routed {
  std::vector<int32_t> expert = {};
  std::vector<float> weight = {};
};

Routed routed(Kernels* kernels, Router args, const std::vector<float>& logits,
              const std::vector<float>& bias, int64_t experts, int64_t chosen) {
  const int64_t tokens = int64_t(logits.size()) / experts;
  Routed r{std::vector<int32_t>(std::size_t(tokens * chosen), kPoison), poisoned(tokens * chosen)};
  if (kernels == nullptr) {
    args.logits = {logits.data(), {tokens, experts}};
    if (!bias.empty()) args.bias = {bias.data(), {experts}};
    args.expert = {r.expert.data(), {tokens, chosen}};
    args.weight = {r.weight.data(), {tokens, chosen}};
    cpu::router(args);
    return r;
  }
  OnDevice device(*kernels);
  args.logits = device.put(logits, {tokens, experts});
  if (!bias.empty()) args.bias = device.put(bias, {experts});
  args.expert = device.put(r.expert, {tokens, chosen});
  args.weight = device.put(r.weight, {tokens, chosen});
  kernels->router(args);
  return {device.get(args.expert), device.get(args.weight)};
}

}  // namespace

TEST_SUITE("kernels/cuda_choice") {
  TEST_CASE("of equal scores the lower index wins, and -0 equals 0") {
    Rows c{.columns = 6, .k = 4, .score = {-0.f, 5, 0.f, -0.f, 5, 0.f}};
    for_cuda_kernels([&](Kernels& kernels) {
      CHECK(on_device(kernels, c).selected == std::vector<int32_t>{0, 1, 2, 4});
    });
  }

  TEST_CASE("a NaN among the visible makes a row select nothing, and what is hidden is not read") {
    for (const int64_t columns : {2, 40, 600}) {
      Rows c{.rows = 3, .columns = columns, .k = 3};
      c.score = std::vector<float>(std::size_t(3 * columns), 1);
      c.score[std::size_t(columns - 1)] = -NAN;  // hidden in the first row, seen in the second
      c.score[std::size_t(2 * columns - 1)] = NAN;
      c.visible = {int32_t(columns) - 1, int32_t(columns), 0};
      const Chosen expected = by_twin(c);
      CHECK(expected.found == std::vector<int32_t>{std::min(3, int32_t(columns) - 1), -1, kPoison});
      for_cuda_kernels([&](Kernels& kernels) { CHECK(on_device(kernels, c) == expected); });
    }
  }

  TEST_CASE("rows of ties, plateaus and infinities select what a stable sort does") {
    Draws draws(22);
    for (int round = 0; round < 25; ++round) {
      CAPTURE(round);
      const Rows c = drawn_rows(draws, round % 10 == 0 ? 3000 : 200);
      const Chosen expected = by_twin(c);
      for_cuda_kernels([&](Kernels& kernels) { CHECK(on_device(kernels, c) == expected); });
    }
  }

  TEST_CASE("a row of 100,000 equal scores selects its first k, a row of real numbers its best") {
    Draws draws(23);
    Rows c{.rows = 2, .columns = 50000, .k = 2048};
    c.score.assign(50000, 0.f);
    for (int i = 0; i < 50000; ++i) c.score.push_back(draws.uniform());
    const Chosen expected = by_twin(c);
    for_cuda_kernels([&](Kernels& kernels) { CHECK(on_device(kernels, c) == expected); });
  }

  TEST_CASE("the router chooses as the twin does, ties and NaN too") {
    struct Setting {
      Router::Group group;
      int32_t groups, kept;
      int64_t experts, chosen;
    };
    const Setting settings[] = {{Router::Group::None, 1, 1, 7, 7},
                                {Router::Group::None, 4, 2, 40, 3},
                                {Router::Group::SumOfTwo, 8, 4, 256, 8},
                                {Router::Group::SumOfTwo, 4, 2, 4, 2},
                                {Router::Group::Largest, 5, 3, 35, 6}};
    for (const Setting& s : settings) {
      for (const Router::Score score : {Router::Score::Sigmoid, Router::Score::Softmax}) {
        for (const bool tied : {false, true}) {
          CAPTURE(s.experts);
          CAPTURE(tied);
          Router args;
          args.score = score;
          args.group = s.group;
          args.groups = s.groups;
          args.groups_kept = s.kept;
          args.normalise = s.experts != 40;
          args.scale = 2.5f;
          std::vector<float> logits = numbers(9 * s.experts, 31), bias = numbers(s.experts, 32);
          if (tied)
            for (float& x : logits) x = std::round(x);
          if (tied) bias.clear();
          if (score == Router::Score::Sigmoid) logits[std::size_t(s.experts)] = NAN;
          const Routed expected = routed(nullptr, args, logits, bias, s.experts, s.chosen);
          for_cuda_kernels([&](Kernels& kernels) {
            const Routed r = routed(&kernels, args, logits, bias, s.experts, s.chosen);
            CHECK(r.expert == expected.expert);
            CHECK(agree(r.weight, expected.weight, {.absolute = 1e-8, .relative = 1e-6}));
          });
        }
      }
    }
  }

  TEST_CASE("pairs are sorted by expert as the twin does, rows gathered and summed") {
    for (const int64_t tokens : {0, 1, 5, 33, 200}) {
      const int64_t chosen = 3, experts = 7, pairs = tokens * chosen, dim = 31;
      Draws draws(41);
      std::vector<int32_t> expert, first(experts + 1, kPoison), token(std::size_t(pairs), kPoison),
          slot = token;
      for (int64_t i = 0; i < pairs; ++i) expert.push_back(int32_t(draws.below(experts)));
      cpu::group_pairs({.expert = {expert.data(), {tokens, chosen}},
                        .first = {first.data(), {experts + 1}},
                        .token = {token.data(), {pairs}},
                        .slot = {slot.data(), {tokens, chosen}}});
      std::vector<float> x = numbers(tokens * dim, 1), weight = numbers(pairs, 2);
      std::vector<float> gathered = poisoned(pairs * dim), sum = numbers(tokens * dim, 3);
      const std::vector<float> before = sum;
      cpu::gather_rows({.x = {x.data(), {tokens, dim}},
                        .token = {token.data(), {pairs}},
                        .y = {gathered.data(), {pairs, dim}}});
      cpu::combine_experts({.x = {gathered.data(), {pairs, dim}},
                            .slot = {slot.data(), {tokens, chosen}},
                            .weight = {weight.data(), {tokens, chosen}},
                            .y = {sum.data(), {tokens, dim}}});

      for_cuda_kernels([&](Kernels& kernels) {
        OnDevice device(kernels);
        const std::vector<int32_t> poison(std::size_t(pairs), kPoison);
        const auto firsts = device.put(std::vector<int32_t>(experts + 1, kPoison), {experts + 1});
        const auto from = device.put(poison, {pairs});
        const auto slots = device.put(poison, {tokens, chosen});
        const auto rows = device.put(poisoned(pairs * dim), {pairs, dim});
        const auto sums = device.put(before, {tokens, dim});
        kernels.group_pairs({.expert = device.put(expert, {tokens, chosen}),
                             .first = firsts,
                             .token = from,
                             .slot = slots});
        kernels.gather_rows({.x = device.put(x, {tokens, dim}), .token = from, .y = rows});
        kernels.combine_experts(
            {.x = rows, .slot = slots, .weight = device.put(weight, {tokens, chosen}), .y = sums});

        CHECK(device.get(firsts) == first);
        CHECK(device.get(from) == token);
        CHECK(device.get(slots) == slot);
        CHECK(same_bits(device.get(rows), gathered));
        CHECK(agree(device.get(sums), sum, {.absolute = 2e-4, .relative = 1e-6}));
      });
    }
  }
}
