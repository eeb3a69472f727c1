#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/config.h"
#include "pipeline/chat.h"
#include "pipeline/effort.h"
#include "pipeline/run.h"
#include "prompts/template.h"
#include "storage/ledger.h"

namespace apps {

// What a run may cost, said beforehand. The ceiling is what the loop cannot exceed: every answer
// as long as it may be, nothing accepted, every vote negative, every answer asked for twice. The
// expectation rests on assumptions, each of which is printed with where it comes from.

// One figure that the expectation rests on.
struct Assumption {
  double value = 0;
  std::string source;  // "assumed", "--assume-accept", "measured on 1,234 votes"
};

// How the model is expected to behave.
struct Assumptions {
  Assumption accept;                                // share of proofs that are accepted
  Assumption negative;                              // share of votes below 1
  std::array<Assumption, pipeline::kRoles> output;  // tokens of a call, reasoning included
  std::array<Assumption, pipeline::kRoles> answer;  // of these, without the reasoning
  Assumption speed;                                 // output tokens per second of one call
};

// What the ledger tells of calls that were answered by one model.
struct History {
  struct OfRole {
    int64_t calls = 0;
    double output_tokens = 0;
    int64_t with_reasoning = 0;  // calls that say how much of it was reasoning
    double answer_tokens = 0;    // of those
    double seconds = 0;
  };
  std::array<OfRole, pipeline::kRoles> roles;
  int64_t votes = 0;  // parsed
  int64_t negative_votes = 0;
  int64_t judged = 0;  // proofs that were decided
  int64_t accepted = 0;
  int64_t calls() const;
};
inline constexpr int64_t kHistoryCallsMin = 20;       // fewer say nothing
inline constexpr int64_t kHistoryCallsMax = 200'000;  // of the newest runs

// `models`: for each role the name that the server is asked for; only its calls count.
History read_history(const storage::LedgerReader& reader,
                     const std::array<std::string, pipeline::kRoles>& models);

// What the flags say, else what the history says, else what is assumed for any model.
struct AssumedByHand {
  std::optional<double> accept{}, negative{}, output_tokens{}, tokens_per_second{};
};
Assumptions assumptions_of(const AssumedByHand& by_hand, const History& history,
                           const pipeline::Roles& roles);

struct Estimate {
  pipeline::CallCounts calls;
  double tokens_prompt = 0;
  double tokens_output = 0;
  double cost = 0;
  double seconds = 0;
};
Estimate operator+(const Estimate& a, const Estimate& b);  // seconds: as if one after the other

struct ItemEstimate {
  std::string id;
  Estimate ceiling;
  Estimate expected;
};
// `item.proof` is given when it is to be graded. `seconds` is of this item alone.
ItemEstimate estimate_item(const pipeline::Item& item, const Config& config,
                           const prompts::TemplateSet& templates, const Assumptions& assumptions);

// All items together: sums, and the time if `in_flight` calls go at once.
ItemEstimate total_of(const std::vector<ItemEstimate>& items, const Config& config,
                      const Assumptions& assumptions);

}  // namespace apps
