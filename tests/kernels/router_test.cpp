#include "kernels/router.h"

#include <algorithm>
#include <numeric>

#include "tests/kernels/agree.h"
#include "tests/kernels/levels.h"

using namespace kernel_test;
using Score = Router::Score;
using Group = Router::Group;

namespace {

// e^x is within 2 units in the last place; what follows adds a few roundings.
constexpr Tolerance kWeights = {.absolute = 1e-8, .relative = 1e-6};

struct Case {
  int64_t tokens = 1, experts = 0, chosen = 0;
  std::vector<float> logits = {}, bias = {};
  Router router = {};
  std::vector<int32_t> expert = std::vector<int32_t>(tokens * chosen, -77);
  std::vector<float> weight = poisoned(tokens * chosen);

  Router args() {
    Router args = router;
    args.logits = view(logits, {tokens, experts});
    if (!bias.empty()) args.bias = view(bias, {experts});
    args.expert = view(expert, {tokens, chosen});
    args.weight = view(weight, {tokens, chosen});
    return args;
  }
};

Router settings(Score score, Group group, int32_t groups, int32_t kept) {
  Router router;
  router.score = score;
  router.group = group;
  router.groups = groups;
  router.groups_kept = kept;
  return router;
}

// The logit whose sigmoid is s.
float logit(double s) { return float(std::log(s / (1 - s))); }

// How many of `values` come before the i-th: larger ones, and equal ones with a lower index.
int64_t before(const std::vector<double>& values, int64_t i) {
  int64_t count = 0;
  for (int64_t j = 0; j < int64_t(values.size()); ++j)
    count += values[j] > values[i] || (values[j] == values[i] && j < i);
  return count;
}

// The experts of one token, found another way than in the twin: by each one's place.
std::vector<int32_t> by_counting(const Case& c, int64_t t) {
  const float* logits = c.logits.data() + t * c.experts;
  const bool grouped = c.router.group != Group::None;
  const int64_t size = c.experts / (grouped ? c.router.groups : 1);
  double sum = 0;
  for (int64_t e = 0; e < c.experts; ++e) sum += std::exp(double(logits[e]));
  std::vector<double> rank, groups, of_kept;
  for (int64_t e = 0; e < c.experts; ++e) {
    const double x = logits[e];
    const double s = c.router.score == Score::Sigmoid ? 1 / (1 + std::exp(-x)) : std::exp(x) / sum;
    rank.push_back(s + (c.bias.empty() ? 0 : c.bias[e]));
  }
  for (int64_t g = 0; g < c.experts / size; ++g) {
    std::vector<double> own(rank.begin() + g * size, rank.begin() + (g + 1) * size);
    std::ranges::sort(own, std::greater<>());
    groups.push_back(c.router.group == Group::SumOfTwo ? own[0] + own[1] : own[0]);
  }
  for (int64_t e = 0; e < c.experts; ++e)
    of_kept.push_back(!grouped || before(groups, e / size) < c.router.groups_kept ? rank[e]
                                                                                  : -INFINITY);
  std::vector<int32_t> expert(c.chosen, -1);
  for (int64_t e = 0; e < c.experts; ++e)
    if (before(of_kept, e) < c.chosen) expert[before(of_kept, e)] = int32_t(e);
  return expert;
}

// Logits and biases on coarse grids: equal values are equal on both sides, others far apart. The
// first grid is not symmetric about 0, where sigmoids of pairs would add up to 1 but for rounding.
Case drawn(const Router& router, int64_t tokens, int64_t experts, int64_t chosen, uint64_t seed) {
  Case c{.tokens = tokens, .experts = experts, .chosen = chosen};
  c.router = router;
  Draws draws(seed);
  for (int64_t i = 0; i < tokens * experts; ++i)
    c.logits.push_back(float(draws.below(40)) / 8 - 2.33f);
  if (router.score == Score::Sigmoid)
    for (int64_t e = 0; e < experts; ++e) c.bias.push_back(float(draws.below(4)) / 16 - 1);
  return c;
}

// DeepSeek-V3, DeepSeek-V2, V2-Lite, and V3 without groups.
std::vector<Router> variants() {
  std::vector<Router> all = {
      settings(Score::Sigmoid, Group::SumOfTwo, 8, 4),
      settings(Score::Softmax, Group::Largest, 8, 3), settings(Score::Softmax, Group::None, 1, 1),
      settings(Score::Sigmoid, Group::None, 1, 1), settings(Score::Sigmoid, Group::SumOfTwo, 8, 8)};
  all[0].scale = 2.5;
  all[1].scale = 16;
  all[1].normalise = all[2].normalise = false;
  return all;
}

}  // namespace

