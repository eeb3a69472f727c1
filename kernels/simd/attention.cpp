// Absorbed latent attention, flash style: blocks of kAttentionBlock listed rows, each with its own
// softmax, joined in ascending order. Many tokens are shared out whole; few tokens by blocks, so
// that a long list keeps all threads busy. The arithmetic, and so every bit, is the same.
// kernels/simd/attention_bfloat16.h and attention_float.h do the work on a block.
#include "kernels/attention.h"

#include <algorithm>

#include "kernels/simd/attention_bfloat16.h"
#include "kernels/simd/attention_float.h"
#include "kernels/simd/attention_record.h"
#include "kernels/threads.h"

namespace {

// From so many tokens for each thread on, the last ones' imbalance is small.
constexpr int64_t kTokensPerThread = 8;
// Memory for the results of blocks that wait to be joined, when tokens are shared out by blocks.
// Every thread has two of them in any case.
constexpr int64_t kWaitingBytesMost = 16 << 20;
constexpr int64_t kWaitingPerThread = 2;

// 0: it attends to nothing.
int64_t listed_rows(const LatentAttention& args, int64_t t) {
  const int32_t found = args.found.data[t];
  assert(found >= 1 || found == LatentAttention::kAll || found == -1);
  if (found == -1) return 0;
  return found == LatentAttention::kAll ? args.seen.data[t].visible : found;
}

int64_t blocks_of(const LatentAttention& args, int64_t t) {
  return (listed_rows(args, t) + kAttentionBlock - 1) / kAttentionBlock;
}

// Puts rows of bfloat16 in the place of a block's records: all heads read them many times.
void decode_rows(const PageFormat& format, AttentionBlock& block) {
  static thread_local Scratch scratch;
  uint16_t* rows = scratch.numbers<uint16_t>(std::size_t(kAttentionBlock * format.width));
  for (int64_t i = 0; i < block.rows; ++i, rows += format.width) {
    decode_record(format, block.row[i], rows);
    block.row[i] = reinterpret_cast<const unsigned char*>(rows);
  }
  block.type = Number::BF16;
}

void attend(const LatentAttention& args, int64_t t, int64_t number, const Attended& result) {
  static thread_local Scratch scratch;
  AttentionBlock block;
  block.heads = args.q.extent[1];
  block.width = args.format.width;
  block.latent = args.out.extent[2];
  block.q = args.q.data + t * block.heads * block.width;
  block.scale = args.scale;
  block.type = args.format.type;

  const int64_t first = number * kAttentionBlock;
  block.rows = std::min(kAttentionBlock, listed_rows(args, t) - first);
  const SeenPages& seen = args.seen.data[t];
  const int64_t row_bytes = args.format.row_bytes();
  const bool all_rows = args.found.data[t] == LatentAttention::kAll;
  const int32_t* list = all_rows ? nullptr : args.selected.data + t * args.selected.extent[1];
  for (int64_t i = 0; i < block.rows; ++i) {
    const int64_t s = all_rows ? first + i : list[first + i];
    assert(0 <= s && s < seen.visible);
    block.row[i] = seen.page[s / kPageTokens] + args.offset + s % kPageTokens * row_bytes;
  }
  if (block.type == Number::FP8) decode_rows(args.format, block);
  for (int64_t i = block.rows; i < round_up(block.rows, kTile); ++i)
    block.row[i] = block.row[block.rows - 1];

#if defined(__AVX512BF16__)
  if (block.type == Number::BF16) return attend_bfloat16(block, scratch, result);
#endif
  attend_float(block, scratch, result);
}

// y and x become y, over the rows of both, for the heads from `first` on.
void join(const Attended& y, const Attended& x, int64_t first, int64_t heads, int64_t latent) {
  for (int64_t h = first; h < first + heads; ++h) {
    const float max = y.max[h] > x.max[h] ? y.max[h] : x.max[h];
    const Lanes keep = exp_of_negative(all(y.max[h] - max));
    const Lanes take = exp_of_negative(all(x.max[h] - max));
    float factor[2][kLanes];
    store(factor[0], keep);
    store(factor[1], take);
    y.max[h] = max;
    y.sum[h] = __builtin_fmaf(x.sum[h], factor[1][0], y.sum[h] * factor[0][0]);
    float* to = y.out + h * latent;
    const float* from = x.out + h * latent;
    int64_t c = 0;
    for (; c + kLanes <= latent; c += kLanes)
      store(to + c, multiply_add(load(from + c), take, multiply(load(to + c), keep)));
    for (; c < latent; ++c) to[c] = __builtin_fmaf(from[c], factor[1][0], to[c] * factor[0][0]);
  }
}

void finish(const Attended& y, int64_t first, int64_t heads, int64_t latent) {
  for (int64_t h = first; h < first + heads; ++h) {
    float* to = y.out + h * latent;
    int64_t c = 0;
    for (; c + kLanes <= latent; c += kLanes) store(to + c, divide(load(to + c), all(y.sum[h])));
    for (; c < latent; ++c) to[c] /= y.sum[h];
  }
}

// Where the result of one block lies in memory for `heads * (latent + 2)` floats.
Attended attended_at(float* memory, int64_t heads, int64_t latent) {
  Attended at;
  at.out = memory;
  at.max = memory + heads * latent;
  at.sum = at.max + heads;
  return at;
}

// The results of tokens that attend to nothing.
void write_zeros(const LatentAttention& args) {
  const int64_t numbers = args.out.extent[1] * args.out.extent[2];
  for (int64_t t = 0; t < args.out.extent[0]; ++t)
    if (listed_rows(args, t) == 0) std::fill_n(args.out.data + t * numbers, numbers, 0.0f);
}

void attend_by_tokens(const LatentAttention& args, Threads& threads) {
  threads.run(args.out.extent[0], [&args](int64_t t) {
    if (listed_rows(args, t) == 0) return;
    static thread_local Scratch scratch;
    const int64_t heads = args.out.extent[1], latent = args.out.extent[2];
    float* memory = scratch.numbers<float>(std::size_t(heads * (latent + 4)));
    const Attended next = attended_at(memory, heads, latent);
    Attended y;
    y.max = memory + heads * (latent + 2);
    y.sum = y.max + heads;
    y.out = args.out.data + t * heads * latent;
    attend(args, t, 0, y);
    for (int64_t block = 1; block < blocks_of(args, t); ++block) {
      attend(args, t, block, next);
      join(y, next, 0, heads, latent);
    }
    finish(y, 0, heads, latent);
  });
}

// All blocks of all tokens in one row, token by token, done some at a time. A token's first block
// is written where its result will be; later ones wait in slots until all are done that were begun.
class BlocksOfTokens {
 public:
  BlocksOfTokens(const LatentAttention& args, int64_t threads, Scratch& scratch)
      : args_(args),
        tokens_(args.out.extent[0]),
        heads_(args.out.extent[1]),
        latent_(args.out.extent[2]),
        slot_floats_(round_up(heads_ * (latent_ + 2), 16)) {
    int64_t blocks = 0;
    for (int64_t t = 0; t < tokens_; ++t) blocks += blocks_of(args, t);
    const int64_t most = kWaitingBytesMost / (slot_floats_ * int64_t(sizeof(float)));
    slots_ = std::min(blocks, std::max(most, kWaitingPerThread * threads));
    slot_ = scratch.numbers<float>(std::size_t(slots_ * slot_floats_ + tokens_ * heads_ * 2));
    state_ = slot_ + slots_ * slot_floats_;
    blocks_ = blocks;
  }

