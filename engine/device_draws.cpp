#include "engine/device_draws.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace engine {
namespace {

constexpr int32_t kBits = 32;  // of a word of a kept set

DrawRule rule_of(const ToDraw& wanted) {
  const Sampling& sampling = wanted.sampling;
  return {.temperature = sampling.temperature,
          .top_p = sampling.top_p,
          .min_p = sampling.min_p,
          .at = wanted.at,
          .top_k = sampling.top_k,
          .keep = wanted.keep == KeepSets::Yes ? DrawRule::Keep::Yes : DrawRule::Keep::No};
}

int64_t aligned(int64_t bytes) {
  return (bytes + Memory::kAlignment - 1) / Memory::kAlignment * Memory::kAlignment;
}

}  // namespace

int64_t DeviceDraws::rows_of(int64_t rows_max) {
  return std::min(rows_max, model::Network::kLogitsRows);
}

int64_t DeviceDraws::bytes(int64_t vocabulary, int64_t rows_max) {
  const int64_t rows = rows_of(rows_max);
  return aligned(rows * int64_t(sizeof(DrawRule))) + aligned(rows * int64_t(sizeof(DrawnRow))) +
         aligned(rows * Draw::kept_words(vocabulary) * int64_t(sizeof(uint32_t)));
}

DeviceDraws::DeviceDraws(Kernels& kernels, int64_t vocabulary, int64_t rows_max)
    : kernels_(kernels),
      vocabulary_(vocabulary),
      rule_on_device_(kernels.memory(), rows_of(rows_max)),
      drawn_on_device_(kernels.memory(), rows_of(rows_max)),
      kept_on_device_(kernels.memory(), rows_of(rows_max) * Draw::kept_words(vocabulary)) {}

std::vector<DrawOutcome> DeviceDraws::draw(View<const float, 2> logits,
                                           std::span<const ToDraw> wanted,
                                           std::span<const int32_t> positions) {
  assert(logits.extent[0] == int64_t(wanted.size()) && wanted.size() == positions.size());
  const auto listed = [](const ToDraw& each) { return each.allowed != nullptr; };
  if (!std::ranges::all_of(wanted, listed)) start(logits, wanted);

  std::vector<DrawOutcome> outcomes;
  outcomes.reserve(wanted.size());
  for (std::size_t row = 0; row < wanted.size(); ++row) {
    if (listed(wanted[row])) {
      outcomes.push_back(drawn_here(logits[int64_t(row)], wanted[row], positions[row]));
      continue;
    }
    if (drawn_[row].end == DrawnRow::End::NaN && drawn_[row].token == 0)
      throw model::broken_logits(positions[row]);
    outcomes.push_back(told(row, wanted[row]));
  }
  return outcomes;
}

void DeviceDraws::start(View<const float, 2> logits, std::span<const ToDraw> wanted) {
  const int64_t rows = logits.extent[0];
  rule_.clear();
  for (const ToDraw& each : wanted) rule_.push_back(rule_of(each));
  rule_on_device_.write(rule_);
  const auto drawn = drawn_on_device_.view(rows);
  kernels_.draw({.logits = logits,
                 .rule = rule_on_device_.view(rows),
                 .drawn = drawn,
                 .kept = kept_on_device_.view(rows, Draw::kept_words(vocabulary_))});
  drawn_.resize(std::size_t(rows));
  kernels_.memory().read(drawn_.data(), drawn.data, rows * int64_t(sizeof(DrawnRow)));
  read_kept(wanted);
}

bool DeviceDraws::reads_kept(std::size_t row, const ToDraw& wanted) const {
  return wanted.keep == KeepSets::Yes && wanted.allowed == nullptr &&
         drawn_[row].end == DrawnRow::End::Drawn && drawn_[row].count < vocabulary_;
}

// Neighbours are read at once.
void DeviceDraws::read_kept(std::span<const ToDraw> wanted) {
  const int64_t words = Draw::kept_words(vocabulary_);
  kept_.resize(std::max(kept_.size(), wanted.size() * std::size_t(words)));
  for (std::size_t row = 0; row < wanted.size(); ++row) {
    const std::size_t first = row;
    while (row < wanted.size() && reads_kept(row, wanted[row])) ++row;
    if (row == first) continue;
    const auto from = kept_on_device_.view(int64_t(wanted.size()), words)
                          .part(int64_t(first), int64_t(row - first));
    kernels_.memory().read(kept_.data() + first * std::size_t(words), from.data,
                           from.size() * int64_t(sizeof(uint32_t)));
  }
}

DrawOutcome DeviceDraws::told(std::size_t row, const ToDraw& wanted) const {
  const DrawnRow& made = drawn_[row];
  if (made.end == DrawnRow::End::NothingFinite) return std::string(kNothingFinite);
  if (made.end != DrawnRow::End::Drawn) return no_number(made.token);
  Drawn drawn;
  drawn.token = made.token;
  drawn.log_probability = made.log_probability;
  if (wanted.keep == KeepSets::Yes) drawn.log_kept = made.log_kept;
  if (!reads_kept(row, wanted)) return drawn;
  drawn.kept.reserve(std::size_t(made.count));
  const auto words = std::size_t(Draw::kept_words(vocabulary_));
  for (std::size_t i = 0; i < words; ++i)
    for (uint32_t bits = kept_[row * words + i]; bits != 0; bits &= bits - 1)
      drawn.kept.push_back(int32_t(i) * kBits + std::countr_zero(bits));
  return drawn;
}

DrawOutcome DeviceDraws::drawn_here(View<const float, 1> logits, const ToDraw& wanted,
                                    int32_t position) {
  logits_.resize(std::size_t(vocabulary_));
  kernels_.memory().read(logits_.data(), logits.data, vocabulary_ * int64_t(sizeof(float)));
  if (std::isnan(logits_[0])) throw model::broken_logits(position);
  return outcome_of({logits_.data(), {vocabulary_}}, wanted);
}

}  // namespace engine
