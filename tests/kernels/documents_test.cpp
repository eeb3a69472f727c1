#include "kernels/documents.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/threads.h"
#include "kernels/top_k.h"

namespace {

struct Shape {
  std::vector<int32_t> lengths;
  int64_t heads, nope, rope, value;
  int32_t k;
};
const Shape kShapes[] = {
    {{1}, 1, 2, 2, 1, 1},
    {{5, 1, 17}, 2, 6, 4, 6, 3},
    {{97, 48, 33}, 3, 32, 16, 32, 20},
    {{150}, 2, 33, 30, 71, 64},
};

std::vector<float> numbers(int64_t count, uint32_t seed) {
  std::mt19937 engine(seed);
  std::vector<float> x(std::size_t(count), 0.f);
  for (float& v : x) v = float(engine() >> 8) / float(1 << 23) - 1;
  return x;
}

template <class N>
View<N, 1> view(std::vector<N>& x) {
  return {x.data(), {int64_t(x.size())}};
}
View<float, 2> view(std::vector<float>& x, int64_t a, int64_t b) { return {x.data(), {a, b}}; }
View<float, 3> view(std::vector<float>& x, int64_t a, int64_t b, int64_t c) {
  return {x.data(), {a, b, c}};
}

// Where documents of these lengths lie, with a choice of k keys for each token.
struct Places {
  int64_t tokens = 0, stride = 0;
  int32_t k;
  std::vector<int32_t> first = {0}, selected, found;
  std::vector<int64_t> row, list_row;
  int64_t numbers_of_rows = 0;

  explicit Places(const Shape& shape) : k(shape.k) {
    stride = (k + 31) / 32 * 32;
    for (const int32_t length : shape.lengths) {
      for (int32_t i = 0; i < length; ++i) {
        row.push_back(numbers_of_rows);
        list_row.push_back((tokens + i) * stride);
        numbers_of_rows += (length + 31) / 32 * 32;
        const int32_t count = std::min(k, i + 1);
        found.push_back(count);
        for (int32_t j = 0; j < k; ++j)  // spread over what is visible
          selected.push_back(j < count ? int32_t(int64_t(j) * (i + 1) / count) : -1);
      }
      tokens += length;
      first.push_back(int32_t(tokens));
    }
  }
  DocumentKeys all() {
    return {.first = view(first), .selected = {}, .found = {}, .row = view(row)};
  }
  DocumentKeys chosen() {
    return {.first = view(first),
            .selected = {selected.data(), {tokens, k}},
            .found = view(found),
            .row = view(list_row)};
  }
  int64_t numbers_of(const DocumentKeys& keys) const {
    return keys.all() ? numbers_of_rows : tokens * stride;
  }
};

enum class Version { Plain, Fast };

void run(Version version, const DocumentAttention<float>& f,
         const DocumentAttentionGradient<float>& g) {
  Threads threads(2);
  if (version == Version::Plain) {
    cpu::document_attention(f);
    cpu::document_attention_gradient(g);
  } else if (best_instructions() == Instructions::Avx512) {
    simd::document_attention<Instructions::Avx512>(f, threads);
    simd::document_attention_gradient<Instructions::Avx512>(g, threads);
  } else if (best_instructions() == Instructions::Avx2) {
    simd::document_attention<Instructions::Avx2>(f, threads);
    simd::document_attention_gradient<Instructions::Avx2>(g, threads);
  }
}

void run(Version version, const DocumentScores<float>& f, const DocumentScoresGradient<float>& g,
         const DocumentTopK<float>& top) {
  Threads threads(2);
  if (version == Version::Plain) {
    cpu::document_scores(f);
    cpu::document_scores_gradient(g);
    cpu::document_top_k(top);
  } else if (best_instructions() == Instructions::Avx512) {
    simd::document_scores<Instructions::Avx512>(f, threads);
    simd::document_scores_gradient<Instructions::Avx512>(g, threads);
    simd::document_top_k<Instructions::Avx512>(top, threads);
  } else if (best_instructions() == Instructions::Avx2) {
    simd::document_scores<Instructions::Avx2>(f, threads);
    simd::document_scores_gradient<Instructions::Avx2>(g, threads);
    simd::document_top_k<Instructions::Avx2>(top, threads);
  }
}

// What attention writes, one kind after the other.
std::vector<std::vector<float>> attention(Version version, const Shape& s, bool all) {
  Places places(s);
  const int64_t n = places.tokens, h = s.heads;
  auto q = numbers(n * h * (s.nope + s.rope), 1), kv = numbers(n * h * (s.nope + s.value), 2);
  auto rope_key = numbers(n * s.rope, 3), d_output = numbers(n * h * s.value, 4);
  q[0] = 60;  // an outlier: a softmax that is nearly one key's
  std::vector<float> output(d_output.size()), d_q(q.size()), d_kv(kv.size()),
      d_rope(rope_key.size());
  std::vector<float> probability(std::size_t(h * n * places.stride));
  std::vector<float> softmax(std::size_t(h * n * 2)), parts(std::size_t(h) * rope_key.size());
  const DocumentKeys keys = all ? places.all() : places.chosen();
  std::vector<float> mean(std::size_t(places.numbers_of(keys)));
  const DocumentAttention<float> forward{.keys = keys,
                                         .query = view(q, n, h, s.nope + s.rope),
                                         .key_value = view(kv, n, h, s.nope + s.value),
                                         .rope_key = view(rope_key, n, s.rope),
                                         .scale = 0.7f,
                                         .output = view(output, n, h, s.value),
                                         .probability = view(probability, h, n, places.stride),
                                         .softmax = view(softmax, h, n, 2),
                                         .mean = view(mean)};
  run(version, forward,
      {.forward = forward,
       .d_output = view(d_output, n, h, s.value),
       .d_query = view(d_q, n, h, s.nope + s.rope),
       .d_key_value = view(d_kv, n, h, s.nope + s.value),
       .d_rope_key = view(d_rope, n, s.rope),
       .rope_key_parts = view(parts, h, n, s.rope)});
  return {output, d_q, d_kv, d_rope, mean};
}

std::vector<std::vector<float>> indexer(Version version, const Shape& s, bool all) {
  Places places(s);
  const int64_t n = places.tokens, h = s.heads, dim = s.nope;
  auto q = numbers(n * h * dim, 1), key = numbers(n * dim, 2), weight = numbers(n * h, 3);
  const DocumentKeys keys = all ? places.all() : places.chosen();
  auto d_score = numbers(places.numbers_of(keys), 4);
  std::vector<float> score(std::size_t(places.numbers_of_rows)), d_q(q.size()), d_key(key.size());
  std::vector<float> d_weight(weight.size()), parts(std::size_t(h) * key.size());
  std::vector<int32_t> selected(places.selected.size()), found(places.found.size());
  run(version,
      {.keys = places.all(),
       .query = view(q, n, h, dim),
       .key = view(key, n, dim),
       .weight = view(weight, n, h),
       .score = view(score)},
      {.keys = keys,
       .query = view(q, n, h, dim),
       .key = view(key, n, dim),
       .weight = view(weight, n, h),
       .d_score = view(d_score),
       .d_query = view(d_q, n, h, dim),
       .d_key = view(d_key, n, dim),
       .d_weight = view(d_weight, n, h),
       .key_parts = view(parts, h, n, dim)},
      {.keys = places.all(),
       .score = view(score),
       .k = 0,
       .selected = {selected.data(), {n, s.k}},
       .found = view(found)});
  for (int64_t t = 0; t < n; ++t)  // what lies past a token's keys is nobody's
    for (int64_t i = t - *(std::upper_bound(places.first.begin(), places.first.end(), t) - 1) + 1;
         places.row[std::size_t(t)] + i <
         (t + 1 < n ? places.row[std::size_t(t) + 1] : places.numbers_of_rows);
         ++i)
      score[std::size_t(places.row[std::size_t(t)] + i)] = 0;
  return {score, d_q, d_key, d_weight};
}

double worst(const std::vector<float>& a, const std::vector<float>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    worst = std::max(worst, double(std::abs(a[i] - b[i])) / (1 + double(std::abs(b[i]))));
  return worst;
}

}  // namespace

