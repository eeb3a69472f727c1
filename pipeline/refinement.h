#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipeline/judge.h"

namespace pipeline {

// What a refinement is shown: proofs with analyses of them.
struct RefinedProof {
  std::string proof;
  std::vector<std::string> analyses;
};

// The analyses of a judged proof for its refinement `number`: struck votes are left out, and of
// the others only the issues that are held real; the worst scores first, by lot among equals.
// Refinement 0 gets the first `Effort::analyses` of them, the next refinement the next ones, round
// and round. Several in one prompt are all negative if any is; one alone may be a positive one
// once the negative ones are used up (DeepSeekMath-V2, 3.3). Without any usable vote: the proof's
// evaluation of itself.
std::vector<std::string> chosen_analyses(const Loop& loop, const Judgement& judgement,
                                         const std::string& self_evaluation, int64_t number,
                                         uint64_t lot);

std::shared_ptr<const Prompt> refinement_prompt(const Loop& loop, const Problem& problem,
                                                std::vector<RefinedProof> proofs);

}  // namespace pipeline
