#include "kernels/draw.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

// The definition: everything sorted, and weights summed from the likeliest on; only the sum of all
// runs along the indices. engine/sampling.cpp draws the same bits and sorts no further than it
// must.

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

class Falling {
 public:
  Falling(View<const float, 1> logits, double temperature)
      : logits_(logits), temperature_(temperature) {
    for (int32_t i = 0; i < logits.extent[0]; ++i)
      if (logits(i) > -kInfinity) tokens_.push_back(i);
    if (tokens_.empty()) return;
    largest_ = *std::max_element(logits.data, logits.data + logits.extent[0]);
    for (const int32_t token : tokens_) total_ += std::exp(exponent_of(token));
    std::ranges::stable_sort(tokens_,
                             [&](int32_t i, int32_t j) { return logits_(i) > logits_(j); });
  }

  int32_t size() const { return int32_t(tokens_.size()); }
  int32_t token(int32_t rank) const { return tokens_[std::size_t(rank)]; }
  double exponent_of(int32_t token) const {
    return (double(logits_(token)) - largest_) / temperature_;
  }
  double weight(int32_t rank) const { return std::exp(exponent_of(token(rank))); }
  double total() const { return total_; }
  double sum(int32_t count) const {
    if (count == size()) return total_;
    double sum = 0;
    for (int32_t rank = 0; rank < count; ++rank) sum += weight(rank);
    return sum;
  }

 private:
  View<const float, 1> logits_;
  double temperature_;
  std::vector<int32_t> tokens_;
  double largest_ = 0, total_ = 0;
};

// How many of the likeliest the filters leave.
int32_t kept_count(const Falling& falling, const DrawRule& rule) {
  int32_t count = falling.size();
  if (rule.top_k > 0) count = std::min(count, rule.top_k);
  if (rule.top_p < 1) {
    const double enough = rule.top_p * falling.sum(count);
    double sum = falling.weight(0);
    int32_t reached = 1;
    while (reached < count && sum < enough) sum += falling.weight(reached++);
    count = reached;
  }
  int32_t likely = 1;
  while (likely < count && falling.weight(likely) >= rule.min_p) ++likely;
  return likely;
}

int32_t rank_at(const Falling& falling, int32_t count, double at) {
  const double target = at * falling.sum(count);
  double sum = 0;
  int32_t last = 0;  // with a weight above 0: rounding may leave the sum below the target
  for (int32_t rank = 0; rank < count && falling.weight(rank) > 0; ++rank) {
    last = rank;
    sum += falling.weight(rank);
    if (sum > target) break;
  }
  return last;
}

DrawnRow drawn_from(const Falling& falling, const DrawRule& rule) {
  const bool greedy = rule.temperature == 0;
  const int32_t count = greedy ? 1 : kept_count(falling, rule);
  const int32_t token = falling.token(greedy ? 0 : rank_at(falling, count, rule.at));
  return {.token = token,
          .count = count,
          .log_probability = float(falling.exponent_of(token) - std::log(falling.total())),
          .log_kept = float(std::log(falling.sum(count) / falling.total()))};
}

}  // namespace

void cpu::draw(const Draw& args) {
  const auto& [logits, rules, drawn, kept] = args;
  for (int64_t t = 0; t < logits.extent[0]; ++t) {
    const auto row = logits[t];
    const float* end = row.data + row.extent[0];
    const float* wrong = std::find_if(row.data, end, [](float x) { return !(x < kInfinity); });
    if (wrong != end) {
      drawn(t) = {.end = std::isnan(*wrong) ? DrawnRow::End::NaN : DrawnRow::End::Infinite,
                  .token = int32_t(wrong - row.data)};
      continue;
    }
    const DrawRule& rule = rules(t);
    const Falling falling(row, rule.temperature == 0 ? 1 : rule.temperature);
    if (falling.size() == 0) {
      drawn(t) = {.end = DrawnRow::End::NothingFinite};
      continue;
    }
    drawn(t) = drawn_from(falling, rule);
    if (rule.keep == DrawRule::Keep::No) continue;
    const auto bits = kept[t];
    std::fill_n(bits.data, bits.extent[0], 0);
    for (int32_t rank = 0; rank < drawn(t).count; ++rank)
      bits(falling.token(rank) / 32) |= uint32_t(1) << (falling.token(rank) % 32);
  }
}
