#pragma once

#include <algorithm>
#include <vector>

#include "tests/kernels/cuda_kit.h"

// Calls of the fronts on any kernels, and what the separate kernels make of the same inputs.
namespace kernel_test {

struct FrontCase {
  int64_t tokens = 5;
  int64_t latent = 32, rope = 8;  // of the latent rows
  int64_t heads = 3, dim = 16;    // of the indexer, whose first `rope` numbers turn
  Number type = Number::BF16;     // FP8: the latents as records, the index keys in BF16
  CacheNumerics numerics = CacheNumerics::Plain;
  RopePairs pairs = RopePairs::Interleaved;
};

// One case's inputs in a device's memory. Tokens alternate between two pages.
class Fronts {
 public:
  static constexpr int64_t kOffset = 32, kPositions = 9;

  Fronts(Kernels& kernels, const FrontCase& c) : device_(kernels), c_(c) {
    for (View<unsigned char, 1>& page : memory_) {
      const int64_t bytes = kOffset + std::max(latent_format().bytes(), key_format().bytes()) + 64;
      page = device_.put(std::vector<unsigned char>(std::size_t(bytes), 0xA5), {bytes});
    }
    std::vector<unsigned char*> pages;
    std::vector<int32_t> slots, positions;
    for (int64_t t = 0; t < c.tokens; ++t) {
      pages.push_back(memory_[t % 2].data);
      slots.push_back(int32_t(kPageTokens - 1 - t / 2));
      positions.push_back(int32_t((t * 5 + 8) % kPositions));
    }
    page_ = device_.put(pages, {c.tokens});
    slot_ = device_.put(slots, {c.tokens});
    turn_ = {.dim = c.rope,
             .position = device_.put(positions, {c.tokens}),
             .table = device_.put(numbers(kPositions * c.rope, 5), {kPositions, c.rope / 2, 2}),
             .pairs = c.pairs};
  }

  IndexKeyFront key() {
    return {.x = device_.put(numbers(c_.tokens * c_.dim, 1), {c_.tokens, c_.dim}),
            .weight = device_.put(numbers(c_.dim, 2), {c_.dim}),
            .bias = device_.put(numbers(c_.dim, 3), {c_.dim}),
            .epsilon = 1e-5f,
            .turn = turn_,
            .numerics = c_.numerics,
            .page = page_,
            .slot = slot_,
            .offset = kOffset,
            .format = key_format()};
  }
  IndexQueryFront query() {
    const int64_t size = c_.tokens * c_.heads * c_.dim;
    return {.x = device_.put(numbers(size, 6), {c_.tokens, c_.heads, c_.dim}),
            .turn = turn_,
            .numerics = c_.numerics};
  }
  LatentFront latent() {
    const int64_t width = c_.latent + c_.rope;
    return {.latent = device_.put(numbers(c_.tokens * c_.latent, 7), {c_.tokens, c_.latent}),
            .key = device_.put(numbers(c_.tokens * c_.rope, 8), {c_.tokens, c_.rope}),
            .weight = device_.put(numbers(c_.latent, 9), {c_.latent}),
            .epsilon = 1e-5f,
            .turn = turn_,
            .numerics = c_.numerics,
            .stored = device_.put(poisoned(c_.tokens * width), {c_.tokens, width}),
            .page = page_,
            .slot = slot_,
            .offset = kOffset,
            .format = latent_format()};
  }

  template <class T, int Rank>
  std::vector<T> get(const View<T, Rank>& view) {
    return device_.get(view);
  }
  std::vector<unsigned char> pages() {
    std::vector<unsigned char> both = device_.get(memory_[0]), second = device_.get(memory_[1]);
    both.insert(both.end(), second.begin(), second.end());
    return both;
  }

 private:
  PageFormat latent_format() const {
    return {.type = c_.type,
            .width = c_.latent + c_.rope,
            .latent = c_.type == Number::FP8 ? c_.latent : 0};
  }
  PageFormat key_format() const {
    return {.type = c_.type == Number::FP8 ? Number::BF16 : c_.type, .width = c_.dim};
  }

  OnDevice device_;
  FrontCase c_;
  View<unsigned char, 1> memory_[2];
  View<unsigned char* const, 1> page_;
  View<const int32_t, 1> slot_;
  Turn turn_;
};

// What the fronts of one case leave behind.
struct FrontResults {
  std::vector<float> key, query, stored;
  std::vector<unsigned char> key_pages, latent_pages;
};

// run(args) is called for each of the three.
template <class Run>
FrontResults fronts_by(Kernels& kernels, const FrontCase& c, const Run& run) {
  FrontResults results;
  Fronts of_key(kernels, c), of_query(kernels, c), of_latent(kernels, c);
  const IndexKeyFront key = of_key.key();
  run(key);
  results.key = of_key.get(key.x);
  results.key_pages = of_key.pages();
  const IndexQueryFront query = of_query.query();
  run(query);
  results.query = of_query.get(query.x);
  const LatentFront latent = of_latent.latent();
  run(latent);
  results.stored = of_latent.get(latent.stored);
  results.latent_pages = of_latent.pages();
  return results;
}

// All tokens in one call each.
class Fused {
 public:
  explicit Fused(Kernels& kernels) : k_(kernels) {}
  void operator()(const IndexKeyFront& args) const { k_.index_key_front(args); }
  void operator()(const IndexQueryFront& args) const { k_.index_query_front(args); }
  void operator()(const LatentFront& args) const { k_.latent_front(args); }

