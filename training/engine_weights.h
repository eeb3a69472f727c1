#pragma once

#include <filesystem>
#include <vector>

#include "model/weights.h"
#include "training/parameters.h"

namespace training {

// The trained numbers as the engine reads them, where they lie: a step of the optimiser is seen at
// once, so that nothing is copied or loaded between a rollout and the next. What the engine has
// cached is then of other weights: it must forget it.
model::Weights engine_weights(const model::Config& config,
                              const ParameterViews<const float>& views);

// An arena filled from a model directory. Throws model::Refused: a tensor is missing, has another
// shape, or is neither F32 nor BF16.
std::vector<float> read_weights(const std::filesystem::path& directory,
                                const ParameterTable& table);

}  // namespace training
