#pragma once

#include <filesystem>
#include <stdexcept>

#include "training/evaluation.h"

namespace training {

// What a model wrote, to be learnt from: proofs with one evaluation each. The exact checker says
// what is right of them when they are taught, so that a file of them holds no labels.

// One attempt at each statement and one evaluation of each proof that could be read.
std::vector<OwnWork> sample_work(Player& player, const std::vector<theorems::Statement>& statements,
                                 const EvaluationPlan& plan);

// JSON Lines: {"statement": ..., "proof": ..., "evaluation": ...}, all or nothing.
void write_own_work(const std::filesystem::path& file, const std::vector<OwnWork>& work);

class OwnWorkRefused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
// Throws OwnWorkRefused: no such file, more than kOwnWorkBytesMax bytes, a line that is none of
// these objects or whose statement is not of the training split; with file and line.
inline constexpr std::size_t kOwnWorkBytesMax = std::size_t(1) << 30;
std::vector<OwnWork> read_own_work(const std::filesystem::path& file);

}  // namespace training
