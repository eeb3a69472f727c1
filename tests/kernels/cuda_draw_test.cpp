// Drawing on the device: tokens, counts and kept sets are the twin's unless the order of a sum
// decides, and a row's bits are its own.
#include <cstring>

#include "tests/kernels/cuda_kit.h"
#include "tests/kernels/draw_case.h"

using namespace kernel_test;
using End = DrawnRow::End;

namespace {

constexpr uint32_t kPoison = 0xABABABABu;

struct Rows {
  int64_t vocabulary = 0;
  std::vector<std::vector<float>> logits = {};
  std::vector<DrawRule> rule = {};

  int64_t count() const { return int64_t(rule.size()); }
  Rows only(std::size_t t) const {
    return {.vocabulary = vocabulary, .logits = {logits[t]}, .rule = {rule[t]}};
  }
  std::vector<float> all() const {
    std::vector<float> numbers;
    for (const auto& row : logits) numbers.insert(numbers.end(), row.begin(), row.end());
    return numbers;
  }
};

struct Made {
  int64_t words = 0;
  std::vector<DrawnRow> row = {};
  std::vector<uint32_t> kept = {};

  explicit Made(const Rows& rows)
      : words(Draw::kept_words(rows.vocabulary)),
        row(std::size_t(rows.count()), {.token = -77}),
        kept(std::size_t(rows.count() * words), kPoison) {}

