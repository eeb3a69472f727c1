#pragma once

#include <filesystem>

#include "training/model_shape.h"
#include "training/reinforce.h"
#include "training/supervised.h"

namespace apps {

// A recipe is a TOML file that says how a model is trained: [model] with its sizes, [lessons] with
// what is taught, and one [[stage]] after the other. [rl] says what is then trained by reward, in
// one stage or, if it has any, in one [[rl.stage]] after the other. model/default/recipe.toml is
// the one that the shipped model was made by, and explains every key.
//
// Throws Exit(Usage) with file, line and remedy: no TOML, an unknown key (with the nearest known
// one), a value of another type or out of its limits.
struct Recipe {
  training::ModelShape shape;
  training::SupervisedPlan plan;      // without directory and own work
  training::ReinforcePlan reinforce;  // without directory and the model to begin with
};
Recipe read_recipe(const std::filesystem::path& file);

}  // namespace apps