 private:
  Kernels& k_;
};

// Each token in a call of its own, the last first.
class OneByOne {
 public:
  explicit OneByOne(Kernels& kernels) : k_(kernels) {}
  void operator()(const IndexKeyFront& args) const {
    for (int64_t t = args.x.extent[0] - 1; t >= 0; --t) {
      IndexKeyFront one = args;
      one.x = args.x.part(t, 1);
      one.turn.position = args.turn.position.part(t, 1);
      one.page = args.page.part(t, 1);
      one.slot = args.slot.part(t, 1);
      k_.index_key_front(one);
    }
  }
  void operator()(const IndexQueryFront& args) const {
    for (int64_t t = args.x.extent[0] - 1; t >= 0; --t) {
      IndexQueryFront one = args;
      one.x = args.x.part(t, 1);
      one.turn.position = args.turn.position.part(t, 1);
      k_.index_query_front(one);
    }
  }
  void operator()(const LatentFront& args) const {
    for (int64_t t = args.latent.extent[0] - 1; t >= 0; --t) {
      LatentFront one = args;
      one.latent = args.latent.part(t, 1);
      one.key = args.key.part(t, 1);
      one.stored = args.stored.part(t, 1);
      one.turn.position = args.turn.position.part(t, 1);
      one.page = args.page.part(t, 1);
      one.slot = args.slot.part(t, 1);
      k_.latent_front(one);
    }
  }

 private:
  Kernels& k_;
};

// The separate kernels, in the order that kernels/front.h names.
class Separate {
 public:
  explicit Separate(Kernels& kernels) : k_(kernels) {}
  void operator()(const IndexKeyFront& a) const {
    k_.layer_norm({.x = a.x, .weight = a.weight, .bias = a.bias, .epsilon = a.epsilon, .y = a.x});
    turn(one_head(a.x), a.turn);
    round(a.x, a.numerics);
    k_.store_index_key(
        {.x = a.x, .page = a.page, .slot = a.slot, .offset = a.offset, .format = a.format});
  }
  void operator()(const IndexQueryFront& a) const {
    turn(a.x, a.turn);
    round(vectors_of(a.x), a.numerics);
  }
  void operator()(const LatentFront& a) const {
    const int64_t latent = a.latent.extent[1], rope = a.key.extent[1];
    k_.rms_norm({.x = a.latent, .weight = a.weight, .epsilon = a.epsilon, .y = a.latent});
    if (a.numerics == CacheNumerics::Published)
      k_.simulate_float8({.x = a.latent, .group = std::min<int64_t>(128, latent)});
    turn(one_head(a.key), a.turn);
    k_.copy_columns({.x = a.latent, .y = a.stored, .count = latent});
    k_.copy_columns({.x = a.key, .y = a.stored, .to = latent, .count = rope});
    k_.store_latent(
        {.x = a.stored, .page = a.page, .slot = a.slot, .offset = a.offset, .format = a.format});
  }

 private:
  void turn(const View<float, 3>& x, const Turn& turn) const {
    k_.rope({.x = x,
             .dim = turn.dim,
             .position = turn.position,
             .table = turn.table,
             .pairs = turn.pairs});
  }
  void round(const View<float, 2>& x, CacheNumerics numerics) const {
    if (numerics == CacheNumerics::Plain) return;
    k_.round_to_bfloat16({.x = x});
    k_.hadamard({.x = x});
    k_.simulate_float8({.x = x, .group = x.extent[1]});
  }

  Kernels& k_;
};

inline void check_same(const FrontResults& actual, const FrontResults& expected) {
  CHECK(same_bits(actual.key, expected.key));
  CHECK(same_bits(actual.query, expected.query));
  CHECK(same_bits(actual.stored, expected.stored));
  CHECK(actual.key_pages == expected.key_pages);
  CHECK(actual.latent_pages == expected.latent_pages);
}

// Calls check(c) for shapes, types, roundings and pairs that a front may meet.
template <class Check>
void for_front_cases(const Check& check) {
  constexpr FrontCase shapes[] = {{.tokens = 5},
                                  {.tokens = 2, .latent = 512, .rope = 64, .heads = 2, .dim = 128},
                                  {.tokens = 3, .latent = 256, .rope = 2, .heads = 1, .dim = 2}};
  for (FrontCase c : shapes)
    for (const Number type : {Number::F32, Number::BF16, Number::FP8})
      for (const auto numerics : {CacheNumerics::Plain, CacheNumerics::Published})
        for (const auto pairs : {RopePairs::Interleaved, RopePairs::HalfSplit}) {
          CAPTURE(c.latent);
          CAPTURE(int(type));
          CAPTURE(int(numerics));
          CAPTURE(int(pairs));
          c.type = type;
          c.numerics = numerics;
          c.pairs = pairs;
          check(c);
        }
}

}  // namespace kernel_test
