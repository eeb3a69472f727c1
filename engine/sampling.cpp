#include "engine/sampling.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "engine/philox.h"

namespace engine {

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// A candidate as one number: ascending order is falling logits, then rising index.
uint64_t key_of(float logit, int32_t token) {
  const uint32_t bits = std::bit_cast<uint32_t>(logit + 0.0f);  // -0 becomes 0: they are equal
  const uint32_t rising = bits >> 31 ? ~bits : bits | 0x80000000u;
  return uint64_t(~rising) << 32 | uint32_t(token);
}
int32_t token_of(uint64_t key) { return int32_t(uint32_t(key)); }

void require_numbers(View<const float, 1> logits) {
  for (int64_t i = 0; i < logits.extent[0]; ++i)
    if (!(logits(i) < kInfinity)) throw std::domain_error(no_number(i));
}

std::vector<uint64_t> candidates(View<const float, 1> logits, const std::vector<int32_t>* allowed) {
  std::vector<uint64_t> keys;
  keys.reserve(allowed ? allowed->size() : std::size_t(logits.extent[0]));
  const auto consider = [&](int32_t token) {
    if (logits(token) > -kInfinity) keys.push_back(key_of(logits(token), token));
  };
  if (allowed) {
    for (const int32_t token : *allowed) consider(token);
  } else {
    for (int32_t token = 0; token < logits.extent[0]; ++token) consider(token);
  }
  return keys;
}

// The candidates in order of falling logits, sorted no further than anybody looks: most draws look
// at a few of 129,280.
class Falling {
 public:
  Falling(View<const float, 1> logits, const std::vector<int32_t>* allowed, double temperature)
      : logits_(logits), keys_(candidates(logits, allowed)), temperature_(temperature) {
    if (keys_.empty()) throw std::domain_error(kNothingFinite);
    largest_ = logits_(token_of(*std::min_element(keys_.begin(), keys_.end())));
    for (const uint64_t key : keys_) total_ += weight_of(token_of(key));
  }

  std::size_t size() const { return keys_.size(); }
  double total() const { return total_; }  // of all weights, summed before anything is sorted

  int32_t token(std::size_t rank) {
    while (rank >= sorted_) sort_more();
    return token_of(keys_[rank]);
  }
  // Relative to the likeliest, which has 1.
  double weight(std::size_t rank) { return weight_of(token(rank)); }
  double log_probability(int32_t token) const { return exponent_of(token) - std::log(total_); }

  double sum(std::size_t count) {
    if (count == size()) return total_;
    double sum = 0;
    for (std::size_t rank = 0; rank < count; ++rank) sum += weight(rank);
    return sum;
  }

 private:
  static constexpr std::size_t kFirstSorted = 64;
  static constexpr std::size_t kGrowth = 8;

  double exponent_of(int32_t token) const {
    return (double(logits_(token)) - largest_) / temperature_;
  }
  double weight_of(int32_t token) const { return std::exp(exponent_of(token)); }

  void sort_more() {
    const std::size_t until = std::min(keys_.size(), std::max(kFirstSorted, sorted_ * kGrowth));
    const auto from = keys_.begin() + std::ptrdiff_t(sorted_);
    const auto to = keys_.begin() + std::ptrdiff_t(until);
    if (to != keys_.end()) std::nth_element(from, to, keys_.end());
    std::sort(from, to);
    sorted_ = until;
  }

  View<const float, 1> logits_;
  std::vector<uint64_t> keys_;
  std::size_t sorted_ = 0;
  double temperature_;
  double largest_ = 0;
  double total_ = 0;
};

// How many of the likeliest the filters leave.
std::size_t kept_count(Falling& falling, const Sampling& sampling) {
  std::size_t count = falling.size();
  if (sampling.top_k > 0) count = std::min(count, std::size_t(sampling.top_k));
  if (sampling.top_p < 1) {
    const double enough = sampling.top_p * falling.sum(count);
    double sum = falling.weight(0);
    std::size_t reached = 1;
    while (reached < count && sum < enough) sum += falling.weight(reached++);
    count = reached;
  }
  if (sampling.min_p > 0) {
    std::size_t likely = 1;
    while (likely < count && falling.weight(likely) >= sampling.min_p) ++likely;
    count = likely;
  }
  return count;
}

std::size_t rank_at(Falling& falling, std::size_t count, double at) {
  const double target = at * falling.sum(count);
  double sum = 0;
  std::size_t last = 0;  // with a weight above 0: rounding may leave the sum below the target
  for (std::size_t rank = 0; rank < count; ++rank) {
    const double weight = falling.weight(rank);
    if (weight == 0) break;
    last = rank;
    sum += weight;
    if (sum > target) break;
  }
  return last;
}

std::vector<int32_t> kept_tokens(Falling& falling, std::size_t count) {
  std::vector<int32_t> kept(count);
  for (std::size_t rank = 0; rank < count; ++rank) kept[rank] = falling.token(rank);
  std::sort(kept.begin(), kept.end());
  return kept;
}

}  // namespace

std::optional<std::string> wrong_with(const Sampling& sampling) {
  if (!(sampling.temperature >= 0 && std::isfinite(sampling.temperature)))
    return "temperature must be finite and not negative";
  if (sampling.top_k < 0) return "top_k must not be negative";
  if (!(sampling.top_p > 0 && sampling.top_p <= 1)) return "top_p must be above 0 and at most 1";
  if (!(sampling.min_p >= 0 && sampling.min_p <= 1)) return "min_p must be from 0 to 1";
  return std::nullopt;
}

double uniform(uint64_t seed, uint64_t sample, uint64_t position) {
  const auto words = philox4x32_10(
      {uint32_t(sample), uint32_t(sample >> 32), uint32_t(position), uint32_t(position >> 32)},
      {uint32_t(seed), uint32_t(seed >> 32)});
  const uint64_t bits = (uint64_t(words[0]) << 32 | words[1]) >> 11;  // as many as a double holds
  return double(bits) * 0x1p-53;
}

Drawn draw(View<const float, 1> logits, const Sampling& sampling, double at, KeepSets keep,
           const std::vector<int32_t>* allowed) {
  require_numbers(logits);
  const bool greedy = sampling.temperature == 0;
  Falling falling(logits, allowed, greedy ? 1 : sampling.temperature);

  const std::size_t count = greedy ? 1 : kept_count(falling, sampling);
  Drawn drawn;
  drawn.token = falling.token(greedy ? 0 : rank_at(falling, count, at));
  drawn.log_probability = float(falling.log_probability(drawn.token));
  if (keep == KeepSets::Yes) {
    drawn.log_kept = float(std::log(falling.sum(count) / falling.total()));
    if (count < std::size_t(logits.extent[0])) drawn.kept = kept_tokens(falling, count);
  }
  return drawn;
}

DrawOutcome outcome_of(View<const float, 1> logits, const ToDraw& wanted) {
  try {
    return draw(logits, wanted.sampling, wanted.at, wanted.keep, wanted.allowed);
  } catch (const std::domain_error& error) {
    return std::string(error.what());
  }
}

std::string no_number(int64_t token) {
  return "logit " + std::to_string(token) + " is NaN or infinite";
}

}  // namespace engine
