#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/board.h"
#include "pipeline/call_book.h"
#include "pipeline/effort.h"
#include "pipeline/rules.h"
#include "prompts/gates.h"

namespace pipeline {

struct Problem {
  std::string name;
  std::string statement;
  std::optional<std::string> reference;  // seen by the verifier only
  std::optional<std::string> rubric;
  std::string sha256;  // of the three: what its calls are keyed by
};
std::string problem_sha256(const Problem& problem);

// What all the loops of a run share. Outlives them.
struct Loop {
  CallBook& book;
  const prompts::TemplateSet& templates;
  Effort effort;
  int64_t seed = 0;
  std::string secret;  // of the run: nonces derive from it
};

// The first sixteen digits of a hash: short enough for keys, long enough never to collide.
std::string short_name(std::string_view sha256);
std::string content_key(const Problem& problem, std::string_view proof);

// What a proof was found to be, and by which votes.
struct Judgement {
  std::vector<prompts::Flag> flags;          // of the gates
  std::vector<Vote> votes;                   // by index
  std::optional<std::string> stopped_early;  // why
  Tally tally;
  Decision decision;
};

// Judges one proof: n votes in waves, meta-votes on each negative one, the rule. Everything it
// asks and decides is recorded through the book. A proof that a gate refuses costs no call.
net::awaitable<Judgement> judge(const Loop& loop, std::shared_ptr<const Problem> problem,
                                std::shared_ptr<const std::string> proof, ItemProgress* progress);

// The decision as a row, with the numbers that it rests on.
storage::DecisionRow decision_row(const Problem& problem, const std::string& content_key,
                                  const Judgement& judgement);

// What the gates' flags are stored as: JSON.
std::string flags_json(const std::vector<prompts::Flag>& flags);

}  // namespace pipeline
