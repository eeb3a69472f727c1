// Attention and the indexer on the device: against the twins, and what may not change their bits.
#include "tests/kernels/attention_case.h"
#include "tests/kernels/cuda_kit.h"

using namespace kernel_test;

namespace {

// As in attention_test.cpp and indexer_test.cpp: weights and sums are in float.
constexpr Tolerance kFloatWeights = {.absolute = 1e-4, .relative = 1e-4};
constexpr Tolerance kFloatSums = {.absolute = 1e-3, .relative = 1e-5};

int64_t page_bytes(const FilledPages& pages) { return pages.offset() + pages.format().bytes(); }

std::vector<float> attended(Kernels& kernels, const AttentionCase& c, const FilledPages& pages) {
  std::size_t longest = 1;
  for (const std::vector<int32_t>& list : c.lists) longest = std::max(longest, list.size());
  std::vector<int32_t> selected(std::size_t(c.tokens) * longest, -1), found;
  for (std::size_t t = 0; t < c.lists.size(); ++t) {
    const bool all = c.lists[t] == std::vector<int32_t>{kAll};
    found.push_back(all ? kAll : c.lists[t].empty() ? -1 : int32_t(c.lists[t].size()));
    if (!all)
      std::copy(c.lists[t].begin(), c.lists[t].end(), selected.begin() + int64_t(t * longest));
  }
  OnDevice device(kernels);
  const auto out =
      device.put(poisoned(c.tokens * c.heads * c.latent), {c.tokens, c.heads, c.latent});
  LatentAttention args;
  args.q = device.put(c.q, {c.tokens, c.heads, pages.format().width});
  args.seen = device.put_seen(c.seen, page_bytes(pages));
  args.offset = pages.offset();
  args.format = pages.format();
  args.selected = device.put(selected, {c.tokens, int64_t(longest)});
  args.found = device.put(found, {c.tokens});
  args.scale = c.scale;
  args.out = out;
  kernels.latent_attention(args);
  return device.get(out);
}

struct IndexerCase {
  int64_t tokens = 1, heads = 1, dim = 2, columns = 0;
  std::vector<float> q = numbers(tokens * heads * dim, 7);
  std::vector<float> weight = numbers(tokens * heads, 8);
  std::vector<SeenPages> seen = {};

  IndexerCase alone(int64_t t) const {
    IndexerCase one = *this;
    one.tokens = 1;
    one.q.assign(q.begin() + t * heads * dim, q.begin() + (t + 1) * heads * dim);
    one.weight.assign(weight.begin() + t * heads, weight.begin() + (t + 1) * heads);
    one.seen = {seen[std::size_t(t)]};
    return one;
  }
};

std::vector<float> scored_by_twin(const IndexerCase& c, const FilledPages& pages) {
  std::vector<float> score = poisoned(c.tokens * c.columns);
  cpu::indexer_scores({.q = {c.q.data(), {c.tokens, c.heads, c.dim}},
                       .weight = {c.weight.data(), {c.tokens, c.heads}},
                       .seen = {c.seen.data(), {c.tokens}},
                       .offset = pages.offset(),
                       .format = pages.format(),
                       .score = {score.data(), {c.tokens, c.columns}}});
  return score;
}

std::vector<float> scored(Kernels& kernels, const IndexerCase& c, const FilledPages& pages) {
  OnDevice device(kernels);
  const auto score = device.put(poisoned(c.tokens * c.columns), {c.tokens, c.columns});
  kernels.indexer_scores({.q = device.put(c.q, {c.tokens, c.heads, c.dim}),
                          .weight = device.put(c.weight, {c.tokens, c.heads}),
                          .seen = device.put_seen(c.seen, page_bytes(pages)),
                          .offset = pages.offset(),
                          .format = pages.format(),
                          .score = score});
  return device.get(score);
}

}  // namespace