TEST_SUITE("kernels/router") {
  TEST_CASE("the bias chooses, and the weights know nothing of it") {
    Case c{.tokens = 1, .experts = 4, .chosen = 2};
    c.logits = {logit(0.8), logit(0.6), logit(0.2), logit(0.1)};
    c.bias = {-1, 0, 0.5, 0};  // s' = -0.2, 0.6, 0.7, 0.1
    c.router.scale = 2;

    cpu::router(c.args());

    CHECK(c.expert == std::vector<int32_t>{2, 1});
    CHECK(agree(c.weight, std::vector<float>{0.5, 1.5}, kWeights));  // 2 * (0.2, 0.6) / 0.8
  }

  TEST_CASE("a group counts by its two best, or by its best") {
    Case c{.tokens = 1, .experts = 4, .chosen = 1};
    c.logits = {logit(0.9), logit(0.1), logit(0.6), logit(0.7)};
    c.router = settings(Score::Sigmoid, Group::SumOfTwo, 2, 1);
    cpu::router(c.args());
    CHECK(c.expert[0] == 3);  // 1.3 beats 1.0

    c.router.group = Group::Largest;
    cpu::router(c.args());
    CHECK(c.expert[0] == 0);  // 0.9 beats 0.7
  }

  TEST_CASE("softmax scores are shares of one") {
    Case c{.tokens = 1, .experts = 3, .chosen = 2};
    c.logits = {std::log(1.f), std::log(5.f), std::log(2.f)};
    c.router.score = Score::Softmax;
    c.router.normalise = false;

    cpu::router(c.args());

    CHECK(c.expert == std::vector<int32_t>{1, 2});
    CHECK(agree(c.weight, std::vector<float>{0.625, 0.25}, kWeights));
  }

  TEST_CASE("experts of a dropped group are not chosen even where all kept ones are negative") {
    Case c{.tokens = 1, .experts = 6, .chosen = 3};
    c.logits = {0, 0, 0, 0, 0, 0};
    c.bias = {-1, -1, -5, -2, -2, -2};  // the group of 0, 1, 2 is kept by its two best
    c.router = settings(Score::Sigmoid, Group::SumOfTwo, 2, 1);

    cpu::router(c.args());
    CHECK(c.expert == std::vector<int32_t>{0, 1, 2});

    for_fast_kernels([&](HostKernels& kernels) {
      c.expert.assign(3, -77);
      kernels.router(c.args());
      CHECK(c.expert == std::vector<int32_t>{0, 1, 2});
    });
  }

  TEST_CASE("of equal groups and experts the lower index wins") {
    Case c{.tokens = 1, .experts = 8, .chosen = 3};
    c.logits.assign(8, 0.3f);
    c.router = settings(Score::Sigmoid, Group::SumOfTwo, 4, 2);

    cpu::router(c.args());
    CHECK(c.expert == std::vector<int32_t>{0, 1, 2});

    for_fast_kernels([&](HostKernels& kernels) {
      c.expert.assign(3, -77);
      kernels.router(c.args());
      CHECK(c.expert == std::vector<int32_t>{0, 1, 2});
    });
  }

  TEST_CASE("the twin chooses by place, in small cases full of ties") {
    for (const Router& router : variants()) {
      Case c = drawn(router, 300, 16, 4, 31);
      cpu::router(c.args());
      for (int64_t t = 0; t < c.tokens; ++t) {
        const std::vector<int32_t> expected = by_counting(c, t);
        REQUIRE(std::equal(expected.begin(), expected.end(), c.expert.begin() + t * c.chosen));
      }
    }
  }

  TEST_CASE("the fast versions choose and weigh like the twin") {
    for (const Router& router : variants()) {
      for (const int64_t experts : {16, 72, 256}) {
        CAPTURE(experts);
        Case expected = drawn(router, 150, experts, 6, 32);
        cpu::router(expected.args());
        for_fast_kernels([&](HostKernels& kernels) {
          Case c = drawn(router, 150, experts, 6, 32);
          kernels.router(c.args());
          CHECK(c.expert == expected.expert);
          CHECK(agree(c.weight, expected.weight, kWeights));
        });
      }
    }
  }

  TEST_CASE("a token alone has the bits it has among others") {
    const Router router = variants()[0];
    for_fast_kernels([&](HostKernels& kernels) {
      Case together = drawn(router, 40, 256, 8, 33), alone = drawn(router, 40, 256, 8, 33);
      kernels.router(together.args());
      for (int64_t t = 0; t < alone.tokens; ++t) {
        Router args = alone.args();
        args.logits = args.logits.part(t, 1);
        args.expert = args.expert.part(t, 1);
        args.weight = args.weight.part(t, 1);
        kernels.router(args);
      }
      CHECK(alone.expert == together.expert);
      CHECK(same_bits(alone.weight, together.weight));
    });
  }

  TEST_CASE("NaN never leads outside, and shows in the weights when all is NaN") {
    Case some{.tokens = 1, .experts = 4, .chosen = 2, .logits = {NAN, 1, NAN, 2}};
    Case every{.tokens = 1, .experts = 4, .chosen = 2, .logits = std::vector<float>(4, NAN)};
    every.router = settings(Score::Sigmoid, Group::SumOfTwo, 2, 1);
    const auto check = [&](HostKernels& kernels) {
      kernels.router(some.args());
      CHECK(some.expert == std::vector<int32_t>{3, 1});
      kernels.router(every.args());
      CHECK(every.expert == std::vector<int32_t>{0, 1});
      CHECK(std::isnan(every.weight[0]));
    };
    HostKernels plain(Instructions::Plain, 1);
    check(plain);
    for_fast_kernels(check);
  }

  TEST_CASE("extreme logits give finite weights, in proportion as long as floats go") {
    Case c{.tokens = 1, .experts = 3, .chosen = 2, .logits = {-90, 200, -3e38f}};
    Case small{.tokens = 1, .experts = 3, .chosen = 2, .logits = {-86, -85, -3e38f}};
    const float e = std::exp(1.f);
    for_fast_kernels([&](HostKernels& kernels) {
      for (const Score score : {Score::Sigmoid, Score::Softmax}) {
        c.router.score = small.router.score = score;
        kernels.router(c.args());
        CHECK(c.expert == std::vector<int32_t>{1, 0});
        CHECK(agree(c.weight, std::vector<float>{1, 0}, kWeights));
        kernels.router(small.args());
        CHECK(small.expert == std::vector<int32_t>{1, 0});
        CHECK(agree(small.weight, std::vector<float>{e / (1 + e), 1 / (1 + e)}, kWeights));
      }
    });
  }
}
