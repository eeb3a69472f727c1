#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace training {

// Group relative policy optimisation: what a rewarded answer's tokens count in the loss, as a pure
// function of log-probabilities. Answers to one prompt are a group; an answer's advantage is its
// reward against the group's. The loss is -J with
//
//   J = sum over answers i, tokens t of w_it { min(r A_i, clip(r, 1 - low, 1 + high) A_i) M_i - b D
//   } r = p / p_sampled;  M_i = 0 if A_i < 0 and mean over t of log(p_sampled / p) > off_policy_max
//   K3:       D = q - log q - 1 with q = p_reference / p
//   Unbiased: D = r (q - log q - 1), whose gradient is r log(p / p_reference) times that of log p
//
// (DeepSeek-V3.2, 3.1; Shao et al. 2024 for GRPO; Liu et al. 2025 for Dr. GRPO; Yu et al. 2025 for
// DAPO.) p is the trained policy, p_sampled what the engine drew from. Tested against finite
// differences in tests/training/objective_test.cpp.
struct Objective {
  enum class Advantage {
    Mean,
    Standardised
  } advantage = Advantage::Mean;  // R - mean (/ deviation)
  double clip_low = 0.2, clip_high = 0.2;
  enum class Divergence { None, K3, Unbiased } divergence = Divergence::Unbiased;
  static constexpr std::size_t kDomains = 4;
  std::array<double, kDomains> strength = {0.02, 0.02, 0.02, 0.02};  // b of each domain: of a role
  double off_policy_max = 0.1;  // nats a token; 0: no answer is masked
  enum class Aggregation {
    Sequences,  // w = 1 / (answers * tokens of the answer)
    Tokens,     // w = 1 / tokens of all answers
    Constant,   // w = 1 / (answers * constant)
  } aggregation = Aggregation::Sequences;
  double constant = 1024;  // tokens
  // Groups of equal rewards have no gradient but that of D. Drop: they are left out, and the means
  // are those of the others. Refill: others are drawn in their place (DAPO's dynamic sampling).
  enum class EqualGroups { Keep, Drop, Refill } equal_groups = EqualGroups::Drop;
  // The last tokens before the limit, over which a penalty rises to 1 (DAPO's overlong shaping).
  int64_t overlong_tokens = 0;  // 0: none
};
Objective v32();
Objective grpo();
Objective dr_grpo();
Objective dapo();

// Of one group's rewards. All 0 if they are equal.
std::vector<double> advantages(Objective::Advantage kind, std::span<const double> rewards);
bool all_equal(std::span<const double> rewards);

// What is taken off the reward of an answer of so many tokens: 0 up to limit - overlong_tokens,
// then rising in a line to 1 at the limit.
double overlong_penalty(const Objective& objective, int64_t tokens, int64_t tokens_max);

// Log-probabilities of one answer's tokens, all over the same ids.
struct AnswerScores {
  std::span<const double> now;        // of the policy that is trained
  std::span<const double> sampled;    // as the engine drew them
  std::span<const double> reference;  // empty: no divergence
  double advantage = 0;
  std::size_t domain = 0;  // below kDomains
};

// Over which answers the means are taken: those given may be a part of them.
struct Extent {
  int64_t answers = 0;
  int64_t tokens = 0;
};
Extent extent_of(std::span<const AnswerScores> answers);

struct ObjectiveValue {
  double loss = 0;  // the part of the answers given
  // Of -log p of each answer's tokens: minus the loss' derivative by log p.
  std::vector<std::vector<double>> coefficient;
  struct Answer {
    double log_ratio = 0;  // mean over its tokens of log(p / p_sampled)
    bool masked = false;
    int64_t clipped = 0;  // tokens
  };
  std::vector<Answer> answer;
  double divergence = 0, ratio = 0;  // sums over tokens of D and r
};
// Throws std::invalid_argument if an answer's spans differ in length or its domain is none.
ObjectiveValue evaluate(const Objective& objective, std::span<const AnswerScores> answers,
                        const Extent& all);

}  // namespace training
