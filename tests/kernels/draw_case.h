#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "kernels/draw.h"
#include "tests/kernels/agree.h"

// Rows to draw from, and what must come out, found another way than the twin does it: tokens are
// sorted as pairs, every token gets its interval in long double, and is judged by it alone.
namespace kernel_test {

struct Intervals {
  int32_t token = 0;
  std::vector<int32_t> kept = {};  // ascending
  double log_probability = 0, log_kept = 0;
  // Whether another order of the sums might decide otherwise.
  bool close = false;
};

// REQUIRES: no NaN, no +infinity, a finite logit.
class IntervalsOf {
 public:
  IntervalsOf(const std::vector<float>& logits, const DrawRule& rule) {
    const long double temperature = rule.temperature == 0 ? 1 : rule.temperature;
    for (std::size_t i = 0; i < logits.size(); ++i)
      if (logits[i] > -INFINITY) tokens_.push_back({-logits[i], int32_t(i)});
    std::sort(tokens_.begin(), tokens_.end());  // 0 == -0 here too
    for (const auto& [falling, token] : tokens_) {
      const long double x = (static_cast<long double>(tokens_[0].first) - falling) / temperature;
      start_.push_back(total());
      weight_.push_back(std::exp(x));
    }
    start_.push_back(start_.back() + weight_.back());
    found_.log_kept = 0;
    const std::size_t count = rule.temperature == 0 ? 1 : kept_by(rule);
    for (std::size_t r = 0; r < count; ++r) found_.kept.push_back(tokens_[r].second);
    std::sort(found_.kept.begin(), found_.kept.end());
    const std::size_t rank = rule.temperature == 0 ? 0 : rank_at(count, rule.at);
    found_.token = tokens_[rank].second;
    const long double falling = static_cast<long double>(tokens_[0].first) - tokens_[rank].first;
    found_.log_probability = double(falling / temperature - std::log(start_.back()));
    found_.log_kept = double(std::log(start_[count] / start_.back()));
  }

  const Intervals& found() const { return found_; }

 private:
  static constexpr long double kClose = 1e-9L;

  long double total() const { return start_.empty() ? 0 : start_.back() + weight_.back(); }
  void compare(long double a, long double b) {
    if (a != 0 && b != 0 && std::fabs(a - b) < kClose * std::fabs(b)) found_.close = true;
  }

  std::size_t kept_by(const DrawRule& rule) {
    std::size_t count = tokens_.size();
    if (rule.top_k > 0) count = std::min(count, std::size_t(rule.top_k));
    const long double enough = rule.top_p * start_[count];
    std::size_t kept = 1;
    for (std::size_t r = 1; r < count; ++r) {
      if (rule.top_p < 1) compare(start_[r], enough);
      if (weight_[r] != 1) compare(weight_[r], rule.min_p);
      if ((rule.top_p < 1 && start_[r] >= enough) || weight_[r] < rule.min_p) continue;
      ++kept;
    }
    return kept;
  }

  std::size_t rank_at(std::size_t count, double at) {
    const long double target = at * start_[count];
    std::size_t rank = 0;
    for (std::size_t r = 0; r < count; ++r) {
      if (r > 0) compare(start_[r], target);
      if (start_[r] <= target && weight_[r] > 0) rank = r;
    }
    return rank;
  }

  std::vector<std::pair<float, int32_t>> tokens_;  // (-logit, token)
  std::vector<long double> start_, weight_;        // start_ has the sum of all at its end
  Intervals found_;
};

inline Intervals intervals(const std::vector<float>& logits, const DrawRule& rule) {
  return IntervalsOf(logits, rule).found();
}

// Logits without NaN and +infinity: real numbers, plateaus, a single value, holes, numbers that
// differ in their last bits, some far above the others.
inline constexpr int kLogitKinds = 6;
inline std::vector<float> drawn_logits(Draws& draws, int64_t count, int kind) {
  std::vector<float> logits;
  for (int64_t i = 0; i < count; ++i) {
    const float unit = draws.uniform();
    switch (kind) {
      case 0:
        logits.push_back(5 * unit);
        break;
      case 1:
        logits.push_back(std::round(unit * 3));  // zeros of both signs
        break;
      case 2:
        logits.push_back(-1.5f);
        break;
      case 3:
        logits.push_back(draws.below(3) == 0 && i > 0 ? -INFINITY : 4 * unit);
        break;
      case 4:
        logits.push_back(5 + std::round(unit * 8) * 0x1p-18f);
        break;
      default:
        logits.push_back(draws.below(20) == 0 ? 30 * unit : unit);
    }
  }
  return logits;
}

inline DrawRule drawn_rule(Draws& draws, int64_t vocabulary) {
  const auto one_of = [&](const std::vector<double>& values) {
    return values[std::size_t(draws.below(int64_t(values.size())))];
  };
  DrawRule rule;
  rule.temperature = one_of({0, 0.1, 0.7, 1, 1, 2});
  rule.top_k = int32_t(one_of({0, 0, 1, 2, 7, double(vocabulary - 1), double(vocabulary + 5)}));
  rule.top_p = one_of({1, 1, 0.95, 0.501, 0.01});
  rule.min_p = one_of({0, 0, 0.05, 0.3, 1});
  rule.at = draws.below(8) == 0 ? 0 : double(draws.bits() >> 11) * 0x1p-53;
  rule.keep = draws.below(2) == 0 ? DrawRule::Keep::No : DrawRule::Keep::Yes;
  return rule;
}

// The tokens whose bits are set.
inline std::vector<int32_t> tokens_of(const uint32_t* words, int64_t vocabulary) {
  std::vector<int32_t> tokens;
  for (int64_t t = 0; t < Draw::kept_words(vocabulary) * 32; ++t)
    if ((words[t / 32] >> (t % 32) & 1) != 0) tokens.push_back(int32_t(t));
  return tokens;
}

}  // namespace kernel_test
