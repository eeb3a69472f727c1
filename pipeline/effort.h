#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/rules.h"

namespace pipeline {

// Every number that steers the loop. An effort is a preset of all of them; each can be set alone.
// They are part of a run's meaning, so a changed number is another run.
struct Effort {
  // Search.
  int64_t pool = 4;              // first attempts
  int64_t self_refinements = 0;  // steps of a first attempt that refines itself until it scores 1
  int64_t rounds = 4;            // rounds of refinement after the first attempts
  int64_t best = 4;              // proofs refined in each round, the best by mean score
  int64_t refinements = 1;       // refinements of each of them, each from other analyses
  int64_t analyses = 4;          // analyses in one refinement prompt, the worst first
  int64_t candidates = 1;        // proofs in one refinement prompt

  // Judging.
  VotePlan votes;
  int64_t wave = 4;        // votes asked at once before the sequential test looks
  bool stop_early = true;  // whether the sequential test may end the voting
  Rule rule = Rule::Unanimous;
};

// The fields by name, in the order in which they are shown: for flags, configuration, the meaning
// of a run and its differences.
struct EffortNumber {
  std::string_view name;  // "votes"
  std::string_view help;
  int64_t low;
  int64_t high;
  int64_t& (*field)(Effort&);
};
std::span<const EffortNumber> effort_numbers();

inline constexpr std::string_view kEffortNames[] = {"quick", "standard", "heavy", "paper",
                                                    "sequential"};
// The preset; nothing for another name.
//   quick       one attempt, two refinements, 4 votes
//   standard    4 attempts, 4 rounds of the best 4, 8 votes
//   heavy       16 attempts, 8 rounds of the best 8 x 4, 32 votes
//   paper       DeepSeekMath-V2, 3.3: pool 64, 64 votes, best 64 x 8 analyses, 16 rounds
//   sequential  DeepSeekMath-V2, 3.3: 32 chains of up to 8 self-refinements, 32 votes
std::optional<Effort> effort_of(std::string_view name);

// What is wrong with the numbers together, in a sentence; nothing if they can be run.
std::optional<std::string> problem_with(const Effort& effort);

// Calls of one problem: the most there can be, and what is expected if a proof is accepted with
// probability `accept` and a vote is negative with probability `negative`.
struct CallCounts {
  double generator = 0;
  double verifier = 0;
  double meta_verifier = 0;
  double total() const { return generator + verifier + meta_verifier; }
};
CallCounts most_calls(const Effort& effort);
CallCounts expected_calls(const Effort& effort, double accept, double negative);

}  // namespace pipeline