TEST_SUITE("kernels/cuda_attention") {
  TEST_CASE("attention agrees with the twin") {
    constexpr AttentionShape shapes[] = {{1, 2, 2, 1, 1},        {4, 24, 16, 5, 3},
                                         {4, 24, 16, 256, 256},  {3, 26, 10, 257, 257},
                                         {9, 70, 38, 600, 257},  {2, 576, 512, 70, 33},
                                         {17, 310, 300, 40, 39}, {9, 20, 12, 900, 900}};
    for (const Number type : kRowTypes) {
      for (const AttentionShape& shape : shapes) {
        CAPTURE(shape.heads);
        CAPTURE(shape.width);
        CAPTURE(shape.listed);
        const FilledPages pages(Layout::LatentRows, {.type = type, .width = shape.width},
                                numbers(shape.visible * shape.width, 3), 128);
        const AttentionCase c = draw_case(shape, pages, 7);
        const std::vector<float> expected = c.attended(pages, Instructions::Plain);
        for_cuda_kernels([&](Kernels& kernels) {
          CHECK(agree(attended(kernels, c, pages), expected, kFloatWeights));
        });
      }
    }
  }

  TEST_CASE("to list all rows is the same, to the bit, as to ask for all") {
    for (const Number type : kRowTypes) {
      for (const int64_t visible : {1, 63, 65, 255, 257, 600}) {
        CAPTURE(visible);
        const AttentionShape shape = {3, 36, 20, visible, visible};
        const FilledPages pages(Layout::LatentRows, {.type = type, .width = 36},
                                numbers(visible * 36, 3));
        AttentionCase all = draw_case(shape, pages, 7), listed = all;
        listed.lists = {draw_list(visible, visible, 1)};
        for_cuda_kernels([&](Kernels& kernels) {
          CHECK(same_bits(attended(kernels, listed, pages), attended(kernels, all, pages)));
        });
      }
    }
  }

  TEST_CASE("a token has the same bits alone and in a batch, and one that finds NaN has zeros") {
    const int64_t tokens = 7, width = 26, visible = 300;
    const FilledPages pages(Layout::LatentRows, {.type = Number::BF16, .width = width},
                            numbers(visible * width, 5));
    AttentionCase c;
    c.tokens = tokens;
    c.heads = 5;
    c.latent = 18;
    c.q = numbers(tokens * c.heads * width, 9);
    c.scale = 0.2f;
    for (int64_t t = 0; t < tokens; ++t) {
      c.seen.push_back(pages.seen(t % 3 == 0 ? t + 1 : visible - t));
      c.lists.push_back({kAll});
      if (t % 2 == 1) c.lists.back() = draw_list(c.seen.back().visible, (t + 5) / 3, uint64_t(t));
    }
    c.lists[4] = {};
    for_cuda_kernels([&](Kernels& kernels) {
      const std::vector<float> together = attended(kernels, c, pages);
      for (int repeat = 0; repeat < 20; ++repeat)
        REQUIRE(same_bits(attended(kernels, c, pages), together));
      for (int64_t t = 0; t < tokens; ++t) {
        CAPTURE(t);
        const auto row = together.begin() + t * c.heads * c.latent;
        const std::vector<float> own(row, row + c.heads * c.latent);
        CHECK(same_bits(attended(kernels, c.alone(t), pages), own));
        if (t == 4) CHECK(own == std::vector<float>(std::size_t(c.heads * c.latent), 0.f));
      }
    });
  }

  TEST_CASE("attention over records has the bits of attention over what they stand for") {
    for (const AttentionShape& shape :
         {AttentionShape{4, 40, 32, 5, 3}, {3, 134, 132, 257, 257}, {9, 576, 512, 70, 33}}) {
      CAPTURE(shape.width);
      // Their numbers are float8 already, each tile's largest 1, and so they stand for themselves.
      std::vector<float> rows = numbers(shape.visible * shape.width, 3);
      for (int64_t i = 0; i < int64_t(rows.size()); ++i) {
        float& x = rows[std::size_t(i)];
        x = i % shape.width % 128 == 0 ? 1 : to_float(to_float8(x / 32));
      }
      const FilledPages records(Layout::LatentRows,
                                {.type = Number::FP8, .width = shape.width, .latent = shape.latent},
                                rows, 128);
      const FilledPages plain(Layout::LatentRows, {.type = Number::BF16, .width = shape.width},
                              rows, 64);
      const AttentionCase c = draw_case(shape, records, 7);
      AttentionCase over_rows = c;
      over_rows.seen = {plain.seen(shape.visible)};
      for_cuda_kernels([&](Kernels& kernels) {
        const std::vector<float> over_records = attended(kernels, c, records);
        CHECK(same_bits(over_records, attended(kernels, over_rows, plain)));
        CHECK(agree(over_records, c.attended(records, Instructions::Plain), kFloatWeights));
      });
    }
  }

  TEST_CASE("only listed rows are read, a NaN shows in every head, and scores may be +-10000") {
    const float nan = std::nanf("");
    const FilledPages holed(Layout::LatentRows, {.type = Number::BF16, .width = 2},
                            {nan, nan, 1, 2, nan, nan, 3, 6});
    AttentionCase listed;
    listed.q = {0, 0};
    listed.seen = {holed.seen(4)};
    listed.lists = {{1, 3}};
    AttentionCase seeing = listed;
    seeing.heads = 9;
    seeing.q = std::vector<float>(18, 1.f);
    seeing.lists = {{kAll}};
    std::vector<float> rows;
    for (int64_t s = 0; s < 600; ++s)
      rows.insert(rows.end(), {float(s), 1.f, s == 100 || s == 500 ? 100.f : -100.f, 0.f});
    const FilledPages far(Layout::LatentRows, {.type = Number::F32, .width = 4}, rows);
    AttentionCase apart;
    apart.q = {0, 0, 100, 0};
    apart.seen = {far.seen(600)};
    apart.lists = {{kAll}};
    std::vector<float> low(2 * 256, 7.f);  // a block that weighs nothing beside the next
    low.insert(low.end(), {3, 200});
    const FilledPages rising(Layout::LatentRows, {.type = Number::BF16, .width = 2}, low);
    AttentionCase last;
    last.q = {0, 1};
    last.seen = {rising.seen(257)};
    last.lists = {{kAll}};
    for_cuda_kernels([&](Kernels& kernels) {
      CHECK(attended(kernels, last, rising) == std::vector<float>{3, 200});
      CHECK(attended(kernels, listed, holed) == std::vector<float>{2, 4});
      for (const float x : attended(kernels, seeing, holed)) CHECK(std::isnan(x));
      CHECK(attended(kernels, apart, far) == std::vector<float>{300, 1});
    });
  }

  TEST_CASE("the indexer agrees with the twin and writes nothing past what is visible") {
    struct Shape {
      int64_t tokens, heads, dim, visible;
    };
    for (const Number type : kRowTypes) {
      for (const Shape& s : {Shape{1, 1, 2, 1}, Shape{2, 2, 6, 64}, Shape{5, 3, 16, 65},
                             Shape{2, 5, 34, 300}, Shape{1, 9, 128, 63}}) {
        CAPTURE(s.heads);
        CAPTURE(s.dim);
        const FilledPages pages(Layout::IndexKeys, {.type = type, .width = s.dim},
                                numbers(s.visible * s.dim, 3), 64);
        IndexerCase c{.tokens = s.tokens, .heads = s.heads, .dim = s.dim};
        c.columns = s.visible + 300;
        for (int64_t t = 0; t < s.tokens; ++t) c.seen.push_back(pages.seen(s.visible - t));
        const std::vector<float> expected = scored_by_twin(c, pages);
        for_cuda_kernels([&](Kernels& kernels) {
          CHECK(agree(scored(kernels, c, pages), expected, kFloatSums));
        });
      }
    }
  }

  TEST_CASE("a token's scores are the same bits alone, in a batch, and from copies of its pages") {
    const int64_t tokens = 6, dim = 18, columns = 400;
    const std::vector<float> keys = numbers(columns * dim, 5);
    const FilledPages pages(Layout::IndexKeys, {.type = Number::BF16, .width = dim}, keys);
    const FilledPages copies(Layout::IndexKeys, {.type = Number::BF16, .width = dim}, keys);
    IndexerCase c{.tokens = tokens, .heads = 6, .dim = dim, .columns = columns};
    for (int64_t t = 0; t < tokens; ++t)
      c.seen.push_back((t == 3 ? copies : pages).seen(t == 2 ? 5 : columns - 70 * t));
    for_cuda_kernels([&](Kernels& kernels) {
      const std::vector<float> together = scored(kernels, c, pages);
      for (int repeat = 0; repeat < 20; ++repeat)
        REQUIRE(same_bits(scored(kernels, c, pages), together));
      for (int64_t t = 0; t < tokens; ++t) {
        CAPTURE(t);
        const auto row = together.begin() + t * columns;
        CHECK(
            same_bits(scored(kernels, c.alone(t), pages), std::vector<float>(row, row + columns)));
        IndexerCase own = c.alone(t);
        own.seen = {copies.seen(c.seen[std::size_t(t)].visible)};
        CHECK(same_bits(scored(kernels, own, copies), std::vector<float>(row, row + columns)));
      }
    });
  }

  TEST_CASE("tokens that share some pages have the bits of tokens that share none") {
    const int64_t tokens = 300, dim = 6, most = 4;  // more tokens than share a key, more pages too
    const PageFormat format = {.type = Number::BF16, .width = dim};
    const int64_t columns = (most + 1) * kPageTokens;
    const FilledPages prompt(Layout::IndexKeys, format, numbers(columns * dim, 5));
    const FilledPages fork(Layout::IndexKeys, format, numbers(columns * dim, 6));
    IndexerCase c{.tokens = tokens, .heads = 2, .dim = dim, .columns = columns};
    std::vector<std::vector<const unsigned char*>> tables;
    for (int64_t t = 0; t < tokens; ++t) {
      std::vector<const unsigned char*>& table = tables.emplace_back();
      for (int64_t page = 0; page <= most; ++page) {
        const FilledPages& from = t % 7 < page ? fork : prompt;
        table.push_back(from.seen(columns).page[t % 5 == 4 ? most - page : page]);
      }
      c.seen.push_back({table.data(), int32_t(t * 37 % columns + 1)});
    }
    c.seen[1].visible = 0;
    const std::vector<float> expected = scored_by_twin(c, prompt);
    for_cuda_kernels([&](Kernels& kernels) {
      const std::vector<float> together = scored(kernels, c, prompt);
      CHECK(agree(together, expected, kFloatSums));
      for (int64_t t = 0; t < tokens; ++t) {
        CAPTURE(t);
        const auto row = together.begin() + t * columns;
        REQUIRE(
            same_bits(scored(kernels, c.alone(t), prompt), std::vector<float>(row, row + columns)));
      }
    });
  }
}
