#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>

#include "pipeline/judge.h"
#include "pipeline/ranking.h"

namespace pipeline {

// The search for a proof of one problem.
//
// First attempts are generated, each perhaps refining itself; every proof is judged as soon as it
// exists, and the best of the pool are refined with the issues that were found in them, round by
// round, until one survives. There are no barriers between stages: a proof is refined as soon as
// it is sure to be among the best of its round (ranking.h).
//
// The result does not depend on the order in which answers arrive. Proofs are ordered by place;
// the survivor is the first accepted one in that order, so what comes after it is cancelled and
// what comes before it is awaited.

struct Candidate {
  std::string key;  // of the proof row
  std::string content_key;
  std::string proof;
  int64_t round = 0;
  Judgement judgement;
};

struct SearchResult {
  Outcome outcome = Outcome::Undecided;  // accepted or undecided: the search refuses no problem
  std::string reason;
  std::optional<Candidate> best;  // the survivor, or the best so far
  bool stopped = false;           // cancelled before its end: `best` is the best so far
  int64_t proofs = 0;             // readable ones that were generated
  int64_t unreadable = 0;
};

// Runs to the end and records the decision. If it is cancelled it stops all that it has started and
// returns what it has, `stopped`, with nothing recorded.
net::awaitable<SearchResult> search(const Loop& loop, std::shared_ptr<const Problem> problem,
                                    ItemProgress* progress);

// The decision about the problem as a row.
storage::DecisionRow decision_row(const Problem& problem, const SearchResult& result);
inline constexpr std::string_view kSearchRule = "search";

}  // namespace pipeline
