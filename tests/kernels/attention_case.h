#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "kernels/kernels.h"
#include "tests/kernels/agree.h"
#include "tests/kernels/filled_pages.h"

// Calls of latent attention, for its tests.
namespace kernel_test {

inline constexpr Number kRowTypes[] = {Number::F32, Number::BF16};
inline constexpr int32_t kAll = LatentAttention::kAll;

// One call's inputs, with room for its output.
struct AttentionCase {
  int64_t tokens = 1;
  int64_t heads = 1;
  int64_t latent = 2;
  std::vector<float> q = {};  // [tokens, heads, width]
  float scale = 1;
  std::vector<SeenPages> seen = {};
  std::vector<std::vector<int32_t>> lists =
      {};  // {kAll}, or the rows that a token attends to; {}: -1

  std::vector<float> attended(const FilledPages& pages, Instructions level, int threads = 1) const {
    std::size_t longest = 1;
    for (const std::vector<int32_t>& list : lists) longest = std::max(longest, list.size());
    std::vector<int32_t> selected(std::size_t(tokens) * longest, -1), found;
    for (std::size_t t = 0; t < lists.size(); ++t) {
      const bool all = lists[t] == std::vector<int32_t>{kAll};
      found.push_back(all ? kAll : lists[t].empty() ? -1 : int32_t(lists[t].size()));
      if (!all) std::copy(lists[t].begin(), lists[t].end(), selected.begin() + t * longest);
    }
    std::vector<float> out = poisoned(tokens * heads * latent);
    LatentAttention args;
    args.q = {q.data(), {tokens, heads, pages.format().width}};
    args.seen = {seen.data(), {tokens}};
    args.offset = pages.offset();
    args.format = pages.format();
    args.selected = {selected.data(), {tokens, int64_t(longest)}};
    args.found = {found.data(), {tokens}};
    args.scale = scale;
    args.out = {out.data(), {tokens, heads, latent}};
    HostKernels(level, threads).latent_attention(args);
    return out;
  }

  // Token t alone.
  AttentionCase alone(int64_t t) const {
    AttentionCase one = *this;
    const int64_t numbers_a_token = int64_t(q.size()) / tokens;
    one.tokens = 1;
    one.q.assign(q.begin() + t * numbers_a_token, q.begin() + (t + 1) * numbers_a_token);
    one.seen = {seen[std::size_t(t)]};
    one.lists = {lists[std::size_t(t)]};
    return one;
  }
};

struct AttentionShape {
  int64_t heads, width, latent, visible, listed;  // listed = visible: all of them
};

// `listed` of `visible` positions in ascending order.
inline std::vector<int32_t> draw_list(int64_t visible, int64_t listed, uint64_t seed) {
  Draws draws(seed);
  std::vector<int32_t> all(std::size_t(visible), 0);
  std::iota(all.begin(), all.end(), 0);
  for (int64_t i = 0; i < listed; ++i)
    std::swap(all[std::size_t(i)], all[std::size_t(i + draws.below(visible - i))]);
  all.resize(std::size_t(listed));
  std::sort(all.begin(), all.end());
  return all;
}

inline AttentionCase draw_case(const AttentionShape& shape, const FilledPages& pages,
                               uint64_t seed) {
  AttentionCase c;
  c.heads = shape.heads;
  c.latent = shape.latent;
  c.q = numbers(shape.heads * shape.width, seed);
  c.scale = 1 / std::sqrt(float(shape.width));
  c.seen = {pages.seen(shape.visible)};
  c.lists = {{kAll}};
  if (shape.listed < shape.visible) c.lists = {draw_list(shape.visible, shape.listed, seed + 1)};
  return c;
}

}  // namespace kernel_test
