#include "pipeline/effort.h"

#include <algorithm>
#include <cmath>

namespace pipeline {
namespace {

constexpr int64_t kPoolMax = 4096;
constexpr int64_t kRoundsMax = 256;
constexpr int64_t kVotesMax = 4096;
constexpr int64_t kMetaMax = 64;

const EffortNumber kNumbers[] = {
    {"pool", "first attempts at a problem", 1, kPoolMax,
     [](Effort& e) -> int64_t& { return e.pool; }},
    {"self-refinements", "steps in which a first attempt refines itself until it scores itself 1",
     0, kRoundsMax, [](Effort& e) -> int64_t& { return e.self_refinements; }},
    {"rounds", "rounds of refinement after the first attempts", 0, kRoundsMax,
     [](Effort& e) -> int64_t& { return e.rounds; }},
    {"best", "proofs refined in each round", 1, kPoolMax,
     [](Effort& e) -> int64_t& { return e.best; }},
    {"refinements", "refinements of each of these proofs", 1, kPoolMax,
     [](Effort& e) -> int64_t& { return e.refinements; }},
    {"analyses", "analyses shown in one refinement, the worst first", 1, 64,
     [](Effort& e) -> int64_t& { return e.analyses; }},
    {"candidates", "proofs shown in one refinement", 1, 16,
     [](Effort& e) -> int64_t& { return e.candidates; }},
    {"votes", "verifications of each proof", 1, kVotesMax,
     [](Effort& e) -> int64_t& { return e.votes.votes; }},
    {"quorum", "counted votes without which nothing is decided", 1, kVotesMax,
     [](Effort& e) -> int64_t& { return e.votes.quorum; }},
    {"meta", "meta-verifications of each negative vote; 0: every negative vote stands", 0, kMetaMax,
     [](Effort& e) -> int64_t& { return e.votes.meta; }},
    {"label-support", "upheld votes that the lowest score needs under the rule `label`", 1,
     kVotesMax, [](Effort& e) -> int64_t& { return e.votes.label_support; }},
    {"wave", "votes asked at once before voting may stop early", 1, kVotesMax,
     [](Effort& e) -> int64_t& { return e.wave; }},
};

Effort preset(int64_t pool, int64_t rounds, int64_t best, int64_t refinements, int64_t votes) {
  Effort effort;
  effort.pool = pool;
  effort.rounds = rounds;
  effort.best = best;
  effort.refinements = refinements;
  effort.votes.votes = votes;
  effort.votes.quorum = (3 * votes + 3) / 4;
  return effort;
}

// Proofs that `rounds` rounds can bring, without the first attempts.
double refined_proofs(const Effort& e, double rounds) {
  return rounds * double(e.best) * double(e.refinements);
}

CallCounts calls_for(const Effort& e, double first, double later, double negative) {
  CallCounts calls;
  calls.generator = first * double(1 + e.self_refinements) + later;
  calls.verifier = (first + later) * double(e.votes.votes);
  calls.meta_verifier = calls.verifier * negative * double(e.votes.meta);
  return calls;
}

}  // namespace

std::span<const EffortNumber> effort_numbers() { return kNumbers; }

std::optional<Effort> effort_of(std::string_view name) {
  if (name == "quick") {
    Effort effort = preset(1, 2, 1, 1, 4);
    effort.votes.meta = 1;
    return effort;
  }
  if (name == "standard") return preset(4, 4, 4, 1, 8);
  if (name == "heavy") {
    Effort effort = preset(16, 8, 8, 4, 32);
    effort.wave = 8;
    effort.analyses = 2;
    return effort;
  }
  if (name == "paper") {
    Effort effort = preset(64, 16, 64, 8, 64);
    effort.wave = 64;  // the paper's means are over all 64 votes
    effort.stop_early = false;
    effort.analyses = 1;
    effort.votes.meta = 1;
    return effort;
  }
  if (name == "sequential") {
    Effort effort = preset(32, 0, 1, 1, 32);
    effort.self_refinements = 7;  // eight attempts in all
    effort.wave = 8;
    return effort;
  }
  return std::nullopt;
}

std::optional<std::string> problem_with(const Effort& effort) {
  Effort copy = effort;
  for (const EffortNumber& number : effort_numbers()) {
    const int64_t value = number.field(copy);
    if (value < number.low || value > number.high)
      return std::string(number.name) + " is " + std::to_string(value) + ", but must lie from " +
             std::to_string(number.low) + " to " + std::to_string(number.high);
  }
  if (effort.votes.quorum > effort.votes.votes)
    return "quorum is " + std::to_string(effort.votes.quorum) + ", more than the " +
           std::to_string(effort.votes.votes) + " votes: nothing could ever be accepted";
  if (effort.votes.label_support > effort.votes.votes)
    return "label-support is more than the votes: no label could ever be given";
  if (!(effort.votes.mean_threshold > 0 && effort.votes.mean_threshold <= 1))
    return "mean-threshold must be above 0 and at most 1";
  return std::nullopt;
}

CallCounts most_calls(const Effort& e) {
  CallCounts calls = calls_for(e, double(e.pool), refined_proofs(e, double(e.rounds)), 1);
  // Each call may be asked once more when its answer cannot be read.
  calls.generator *= 2;
  calls.verifier *= 2;
  calls.meta_verifier *= 2;
  return calls;
}

CallCounts expected_calls(const Effort& e, double accept, double negative) {
  // Rounds until the first acceptance: a geometric series cut off at the last round.
  const double fails_first = std::pow(1 - accept, double(e.pool));
  const double fails_round = std::pow(1 - accept, double(e.best) * double(e.refinements));
  double rounds = 0;
  double reach = fails_first;
  for (int64_t r = 0; r < e.rounds; ++r, reach *= fails_round) rounds += reach;
  return calls_for(e, double(e.pool), refined_proofs(e, rounds), negative);
}

}  // namespace pipeline
