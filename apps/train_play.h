#pragma once

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "apps/command.h"
#include "training/evaluation.h"

namespace apps {

// What commands are told that have a model play its roles on fresh statements.
struct PlayFlags {
  std::string directory = {};
  std::vector<std::string> families = {};
  std::vector<int> levels = {};
  int64_t statements = 0;  // of each family and level
  int64_t seed = 1;
  double temperature = 1;
  std::string device = "auto";
  int threads = 0;
  int32_t kept = 0;  // tokens that each token attends to; 0: as the model says
};
inline constexpr int32_t kReadAll = std::numeric_limits<int32_t>::max();  // as `kept`

// The options of these flags; what the flags hold is told as the default.
void add_play_options(CLI::App& command, PlayFlags& flags);

// The families that were named; none: all. Throws Exit(Usage).
std::vector<theorems::Family> families_of(const PlayFlags& flags);

training::EvaluationPlan plan_of(const PlayFlags& flags, theorems::Split split);

// Loads the model and has it play. Throws Exit: Usage if the directory or a flag cannot be used,
// Backend if the device is not there, has not enough memory or is lost.
using UsePlayer = std::function<void(training::Player& player, engine::LocalModel& model)>;
void play(const PlayFlags& flags, const UsePlayer& use);

}  // namespace apps
