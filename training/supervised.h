#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "text/sha256.h"
#include "training/lessons.h"
#include "training/network.h"
#include "training/optimiser.h"

namespace training {

// One stage of supervised training. Lengths are in tokens.
struct Stage {
  std::string name = "dense";
  int64_t tokens = 0;
  Attention attention = Attention::Dense;
  double indexer_loss = 0;
  double balance_loss = 1e-4;
  StepRates rates = {};
  double warm_up = 0.02, decay_after = 0.6, last = 0.02;  // shares of the stage
  int64_t batch_tokens = 8192;
  LessonPlan lessons = {};
};

struct SupervisedPlan {
  std::filesystem::path directory;  // of states, metrics and the exported model
  std::string config_json;          // the model's
  std::filesystem::path prompts;    // templates that the model is taught
  std::vector<Stage> stages;
  std::vector<OwnWork> own;
  uint64_t seed = 1;
  int threads = 1;
  Precision precision = Precision::Bfloat16;
  int64_t save_every_seconds = 300;
};

// What a state must agree with to be gone on from: the model, the tokenizer, the seed.
text::Digest configuration_of(const SupervisedPlan& plan);

// What a step measured.
struct SupervisedStep {
  std::string stage;
  int64_t step = 0, tokens = 0, tokens_end = 0;
  double loss = 0;  // mean cross-entropy of the step's answer tokens
  std::array<double, Lesson::kKinds> by_kind = {};  // of those of each kind of lesson; 0: none
  double indexer = 0, gradient_norm = 0, rate = 0;
  double tokens_per_second = 0;
};

// Trains until the plan is done, `stop` says so (asked once a step), or a number ceases to be
// finite, which throws. Goes on from the newest state in the directory. Saves the state at the end
// and every so often, and exports the model when it returns. Returns whether the plan is done.
enum class Ended { Done, Stopped };
Ended train_supervised(const SupervisedPlan& plan, const std::function<bool()>& stop,
                       const std::function<void(const SupervisedStep&)>& report);

}  // namespace training
