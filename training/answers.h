#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "prompts/verdict.h"
#include "theorems/random.h"
#include "theorems/theorem.h"

namespace training {

// What an ideal player of each role answers, in the forms that prompts/verdict.h reads. The exact
// checker knows what is right; these texts show how a reader finds it out.

// A proof and the checker's word on it.
struct Judged {
  theorems::Statement statement;
  std::string proof;
  theorems::Report report;
};
Judged judged(theorems::Statement statement, std::string proof);

// The verifier's answer: a clause for each line, the issues, the verdict.
//
//   1: 37*20=740 37*4=148 740+148=888 not 898; ... wrong
//   2: 8*9=72; 4*17=68 68+4=72 ok
//   3: 1:14 2:4; 14+4=18; 1*17=17 17+1=18 depends 1
//   ISSUE 1 (fatal)
//   QUOTE: 1. 37*24 = 898 = 52*17+14 [calc]
//   REASON: value: 37*24 = 888 = 52*17+4 [calc]
//   VERDICT: 0
std::string evaluation_of(const Judged& proof);

// The generator's: "## Solution", the proof, "## Self Evaluation", its evaluation.
std::string solution_heading();
std::string self_evaluation_heading();

// An evaluation that errs as verifiers do: an issue invented on a sound line, with or without a
// wrong calculation; a real one passed over; one weighed wrongly.
std::string spoilt_evaluation(const Judged& proof, theorems::Random& random);

// The meta-verifier's answer to an evaluation that prompts::read_verification accepts: for each
// issue the clause of its line and whether it is real, whether the score follows, the verdict.
std::string judgement_of(const Judged& proof, const prompts::Verification& evaluation);

}  // namespace training