TEST_SUITE("kernels/documents") {
  TEST_CASE("the fast attention is the plain one, forward and backward") {
    if (best_instructions() == Instructions::Plain) return;
    for (const Shape& shape : kShapes)
      for (const bool all : {true, false}) {
        CAPTURE(shape.nope);
        CAPTURE(all);
        const auto expected = attention(Version::Plain, shape, all);
        const auto fast = attention(Version::Fast, shape, all);
        for (std::size_t i = 0; i < expected.size(); ++i) {
          CAPTURE(i);
          CHECK(worst(fast[i], expected[i]) < 2e-5);
        }
      }
  }

  TEST_CASE("the fast indexer is the plain one, forward and backward") {
    if (best_instructions() == Instructions::Plain) return;
    for (const Shape& shape : kShapes)
      for (const bool all : {true, false}) {
        CAPTURE(shape.nope);
        CAPTURE(all);
        const auto expected = indexer(Version::Plain, shape, all);
        const auto fast = indexer(Version::Fast, shape, all);
        for (std::size_t i = 0; i < expected.size(); ++i) {
          CAPTURE(i);
          CHECK(worst(fast[i], expected[i]) < 2e-5);
        }
      }
  }

  TEST_CASE("a token's best keys are those that kernels/top_k.h chooses, of ties the lower") {
    std::vector<float> score = numbers(100 * 128, 9);
    for (std::size_t i = 0; i < score.size(); ++i) {
      if (i % 3 == 0) score[i] = std::round(score[i] * 2) / 2;  // plateaus, and zeros of both signs
      if (i % 50 == 7) score[i] = -std::numeric_limits<float>::infinity();
    }
    score[128 * 70 + 20] = std::numeric_limits<float>::quiet_NaN();
    std::vector<int32_t> first = {0, 100}, visible;
    std::vector<int64_t> row;
    for (int32_t i = 0; i < 100; ++i) {
      visible.push_back(i + 1);
      row.push_back(i * 128);
    }
    Threads threads(1);
    for (const int32_t k : {1, 2, 17, 64, 100}) {
      CAPTURE(k);
      std::vector<int32_t> expected(std::size_t(100 * k), -1), selected = expected,
                                                               plain = expected;
      std::vector<int32_t> found(100), expected_found(100);
      cpu::top_k({.score = view(score, 100, 128),
                  .visible = view(visible),
                  .k = k,
                  .selected = {expected.data(), {100, k}},
                  .found = view(expected_found)});
      DocumentTopK<float> args{
          .keys = {.first = view(first), .selected = {}, .found = {}, .row = view(row)},
          .score = view(score),
          .k = k,
          .selected = {plain.data(), {100, k}},
          .found = view(found)};
      cpu::document_top_k(args);
      CHECK(plain == expected);
      CHECK(found == expected_found);
      if (best_instructions() == Instructions::Plain) continue;
      args.selected.data = selected.data();
      if (best_instructions() == Instructions::Avx512) {
        simd::document_top_k<Instructions::Avx512>(args, threads);
      } else {
        simd::document_top_k<Instructions::Avx2>(args, threads);
      }
      CHECK(selected == expected);
      CHECK(found == expected_found);
    }
  }
}
