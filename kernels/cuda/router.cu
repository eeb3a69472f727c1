// Choosing experts and sorting by them, version 1. Bound: launches; the work is small.
//
// Scores are in double and places are counted, not sorted for: an expert's place is the number of
// experts that come before it. So every choice is the twin's unless e^x rounds otherwise.
#include <bit>

#include "kernels/cuda/launch.h"

namespace {

constexpr int kThreads = 256;

// Shared by the block.
struct Scratch {
  double* score;       // [experts]
  double* rank;        // [experts]
  double* group_rank;  // [groups]
  int32_t* keep;       // [groups]
};

int64_t scratch_bytes(int64_t experts, int64_t groups) {
  return (2 * experts + groups) * int64_t(sizeof(double)) + groups * int64_t(sizeof(int32_t));
}

__device__ Scratch scratch_of(int64_t experts, int64_t groups) {
  Scratch scratch;
  scratch.score = reinterpret_cast<double*>(cuda::shared_memory());
  scratch.rank = scratch.score + experts;
  scratch.group_rank = scratch.rank + experts;
  scratch.keep = reinterpret_cast<int32_t*>(scratch.group_rank + groups);
  return scratch;
}

__host__ __device__ int64_t groups_of(const Router& args) {
  return args.group == Router::Group::None ? 1 : args.groups;
}

__device__ void find_scores(const Router& args, View<const float, 1> logits,
                            const Scratch& scratch) {
  const int64_t experts = logits.extent[0];
  if (args.score == Router::Score::Sigmoid) {
    for (int64_t e = cuda::thread(); e < experts; e += kThreads)
      scratch.score[e] = 1 / (1 + exp(-double(logits(e))));
    return;
  }
  float most = logits(0);
  for (int64_t e = 1; e < experts; ++e) most = fmaxf(most, logits(e));
  for (int64_t e = cuda::thread(); e < experts; e += kThreads)
    scratch.rank[e] = exp(double(logits(e)) - most);
  cuda::barrier();
  double sum = 0;
  for (int64_t e = 0; e < experts; ++e) sum += scratch.rank[e];
  for (int64_t e = cuda::thread(); e < experts; e += kThreads)
    scratch.score[e] = scratch.rank[e] / sum;
  cuda::barrier();  // ranks are still read
}

// A NaN ranks last.
__device__ void find_ranks(View<const float, 1> bias, int64_t experts, const Scratch& scratch) {
  for (int64_t e = cuda::thread(); e < experts; e += kThreads) {
    const double rank = scratch.score[e] + (bias.data != nullptr ? double(bias(e)) : 0);
    scratch.rank[e] = rank == rank ? rank : -INFINITY;
  }
}

__device__ double group_rank(const double* rank, int64_t size, Router::Group group) {
  double most = -INFINITY, second = -INFINITY;
  for (int64_t i = 0; i < size; ++i) {
    second = fmax(second, fmin(most, rank[i]));
    most = fmax(most, rank[i]);
  }
  return group == Router::Group::SumOfTwo && size > 1 ? most + second : most;
}

// How many of `count` values come before the i-th: larger ones, and equal ones with a lower index.
__device__ int64_t place_of(int64_t i, const double* values, int64_t count) {
  int64_t before = 0;
  for (int64_t j = 0; j < count; ++j)
    before += values[j] > values[i] || (values[j] == values[i] && j < i) ? 1 : 0;
  return before;
}

__device__ void keep_groups(const Router& args, int64_t size, int64_t groups,
                            const Scratch& scratch) {
  for (int64_t g = cuda::thread(); g < groups; g += kThreads)
    scratch.group_rank[g] = group_rank(scratch.rank + g * size, size, args.group);
  cuda::barrier();
  for (int64_t g = cuda::thread(); g < groups; g += kThreads)
    scratch.keep[g] = args.group == Router::Group::None ||
                      place_of(g, scratch.group_rank, groups) < args.groups_kept;
}

// Writes the experts of kept groups to their places.
__device__ void choose(const Router& args, int64_t t, int64_t size, const Scratch& scratch) {
  const int64_t experts = args.logits.extent[1], chosen = args.expert.extent[1];
  for (int64_t e = cuda::thread(); e < experts; e += kThreads) {
    if (scratch.keep[e / size] == 0) continue;
    int64_t place = 0;
    for (int64_t first = 0; first < experts; first += size) {
      if (scratch.keep[first / size] == 0) continue;
      for (int64_t j = first; j < first + size; ++j)
        place += scratch.rank[j] > scratch.rank[e] || (scratch.rank[j] == scratch.rank[e] && j < e)
                     ? 1
                     : 0;
    }
    if (place < chosen) args.expert(t, place) = int32_t(e);
  }
}

// grid: a block for each token   shared: Scratch
__global__ void router_kernel(Router args) {
  const int64_t t = cuda::block(), experts = args.logits.extent[1];
  const int64_t chosen = args.expert.extent[1], groups = groups_of(args);
  const Scratch scratch = scratch_of(experts, groups);

  find_scores(args, args.logits[t], scratch);
  find_ranks(args.bias, experts, scratch);  // of the scores that this thread found
  cuda::barrier();
  keep_groups(args, experts / groups, groups, scratch);
  cuda::barrier();
  choose(args, t, experts / groups, scratch);
  cuda::barrier();
  if (cuda::thread() != 0) return;
  double sum = 0;
  for (int64_t j = 0; j < chosen; ++j) sum += scratch.score[args.expert(t, j)];
  for (int64_t j = 0; j < chosen; ++j) {
    const double weight = scratch.score[args.expert(t, j)] / (args.normalise ? sum : 1);
    args.weight(t, j) = float(weight * args.scale);
  }
}

// grid: a warp for each expert, and one for the end   It counts the pairs of lower experts, which
// is where its own begin, and places these in the order in which they stand.
__global__ void group_pairs_kernel(GroupPairs args) {
  const auto& [expert, first, token, slot] = args;
  const int64_t e = cuda::block(), pairs = expert.size(), chosen = expert.extent[1];
  const int lane = cuda::thread();
  int32_t begin = 0;
  for (int64_t i = lane; i < pairs; i += cuda::kWarp) begin += expert.data[i] < e ? 1 : 0;
  begin = cuda::warp_sum(begin);
  if (lane == 0) first(e) = begin;
  if (e == first.extent[0] - 1) return;
  for (int64_t step = 0; step < pairs; step += cuda::kWarp) {
    const int64_t i = step + lane;
    const bool own = i < pairs && expert.data[i] == e;
    const uint32_t owned = cuda::ballot(own);
    const int32_t place = begin + std::popcount(owned & ((1u << lane) - 1));
    if (own) {
      slot.data[i] = place;
      token(place) = int32_t(i / chosen);
    }
    begin += std::popcount(owned);
  }
}

// grid: a thread for each number
__global__ void gather_rows_kernel(GatherRows args) {
  const int64_t dim = args.y.extent[1], i = cuda::place() / dim, c = cuda::place() % dim;
  if (i < args.y.extent[0]) args.y(i, c) = args.x(args.token(i), c);
}

// grid: a thread for each number
__global__ void combine_experts_kernel(CombineExperts args) {
  const auto& [x, slot, weight, y] = args;
  const int64_t dim = y.extent[1], t = cuda::place() / dim, c = cuda::place() % dim;
  if (t >= y.extent[0]) return;
  float sum = 0;
  for (int64_t j = 0; j < slot.extent[1]; ++j) sum = fmaf(weight(t, j), x(slot(t, j), c), sum);
  y(t, c) += sum;
}

}  // namespace

void cuda::router(const Router& args, Stream stream) {
  const auto [tokens, experts] = args.logits.extent;
  assert(args.groups >= 1 && experts % args.groups == 0 && args.groups_kept <= args.groups);
  assert(args.expert.extent[1] <= (args.group == Router::Group::None
                                       ? experts
                                       : experts / args.groups * int64_t(args.groups_kept)));
  launch(stream, router_kernel,
         {.blocks = tokens,
          .threads = kThreads,
          .shared_bytes = scratch_bytes(experts, groups_of(args))},
         args);
}

void cuda::group_pairs(const GroupPairs& args, Stream stream) {
  assert(args.token.extent[0] == args.expert.size());
  launch(stream, group_pairs_kernel, {.blocks = args.first.extent[0], .threads = kWarp}, args);
}

void cuda::gather_rows(const GatherRows& args, Stream stream) {
  launch(stream, gather_rows_kernel, shape_of_each(args.y.size()), args);
}

void cuda::combine_experts(const CombineExperts& args, Stream stream) {
  launch(stream, combine_experts_kernel, shape_of_each(args.y.size()), args);
}
