#include "kernels/router.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

// Scores are in double, so that a disagreement is the other side's rounding. A NaN ranks as -inf:
// the choice stays within bounds, and the NaN shows in the weights if it is chosen after all.

namespace {

using Numbers = std::vector<double>;

Numbers scores_of(View<const float, 1> logits, Router::Score score) {
  const int64_t experts = logits.extent[0];
  Numbers s(experts);
  if (score == Router::Score::Sigmoid) {
    for (int64_t e = 0; e < experts; ++e) s[e] = 1 / (1 + std::exp(-double(logits(e))));
    return s;
  }
  const double most = *std::max_element(logits.data, logits.data + experts);
  double sum = 0;
  for (int64_t e = 0; e < experts; ++e) sum += s[e] = std::exp(logits(e) - most);
  for (double& each : s) each /= sum;
  return s;
}

Numbers ranks_of(const Numbers& s, View<const float, 1> bias) {
  Numbers rank = s;
  for (std::size_t e = 0; e < rank.size(); ++e) {
    if (bias.data != nullptr) rank[e] += bias(e);
    if (std::isnan(rank[e])) rank[e] = -std::numeric_limits<double>::infinity();
  }
  return rank;
}

// The indices of `values` in descending order; of equal ones the lower comes first.
std::vector<int32_t> descending(const Numbers& values) {
  std::vector<int32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](int32_t i, int32_t j) { return values[i] > values[j]; });
  return order;
}

double group_score(std::vector<double> ranks, Router::Group group) {
  std::ranges::sort(ranks, std::greater<>());
  return group == Router::Group::Largest || ranks.size() == 1 ? ranks[0] : ranks[0] + ranks[1];
}

// [experts]: 1 where the expert's group is kept.
std::vector<char> kept(const Numbers& rank, const Router& args) {
  if (args.group == Router::Group::None) return std::vector<char>(rank.size(), 1);
  const int64_t size = int64_t(rank.size()) / args.groups;
  Numbers of_group;
  for (int32_t g = 0; g < args.groups; ++g)
    of_group.push_back(
        group_score({rank.begin() + g * size, rank.begin() + (g + 1) * size}, args.group));
  const std::vector<int32_t> order = descending(of_group);
  std::vector<char> keep(rank.size(), 0);
  for (int32_t i = 0; i < args.groups_kept; ++i)
    std::fill_n(keep.begin() + order[i] * size, size, char(1));
  return keep;
}

}  // namespace

void cpu::router(const Router& args) {
  const auto [tokens, experts] = args.logits.extent;
  const int64_t chosen = args.expert.extent[1];
  assert(args.groups >= 1 && experts % args.groups == 0 && args.groups_kept <= args.groups);
  assert(chosen <= (args.group == Router::Group::None
                        ? experts
                        : experts / args.groups * int64_t(args.groups_kept)));

  for (int64_t t = 0; t < tokens; ++t) {
    const Numbers s = scores_of(args.logits[t], args.score);
    const Numbers rank = ranks_of(s, args.bias);
    const std::vector<char> keep = kept(rank, args);
    double sum = 0;
    int64_t j = 0;
    for (const int32_t e : descending(rank)) {
      if (j == chosen) break;
      if (!keep[e]) continue;
      args.expert(t, j++) = e;
      sum += s[e];
    }
    for (j = 0; j < chosen; ++j) {
      const double weight = s[args.expert(t, j)] / (args.normalise ? sum : 1);
      args.weight(t, j) = float(weight * args.scale);
    }
  }
}

// A counting sort. While pairs are placed, first(e) is where the next one of expert e goes, so that
// at the end it is where those of e + 1 begin.
void cpu::group_pairs(const GroupPairs& args) {
  const auto& [expert, first, token, slot] = args;
  const auto [tokens, chosen] = expert.extent;
  const int64_t experts = first.extent[0] - 1;
  assert(token.extent[0] == tokens * chosen);

  std::fill_n(first.data, experts + 1, 0);
  for (int64_t i = 0; i < expert.size(); ++i) {
    assert(0 <= expert.data[i] && expert.data[i] < experts);
    ++first(expert.data[i] + 1);
  }
  for (int64_t e = 0; e < experts; ++e) first(e + 1) += first(e);
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t j = 0; j < chosen; ++j) {
      const int32_t place = first(expert(t, j))++;
      slot(t, j) = place;
      token(place) = int32_t(t);
    }
  }
  for (int64_t e = experts; e > 0; --e) first(e) = first(e - 1);
  first(0) = 0;
}

void cpu::gather_rows(const GatherRows& args) {
  const auto& [x, token, y] = args;
  for (int64_t i = 0; i < y.extent[0]; ++i)
    for (int64_t c = 0; c < y.extent[1]; ++c) y(i, c) = x(token(i), c);
}

void cpu::combine_experts(const CombineExperts& args) {
  const auto& [x, slot, weight, y] = args;
  const auto [tokens, dim] = y.extent;
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t c = 0; c < dim; ++c) {
      double sum = 0;
      for (int64_t j = 0; j < slot.extent[1]; ++j) sum += double(weight(t, j)) * x(slot(t, j), c);
      y(t, c) = float(y(t, c) + sum);
    }
  }
}
