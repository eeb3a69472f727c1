// What may not change attention, to the bit.
#include "kernels/attention.h"

#include "tests/kernels/attention_case.h"

namespace {

using namespace kernel_test;

// A batch in which every kind of token occurs: all rows and lists, short and long, on two
// sequences.
AttentionCase draw_batch(int64_t tokens, const FilledPages& pages, const FilledPages& others,
                         int64_t visible, uint64_t seed) {
  AttentionCase c;
  c.tokens = tokens;
  c.heads = 5;
  c.latent = 18;
  c.q = numbers(tokens * c.heads * pages.format().width, seed);
  c.scale = 0.2f;
  for (int64_t t = 0; t < tokens; ++t) {
    const int64_t sees = t % 5 == 0 ? t + 1 : visible - t;
    c.seen.push_back((t % 3 == 0 ? others : pages).seen(sees));
    if (t % 2 == 0)
      c.lists.push_back({kAll});
    else
      c.lists.push_back(draw_list(sees, (sees + 1) / 2, seed + uint64_t(t)));
  }
  return c;
}

}  // namespace

TEST_SUITE("kernels/attention") {
  TEST_CASE("to list all rows is the same, to the bit, as to ask for all") {
    for (const Instructions level : levels()) {
      for (const Number type : kRowTypes) {
        for (const int64_t visible : {1, 2, 63, 64, 65, 255, 256, 257, 700}) {
          CAPTURE(to_text(level));
          CAPTURE(visible);
          const AttentionShape shape = {3, 36, 20, visible, visible};
          const FilledPages pages(Layout::LatentRows, {.type = type, .width = 36},
                                  numbers(visible * 36, 3));
          AttentionCase c = draw_case(shape, pages, 7);
          const std::vector<float> all = c.attended(pages, level);
          c.lists = {draw_list(visible, visible, 1)};
          CHECK(same_bits(c.attended(pages, level), all));
        }
      }
    }
  }

  TEST_CASE("a list gives the bits that its rows alone would give") {
    const AttentionShape shape = {5, 70, 38, 900, 600};
    const std::vector<float> rows = numbers(shape.visible * shape.width, 3);
    for (const Instructions level : levels()) {
      for (const Number type : kRowTypes) {
        CAPTURE(to_text(level));
        const FilledPages pages(Layout::LatentRows, {.type = type, .width = shape.width}, rows);
        AttentionCase c = draw_case(shape, pages, 7);
        std::vector<float> listed;
        for (const int32_t s : c.lists[0])
          listed.insert(listed.end(), rows.begin() + s * shape.width,
                        rows.begin() + (s + 1) * shape.width);
        const FilledPages dense(Layout::LatentRows, {.type = type, .width = shape.width}, listed);

        const std::vector<float> sparse = c.attended(pages, level);
        c.seen = {dense.seen(shape.listed)};
        c.lists = {{kAll}};

        CHECK(same_bits(c.attended(dense, level), sparse));
      }
    }
  }

  TEST_CASE("a head has the same bits among any other heads") {
    const AttentionShape shape = {21, 70, 38, 300, 270};
    for (const Instructions level : levels()) {
      for (const Number type : kRowTypes) {
        CAPTURE(to_text(level));
        const FilledPages pages(Layout::LatentRows, {.type = type, .width = shape.width},
                                numbers(shape.visible * shape.width, 3));
        AttentionCase c = draw_case(shape, pages, 7);
        const std::vector<float> together = c.attended(pages, level);
        const std::vector<float> q = c.q;
        c.heads = 1;
        for (int64_t h = 0; h < shape.heads; ++h) {
          CAPTURE(h);
          c.q.assign(q.begin() + h * shape.width, q.begin() + (h + 1) * shape.width);
          const auto row = together.begin() + h * shape.latent;
          REQUIRE(same_bits(c.attended(pages, level), {row, row + shape.latent}));
        }
      }
    }
  }

  TEST_CASE("a token has the same bits alone and in a batch, whatever the threads") {
    // 60 tokens are shared out whole between 1 to 3 threads, and a token alone by blocks.
    const int64_t tokens = 60, width = 26, visible = 700;
    for (const Number type : kRowTypes) {
      const PageFormat format = {.type = type, .width = width};
      const FilledPages pages(Layout::LatentRows, format, numbers(visible * width, 5));
      const FilledPages others(Layout::LatentRows, format, numbers(visible * width, 6));
      const AttentionCase c = draw_batch(tokens, pages, others, visible, 9);
      for (const Instructions level : levels()) {
        CAPTURE(to_text(level));
        const std::vector<float> expected = c.attended(pages, level);
        for (const int threads : {2, 3})
          CHECK(same_bits(c.attended(pages, level, threads), expected));
        CHECK(same_bits(c.attended(pages, level, 16), expected));  // by blocks
        for (int64_t t = 0; t < tokens; t += 7) {
          CAPTURE(t);
          const auto row = expected.begin() + t * c.heads * c.latent;
          CHECK(same_bits(c.alone(t).attended(pages, level, 2), {row, row + c.heads * c.latent}));
        }
      }
    }
  }

  TEST_CASE("more blocks than may wait at once give the same bits") {
    // 2100 heads x 64 take 554 KB a block: 30 blocks may wait, and there are 33 + 2.
    if (best_instructions() == Instructions::Plain) return;
    const AttentionShape shape = {2100, 64, 64, 33 * kAttentionBlock, 33 * kAttentionBlock};
    const FilledPages pages(Layout::LatentRows, {.type = Number::BF16, .width = shape.width},
                            numbers(shape.visible * shape.width, 3));
    AttentionCase c = draw_case(shape, pages, 7);
    const std::vector<float> alone = c.attended(pages, best_instructions());
    c.tokens = 2;
    const std::vector<float> q = c.q;
    c.q.insert(c.q.end(), q.begin(), q.end());
    c.seen.push_back(pages.seen(2 * kAttentionBlock));
    c.lists.push_back({kAll});

    std::vector<float> both = c.attended(pages, best_instructions(), 2);
    both.resize(alone.size());

    CHECK(same_bits(both, alone));
    c.tokens = 8;  // shared out whole
    for (int i = 2; i < 8; ++i) {
      c.q.insert(c.q.end(), q.begin(), q.end());
      c.seen.push_back(i == 7 ? c.seen[0] : pages.seen(1));
      c.lists.push_back({kAll});
    }
    std::vector<float> last = c.attended(pages, best_instructions());
    last.erase(last.begin(), last.end() - int64_t(alone.size()));
    CHECK(same_bits(last, alone));
  }

  TEST_CASE("a token whose scores were broken gets zeros, and changes nothing beside it") {
    const int64_t tokens = 60, width = 26, visible = 700;
    const FilledPages pages(Layout::LatentRows, {.type = Number::F32, .width = width},
                            numbers(visible * width, 5));
    const AttentionCase whole = draw_batch(tokens, pages, pages, visible, 9);
    AttentionCase broken = whole;
    for (const std::size_t t : {0, 1, 31, 59}) broken.lists[t] = {};
    const int64_t row = whole.heads * whole.latent;
    for (const Instructions level : levels())
      for (const int threads : {1, 16}) {  // shared out whole, and by blocks
        CAPTURE(to_text(level));
        CAPTURE(threads);
        std::vector<float> expected = whole.attended(pages, level);
        for (const int64_t t : {0, 1, 31, 59}) std::fill_n(expected.begin() + t * row, row, 0.0f);
        CHECK(same_bits(broken.attended(pages, level, threads), expected));
      }
    AttentionCase alone = whole.alone(0);
    alone.lists = {{}};
    for (const Instructions level : levels())
      CHECK(alone.attended(pages, level) == std::vector<float>(std::size_t(row), 0.0f));
  }

  TEST_CASE("no tokens are no work") {
    for (const Instructions level : levels()) {
      const FilledPages pages(Layout::LatentRows, {.type = Number::BF16, .width = 2}, {1, 1});
      AttentionCase c;
      c.tokens = 0;
      CHECK(c.attended(pages, level).empty());
    }
  }
}
