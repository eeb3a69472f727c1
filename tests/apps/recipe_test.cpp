#include "apps/recipe.h"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

#include "apps/exit.h"
#include "tests/support/temp_dir.h"

namespace {

apps::Recipe read(const std::string& text) {
  const support::TempDir directory;
  std::ofstream(directory / "recipe.toml") << text;
  return apps::read_recipe(directory / "recipe.toml");
}

std::string refusal(const std::string& text) {
  try {
    read(text);
  } catch (const apps::Exit& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("apps/recipe") {
  TEST_CASE("[rl] alone is one stage, with what the recipe says once for all") {
    const apps::Recipe recipe = read(R"(
      seed = 7
      [rl]
      steps = 20
      prove = 12
      judged_by = "verifier"
      tokens_max = 300
      keep_mask = false
      strength = 0.5
      strength_judge = 0.25
    )");
    REQUIRE(recipe.reinforce.stages.size() == 1);
    const training::ReinforceStage& stage = recipe.reinforce.stages[0];
    CHECK(recipe.reinforce.seed == 7);
    CHECK(stage.steps == 20);
    CHECK(stage.tasks.prompts[0] == 12);
    CHECK(stage.tasks.families.size() == theorems::kFamilies.size());
    CHECK(stage.judged_by == training::ReinforceStage::JudgedBy::Verifier);
    CHECK(stage.learner.replay.mask == training::Replay::Keep::No);
    CHECK(stage.learner.replay.routing == training::Replay::Keep::Yes);
    CHECK(stage.learner.objective.strength == std::array<double, 4>{0.5, 0.5, 0.25, 0.5});
    CHECK(stage.reward.length_tokens == 300);
    CHECK(stage.learner.rates.algorithm == training::StepRates::Algorithm::AdamW);
  }

  TEST_CASE("stages of [rl] begin with its values; a preset sets the objective anew") {
    const apps::Recipe recipe = read(R"(
      [rl]
      steps = 5
      group = 4
      clip_low = 0.1
      tokens_max = 200
      [rl.families]
      congruence = 1
      [[rl.stage]]
      name = "verifier"
      prove = 0
      [[rl.stage]]
      name = "constant"
      objective = "dr-grpo"
      group = 16
    )");
    REQUIRE(recipe.reinforce.stages.size() == 2);
    const auto& first = recipe.reinforce.stages[0];
    const auto& second = recipe.reinforce.stages[1];
    CHECK(first.name == "verifier");
    CHECK(first.group == 4);
    CHECK(first.tasks.prompts[0] == 0);
    CHECK(first.tasks.families.size() == 1);
    CHECK(first.learner.objective.clip_low == 0.1);
    CHECK(second.group == 16);
    CHECK(second.learner.objective.clip_low == 0.2);
    CHECK(second.learner.objective.aggregation == training::Objective::Aggregation::Constant);
    CHECK(second.learner.objective.constant == 200);  // the longest answer
  }

  TEST_CASE("what is wrong is said with its line and the remedy") {
    CHECK(contains(refusal("[rl]\nsteps = 5\nkeep_rooting = true\n"),
                   "line 3: keep_rooting is not known; did you mean keep_routing?"));
    CHECK(contains(refusal("[rl]\nsteps = 5\nkeep_mask = 1\n"), "must be true or false"));
    CHECK(contains(refusal("[rl]\nsteps = 5\nobjective = \"ppo\"\n"),
                   "must be one of v32, grpo, dr-grpo, dapo"));
    CHECK(contains(refusal("[rl]\nsteps = 5\ngroup = 1\n"), "group must be between 2 and"));
    CHECK(contains(refusal("[rl]\ngroup = 4\n"), "has no steps"));
    CHECK(contains(refusal("seed = 1\n"), "no [[stage]] and no [rl]"));
  }
}