  void run(Threads& threads) {
    for (int64_t first = 0; first < blocks_; first += slots_) {
      const int64_t count = std::min(slots_, blocks_ - first);
      threads.run(count, [this, first](int64_t i) {
        const Place place = place_of(first + i);
        attend(args_, place.token, place.block, place.block == 0 ? token(place.token) : slot(i));
      });
      const int64_t groups = (heads_ + kHeadsJoined - 1) / kHeadsJoined;
      threads.run(tokens_ * groups, [this, first, count, groups](int64_t task) {
        join_token(task / groups, task % groups * kHeadsJoined, first, count);
      });
    }
  }

 private:
  static constexpr int64_t kHeadsJoined = 4;
  struct Place {
    int64_t token = 0;
    int64_t block = 0;
  };

  Attended slot(int64_t i) const { return attended_at(slot_ + i * slot_floats_, heads_, latent_); }
  Attended token(int64_t t) const {
    Attended y;
    y.max = state_ + t * heads_ * 2;
    y.sum = y.max + heads_;
    y.out = args_.out.data + t * heads_ * latent_;
    return y;
  }
  Place place_of(int64_t number) const {
    Place place{0, number};
    for (int64_t blocks; place.block >= (blocks = blocks_of(args_, place.token)); ++place.token)
      place.block -= blocks;
    return place;
  }

  // Joins the token's blocks among the `count` from number `begin` on, for some of its heads.
  void join_token(int64_t t, int64_t head, int64_t begin, int64_t count) const {
    if (listed_rows(args_, t) == 0) return;
    int64_t first = 0;
    for (int64_t earlier = 0; earlier < t; ++earlier) first += blocks_of(args_, earlier);
    const int64_t last = first + blocks_of(args_, t) - 1;
    const int64_t heads = std::min(kHeadsJoined, heads_ - head);
    for (int64_t n = std::max(first + 1, begin); n <= std::min(last, begin + count - 1); ++n)
      join(token(t), slot(n - begin), head, heads, latent_);
    if (begin <= last && last < begin + count) finish(token(t), head, heads, latent_);
  }

  const LatentAttention& args_;
  int64_t tokens_, heads_, latent_, slot_floats_;
  int64_t blocks_ = 0;
  int64_t slots_ = 0;
  float* slot_ = nullptr;
  float* state_ = nullptr;  // [tokens, 2, heads]: max and sum
};

}  // namespace

template <>
void simd::latent_attention<KERNEL_LEVEL>(const LatentAttention& args, Threads& threads) {
  const int64_t tokens = args.out.extent[0];
  assert(args.q.extent[0] == tokens && args.q.extent[1] == args.out.extent[1]);
  assert(args.q.extent[2] == args.format.width && args.out.extent[2] <= args.format.width);
  if (tokens == 0) return;
  write_zeros(args);
  if (tokens >= kTokensPerThread * threads.count()) return attend_by_tokens(args, threads);
  static thread_local Scratch scratch;
  BlocksOfTokens(args, threads.count(), scratch).run(threads);
}
