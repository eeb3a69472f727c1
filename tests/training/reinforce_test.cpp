#include "training/reinforce.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "storage/metrics.h"
#include "tests/support/temp_dir.h"
#include "training/checkpoint.h"
#include "training/engine_weights.h"
#include "training/lexemes.h"
#include "training/model_shape.h"

using namespace training;

namespace {

namespace fs = std::filesystem;

ModelShape shape() {
  return {.hidden_size = 32,
          .num_hidden_layers = 2,
          .num_attention_heads = 2,
          .q_lora_rank = 16,
          .kv_lora_rank = 16,
          .qk_nope_head_dim = 8,
          .qk_rope_head_dim = 8,
          .v_head_dim = 8,
          .intermediate_size = 32,
          .moe_intermediate_size = 16,
          .n_routed_experts = 4,
          .index_n_heads = 2,
          .index_head_dim = 16,
          .index_topk = 32,
          .max_position_embeddings = 1024};
}

// A model that knows nothing yet, as `sft` leaves its folder.
void write_model(const fs::path& directory) {
  const std::string json = config_json(shape());
  const model::Config config = model::parse_config(json, "");
  const ParameterTable table(config);
  const auto weights = initial_weights(table, 3);
  export_model(directory, {.config_json = json, .parameters = table.all(), .weights = weights});
  std::ofstream(directory / "tokenizer.json") << tokenizer_json();
  fs::copy(fs::path(SOURCE_DIR) / "model/default" / kPromptFamily, directory / kPromptFamily);
}

// Answers of such a model are never well formed: what pays is to be short.
ReinforcePlan plan_of(const fs::path& root, const fs::path& out) {
  ReinforceStage stage{.name = "short", .steps = 3};
  for (const theorems::Family family : theorems::kFamilies)
    stage.tasks.families.push_back({.family = family, .last = {1, 0, 0, 0}});
  stage.tasks.prompts = {2, 1, 1, 1};
  stage.group = 4;
  stage.tokens_max = 200;  // one in 384 tokens ends an answer
  stage.reward.length = 1;
  stage.reward.length_tokens = 200;
  stage.learner.rates.adamw = 1e-3;
  ReinforceStage second = stage;
  second.name = "dapo";
  second.steps = 1;
  second.learner.objective = dapo();
  second.learner.objective.overlong_tokens = 20;
  second.judged_by = ReinforceStage::JudgedBy::Verifier;
  second.evaluations = second.judgements = 1;
  return {.from = root / "from",
          .directory = out,
          .stages = {stage, second},
          .sampler = {.rows_max = 256, .cache_bytes = 64 << 20}};
}

Ended run(const ReinforcePlan& plan, int64_t steps,
          std::vector<ReinforceStep>* steps_seen = nullptr) {
  int64_t left = steps;
  return train_by_reward(
      plan, [&] { return left == 0; },
      [&](const ReinforceStep& step) {
        --left;
        if (steps_seen) steps_seen->push_back(step);
      });
}

// All that the next step would depend on, as it was saved.
std::string newest_state(const fs::path& directory) {
  std::ifstream stream(saved_states(directory).front(), std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

TEST_SUITE("training/reinforce") {
  TEST_CASE("steps and rewarded answers are recorded, once each after a resumption") {
    const support::TempDir root;
    write_model(root.path() / "from");
    const ReinforcePlan plan = plan_of(root.path(), root.path() / "out");
    run(plan, 1);
    run(plan, 1);

    storage::Metrics metrics(plan.directory / "metrics.sqlite", storage::Database::Access::Write);
    REQUIRE(metrics.runs().size() == 1);
    const int64_t id = metrics.runs().front().id;
    CHECK(metrics.series(id, "reward.prove").size() == 2);
    CHECK(metrics.series(id, "ratio").size() == 2);
    const auto rollouts = metrics.rollouts(id, 1, 1);
    REQUIRE_FALSE(rollouts.empty());
    CHECK(rollouts.front().prompt_hash.size() == 16);
    CHECK(rollouts.front().reward.starts_with("{\"total\":"));
  }

  TEST_CASE("a folder without a model is refused by name") {
    const support::TempDir root;
    ReinforcePlan plan = plan_of(root.path(), root.path() / "out");
    CHECK_THROWS_AS(run(plan, 1), model::Refused);
  }
}

TEST_SUITE("slow/training/reinforce") {
  TEST_CASE("a run that was stopped twice ends with the bits of one that was not") {
    const support::TempDir root;
    write_model(root.path() / "from");
    const ReinforcePlan whole = plan_of(root.path(), root.path() / "whole");
    const ReinforcePlan parts = plan_of(root.path(), root.path() / "parts");

    std::vector<ReinforceStep> steps;
    CHECK(run(whole, -1, &steps) == Ended::Done);
    CHECK(run(parts, 1) == Ended::Stopped);
    CHECK(run(parts, 1) == Ended::Stopped);
    CHECK(run(parts, -1) == Ended::Done);

    CHECK(newest_state(whole.directory) == newest_state(parts.directory));
    REQUIRE(steps.size() == 4);
    CHECK(steps[0].answers == std::array<int64_t, 4>{8, 4, 4, 4});
    CHECK(steps[0].groups_used > 0);
    CHECK(steps[0].update.gradient_norm > 0);
    CHECK(steps[3].stage == "dapo");
    const model::Config config = model::read_config(whole.directory / "model");
    const ParameterTable table(config);
    CHECK(read_weights(whole.directory / "model", table) !=
          read_weights(root.path() / "from", table));
  }
}