  std::vector<uint32_t> kept_of(std::size_t t) const {
    const auto begin = kept.begin() + int64_t(t) * words;
    return {begin, begin + words};
  }
};

bool same_row(const DrawnRow& a, const DrawnRow& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

Made by_twin(const Rows& rows) {
  Made made(rows);
  const auto logits = rows.all();
  cpu::draw({.logits = {logits.data(), {rows.count(), rows.vocabulary}},
             .rule = {rows.rule.data(), {rows.count()}},
             .drawn = {made.row.data(), {rows.count()}},
             .kept = {made.kept.data(), {rows.count(), made.words}}});
  return made;
}

Made on_device(Kernels& kernels, const Rows& rows) {
  Made made(rows);
  OnDevice device(kernels);
  const auto drawn = device.put(made.row, {rows.count()});
  const auto kept = device.put(made.kept, {rows.count(), made.words});
  kernels.draw({.logits = device.put(rows.all(), {rows.count(), rows.vocabulary}),
                .rule = device.put(rows.rule, {rows.count()}),
                .drawn = drawn,
                .kept = kept});
  made.row = device.get(drawn);
  made.kept = device.get(kept);
  return made;
}

Rows drawn_rows(Draws& draws, int64_t vocabulary, int64_t count) {
  Rows rows{.vocabulary = vocabulary};
  for (int64_t t = 0; t < count; ++t) {
    rows.logits.push_back(drawn_logits(draws, vocabulary, int(t) % kLogitKinds));
    rows.rule.push_back(drawn_rule(draws, vocabulary));
  }
  return rows;
}

// How many rows could be compared.
int check_against_twin(Kernels& kernels, const Rows& rows) {
  const Made expected = by_twin(rows), made = on_device(kernels, rows);
  int compared = 0;
  for (std::size_t t = 0; t < rows.rule.size(); ++t) {
    CAPTURE(t);
    REQUIRE(made.row[t].end == expected.row[t].end);
    if (expected.row[t].end != End::Drawn) {
      CHECK(same_row(made.row[t], expected.row[t]));
      CHECK(made.kept_of(t) == expected.kept_of(t));
      continue;
    }
    CHECK(made.row[t].log_kept == doctest::Approx(double(expected.row[t].log_kept)).epsilon(1e-5));
    if (intervals(rows.logits[t], rows.rule[t]).close) continue;
    ++compared;
    CHECK(made.row[t].token == expected.row[t].token);
    CHECK(made.row[t].count == expected.row[t].count);
    CHECK(made.row[t].log_probability ==
          doctest::Approx(double(expected.row[t].log_probability)).epsilon(1e-5));
    CHECK(made.kept_of(t) == expected.kept_of(t));
  }
  return compared;
}

}  // namespace

TEST_SUITE("kernels/cuda_draw") {
  TEST_CASE("what is drawn and what is kept is what the twin says, from one token to thousands") {
    for_cuda_kernels([&](Kernels& kernels) {
      Draws draws(81);
      int compared = 0;
      for (const int64_t vocabulary : {1, 2, 63, 129, 1000, 5000}) {
        CAPTURE(vocabulary);
        compared += check_against_twin(kernels, drawn_rows(draws, vocabulary, 18));
      }
      CHECK(compared > 80);
    });
  }

  TEST_CASE("a vocabulary of 129,280 tokens is drawn from as the twin does") {
    Draws draws(82);
    Rows rows{.vocabulary = 129280};
    for (const int kind : {0, 4, 2}) rows.logits.push_back(drawn_logits(draws, 129280, kind));
    rows.rule = {{.temperature = 0.7, .top_p = 0.95, .at = 0.731, .keep = DrawRule::Keep::Yes},
                 {.min_p = 0.01, .at = 0.4321, .top_k = 50000, .keep = DrawRule::Keep::Yes},
                 {.top_p = 0.25, .at = 0.5, .keep = DrawRule::Keep::Yes}};
    for_cuda_kernels([&](Kernels& kernels) {
      CHECK(check_against_twin(kernels, rows) >= 2);
      const Made made = on_device(kernels, rows.only(2));  // sums of a plateau are exact
      CHECK(made.row[0].count == 129280 / 4);
      CHECK(made.row[0].token == 129280 / 8);
      CHECK(tokens_of(made.kept.data(), 129280).back() == 129280 / 4 - 1);
    });
  }

  TEST_CASE("NaN, infinities and rows without a token end as they do in the twin") {
    Draws draws(83);
    Rows rows = drawn_rows(draws, 1000, 6);
    rows.logits[0][999] = NAN;
    rows.logits[1][3] = -NAN;
    rows.logits[1][2] = INFINITY;
    rows.logits[2][700] = NAN;
    rows.logits[2][701] = INFINITY;
    rows.logits[3].assign(1000, -INFINITY);
    rows.logits[4].assign(1000, -INFINITY);
    rows.logits[4][517] = -3e38f;
    const Made expected = by_twin(rows);
    CHECK(expected.row[0].end == End::NaN);
    CHECK(expected.row[1].end == End::Infinite);
    CHECK(expected.row[1].token == 2);
    CHECK(expected.row[2].token == 700);
    CHECK(expected.row[3].end == End::NothingFinite);
    CHECK(expected.row[4].token == 517);
    for_cuda_kernels([&](Kernels& kernels) { CHECK(check_against_twin(kernels, rows) >= 1); });
  }

  TEST_CASE("`at` next to 1 draws the last token that weighs anything") {
    Rows rows{.vocabulary = 40};
    rows.logits = {std::vector<float>(40, 0.f), std::vector<float>(40, -1e4f)};
    rows.logits[1][11] = 1;
    rows.rule = {{.at = 1 - 0x1p-53}, {.at = 1 - 0x1p-53}};
    for_cuda_kernels([&](Kernels& kernels) {
      const Made made = on_device(kernels, rows);
      CHECK(made.row[0].token == 39);
      CHECK(made.row[1].token == 11);
      CHECK(made.row[1].count == 40);
    });

    // Sums that follow another order may end below what `at` wants.
    Draws draws(85);
    Rows real{.vocabulary = 300};
    for (int t = 0; t < 12; ++t) {
      real.logits.push_back(drawn_logits(draws, 300, 0));
      for (std::size_t i = 0; i < 300; i += 2) real.logits.back()[i] = -1e4f;
      real.rule.push_back({.at = 1 - 0x1p-53});
    }
    for_cuda_kernels([&](Kernels& kernels) {
      const Made made = on_device(kernels, real);
      for (const DrawnRow& row : made.row) CHECK(row.token % 2 == 1);
    });
  }

  TEST_CASE("of equal logits the lower index comes first, and -0 equals 0") {
    Rows rows{.vocabulary = 100};
    std::vector<float> zeros;
    for (int i = 0; i < 100; ++i) zeros.push_back(i % 3 == 0 ? 0.f : -0.f);
    rows.logits = {zeros, zeros, zeros};
    rows.rule = {{.at = 0.505},
                 {.top_p = 0.405, .at = 0.99, .keep = DrawRule::Keep::Yes},
                 {.temperature = 0}};
    for_cuda_kernels([&](Kernels& kernels) {
      const Made made = on_device(kernels, rows);
      CHECK(made.row[0].token == 50);
      CHECK(made.row[1].token == 40);
      CHECK(made.row[1].count == 41);
      CHECK(tokens_of(made.kept_of(1).data(), 100).back() == 40);
      CHECK(made.row[2].token == 0);
    });
  }

  TEST_CASE("a row has the same bits alone, among others and twenty times over") {
    Draws draws(84);
    const Rows rows = drawn_rows(draws, 333, 6);
    for_cuda_kernels([&](Kernels& kernels) {
      const Made together = on_device(kernels, rows);
      for (std::size_t t = 0; t < rows.rule.size(); ++t) {
        const Made alone = on_device(kernels, rows.only(t));
        CHECK(same_row(alone.row[0], together.row[t]));
        CHECK(alone.kept == together.kept_of(t));
      }
      for (int again = 0; again < 20; ++again) {
        const Made made = on_device(kernels, rows);
        CHECK(std::equal(made.row.begin(), made.row.end(), together.row.begin(), same_row));
        CHECK(made.kept == together.kept);
      }
    });
  }
}
