#include "apps/recipe.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <array>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "apps/exit.h"
#include "text/words.h"

namespace apps {
namespace {

constexpr double kTokensMax = 1e12;

// One table of the file: each key is asked for once, and what nobody asked for is unknown.
class Table {
 public:
  Table(const toml::table& table, std::string file) : table_(table), file_(std::move(file)) {}

  // Reads a number between `low` and `high` into `value`, if the key is there.
  template <class Number>
  void number(const char* key, Number& value, double low, double high) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const auto given = node->value<double>();
    if (!given || !node->is_number()) refuse(*node, key, "must be a number");
    if (*given < low || *given > high)
      refuse(*node, key, fmt::format("must be between {} and {}", low, high));
    if (std::is_integral_v<Number> && *given != double(int64_t(*given)))
      refuse(*node, key, "must be a whole number");
    value = Number(*given);
  }

  // The place of a word among those that are allowed.
  template <std::size_t N>
  std::optional<std::size_t> word(const char* key, const std::array<const char*, N>& allowed) {
    const toml::node* node = find(key);
    if (node == nullptr) return std::nullopt;
    const auto given = node->value<std::string>();
    for (std::size_t i = 0; i < N; ++i)
      if (given == allowed[i]) return i;
    refuse(*node, key, fmt::format("must be one of {}", fmt::join(allowed, ", ")));
  }

  std::optional<bool> truth(const char* key) {
    const toml::node* node = find(key);
    if (node == nullptr) return std::nullopt;
    if (!node->is_boolean()) refuse(*node, key, "must be true or false");
    return node->value<bool>();
  }

  void text(const char* key, std::string& value) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const auto given = node->value<std::string>();
    if (!given) refuse(*node, key, "must be a text");
    value = *given;
  }

  void levels(const char* key, std::array<double, 4>& value) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    if (array == nullptr || array->size() != value.size())
      refuse(*node, key, "must be a list of four numbers, the shares of levels 1 to 4");
    double sum = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
      value[i] = array->get(i)->value<double>().value_or(-1);
      if (value[i] < 0) refuse(*node, key, "must be a list of numbers from 0 on");
      sum += value[i];
    }
    if (sum <= 0) refuse(*node, key, "must have a share above 0");
  }

  const toml::table* table(const char* key) {
    const toml::node* node = find(key);
    if (node == nullptr) return nullptr;
    if (!node->is_table()) refuse(*node, key, "must be a table");
    return node->as_table();
  }

  const toml::array* tables(const char* key) {
    const toml::node* node = find(key);
    if (node == nullptr) return nullptr;
    if (!node->is_array_of_tables()) refuse(*node, key, "must be tables: [[stage]]");
    return node->as_array();
  }

  // Throws if there is a key that nobody asked for.
  void finish() const {
    for (const auto& [key, node] : table_) {
      const std::string name(key.str());
      if (known_.contains(name)) continue;
      std::string message = "is not known";
      const std::vector<std::string> known(known_.begin(), known_.end());
      if (const auto meant = text::nearest(name, known))
        message += "; did you mean " + *meant + "?";
      refuse(node, name, message);
    }
  }

  const std::string& file() const { return file_; }

 private:
  const toml::node* find(const char* key) {
    known_.insert(key);
    return table_.get(key);
  }
  [[noreturn]] void refuse(const toml::node& node, const std::string& key,
                           const std::string& what) const {
    throw Exit(ExitCode::Usage,
               fmt::format("{}, line {}: {} {}", file_, node.source().begin.line, key, what));
  }

  const toml::table& table_;
  std::string file_;
  std::set<std::string> known_;
};

void read_shape(Table table, training::ModelShape& shape) {
  constexpr double kMost = 65536;
  table.number("hidden_size", shape.hidden_size, 16, kMost);
  table.number("num_hidden_layers", shape.num_hidden_layers, 1, 1024);
  table.number("num_attention_heads", shape.num_attention_heads, 1, 1024);
  table.number("q_lora_rank", shape.q_lora_rank, 8, kMost);
  table.number("kv_lora_rank", shape.kv_lora_rank, 8, kMost);
  table.number("qk_nope_head_dim", shape.qk_nope_head_dim, 8, 1024);
  table.number("qk_rope_head_dim", shape.qk_rope_head_dim, 8, 1024);
  table.number("v_head_dim", shape.v_head_dim, 8, 1024);
  table.number("intermediate_size", shape.intermediate_size, 16, kMost);
  table.number("moe_intermediate_size", shape.moe_intermediate_size, 16, kMost);
  table.number("n_routed_experts", shape.n_routed_experts, 1, 1024);
  table.number("n_shared_experts", shape.n_shared_experts, 1, 64);
  table.number("num_experts_per_tok", shape.num_experts_per_tok, 1, 64);
  table.number("first_k_dense_replace", shape.first_k_dense_replace, 0, 1024);
  table.number("routed_scaling_factor", shape.routed_scaling_factor, 0.01, 100);
  table.number("index_n_heads", shape.index_n_heads, 1, 256);
  table.number("index_head_dim", shape.index_head_dim, 8, 1024);
  table.number("index_topk", shape.index_topk, 1, kMost);
  table.number("max_position_embeddings", shape.max_position_embeddings, 64, 1 << 20);
  table.number("rope_theta", shape.rope_theta, 1, 1e12);
  table.finish();
}

// A family's share alone, or with the levels' shares: { share = 0.3, first = [...], last = [...] }.
void read_families(Table table, const toml::table& families,
                   std::vector<training::LessonPlan::FamilyShare>& shares) {
  shares.clear();
  for (const theorems::Family family : theorems::kFamilies) {
    training::LessonPlan::FamilyShare share{.family = family};
    const std::string name(to_text(family));
    if (const toml::node* node = families.get(name); node && node->is_table()) {
      Table own(*table.table(name.c_str()), table.file());
      own.number("share", share.share, 0, 1e6);
      own.levels("first", share.first);
      own.levels("last", share.last);
      own.finish();
    } else {
      share.share = 0;
      table.number(name.c_str(), share.share, 0, 1e6);
    }
    if (share.share > 0) shares.push_back(share);
  }
  table.finish();
}

void read_lessons(Table table, training::LessonPlan& plan) {
  if (const toml::table* families = table.table("families"))
    read_families(Table(*families, table.file()), *families, plan.families);
  table.number("prove", plan.prove, 0, 1e6);
  table.number("verify", plan.verify, 0, 1e6);
  table.number("judge", plan.judge, 0, 1e6);
  table.number("refine", plan.refine, 0, 1e6);
  table.number("calculate", plan.calculate, 0, 1e6);
  table.number("ramp", plan.ramp, 0, 1);
  table.number("flawed", plan.flawed, 0, 1);
  table.number("brief", plan.brief, 0, 1);
  table.number("sound", plan.sound, 0, 1);
  table.number("misled", plan.misled, 0, 1);
  table.number("riddled", plan.riddled, 0, 1);
  table.number("second_candidate", plan.second_candidate, 0, 1);
  table.number("own", plan.own, 0, 1);
  table.number("tokens_max", plan.tokens_max, 64, 65536);
  table.finish();
}

training::Stage read_stage(Table table, const training::LessonPlan& lessons) {
  training::Stage stage;
  stage.lessons = lessons;
  table.text("name", stage.name);
  table.number("tokens", stage.tokens, 1, kTokensMax);
  if (const auto place =
          table.word("attention", std::array<const char*, 3>{"dense", "warm-up", "sparse"}))
    stage.attention = training::Attention(*place);
  if (const auto place = table.word("train", std::array<const char*, 3>{"all", "main", "indexer"}))
    stage.rates.trained = training::StepRates::Trained(*place);
  if (const auto place = table.word("optimiser", std::array<const char*, 2>{"muon", "adamw"}))
    stage.rates.algorithm = training::StepRates::Algorithm(*place);
  table.number("indexer_loss", stage.indexer_loss, 0, 1e6);
  table.number("balance_loss", stage.balance_loss, 0, 1e6);
  table.number("muon", stage.rates.muon, 0, 10);
  table.number("muon_decay", stage.rates.muon_decay, 0, 10);
  table.number("adamw", stage.rates.adamw, 0, 10);
  table.number("adamw_decay", stage.rates.adamw_decay, 0, 10);
  table.number("norm_max", stage.rates.norm_max, 0, 1e6);
  table.number("bias", stage.rates.bias, 0, 1);
  table.number("warm_up", stage.warm_up, 0, 1);
  table.number("decay_after", stage.decay_after, 0, 1);
  table.number("last", stage.last, 0, 1);
  table.number("batch", stage.batch_tokens, 64, 1 << 20);
  if (const toml::table* own = table.table("lessons"))
    read_lessons(Table(*own, table.file()), stage.lessons);
  table.finish();
  return stage;
}

void read_tasks(Table& table, training::TaskPlan& tasks) {
  constexpr double kPromptsMax = 4096;
  if (const toml::table* families = table.table("families"))
    read_families(Table(*families, table.file()), *families, tasks.families);
  for (std::size_t role = 0; role < tasks.prompts.size(); ++role)
    table.number(to_text(training::Role(role)).data(), tasks.prompts[role], 0, kPromptsMax);
  table.number("own", tasks.own, 0, 1);
  table.number("sound", tasks.sound, 0, 1);
  table.number("kept", tasks.kept, 0, 1);
}

void read_objective(Table& table, training::Objective& objective) {
  using training::Objective;
  if (const auto place =
          table.word("objective", std::array<const char*, 4>{"v32", "grpo", "dr-grpo", "dapo"})) {
    constexpr std::array kPresets = {training::v32, training::grpo, training::dr_grpo,
                                     training::dapo};
    objective = kPresets[*place]();
    objective.constant = 0;
  }
  if (const auto place =
          table.word("advantage", std::array<const char*, 2>{"mean", "standardised"}))
    objective.advantage = Objective::Advantage(*place);
  if (const auto place =
          table.word("divergence", std::array<const char*, 3>{"none", "k3", "unbiased"}))
    objective.divergence = Objective::Divergence(*place);
  if (const auto place =
          table.word("aggregation", std::array<const char*, 3>{"sequences", "tokens", "constant"}))
    objective.aggregation = Objective::Aggregation(*place);
  if (const auto place =
          table.word("equal_groups", std::array<const char*, 3>{"keep", "drop", "refill"}))
    objective.equal_groups = Objective::EqualGroups(*place);
  table.number("clip_low", objective.clip_low, 0, 1);
  table.number("clip_high", objective.clip_high, 0, 1e6);
  double strength = -1;
  table.number("strength", strength, 0, 1e6);
  if (strength >= 0) objective.strength.fill(strength);
  constexpr std::array kStrengths = {"strength_prove", "strength_verify", "strength_judge",
                                     "strength_refine"};
  for (std::size_t role = 0; role < kStrengths.size(); ++role)
    table.number(kStrengths[role], objective.strength[role], 0, 1e6);
  table.number("off_policy_max", objective.off_policy_max, 0, 1e6);
  table.number("constant", objective.constant, 1, 1e6);
  table.number("overlong", objective.overlong_tokens, 0, 1e6);
}

void read_reward(Table& table, training::ReinforceStage& stage) {
  if (const auto place = table.word("judged_by", std::array<const char*, 2>{"rule", "verifier"}))
    stage.judged_by = training::ReinforceStage::JudgedBy(*place);
  table.number("evaluations", stage.evaluations, 1, 1024);
  table.number("judgements", stage.judgements, 1, 1024);
  table.number("proof", stage.reward.proof, 0, 1);
  table.number("honesty", stage.reward.honesty, 0, 1);
  table.number("form", stage.reward.form, 0, 1);
  table.number("length", stage.reward.length, 0, 1);
}

training::ReinforceStage read_reinforcement(Table& table, training::ReinforceStage stage) {
  using Keep = training::Replay::Keep;
  table.text("name", stage.name);
  table.number("steps", stage.steps, 1, 1e9);
  read_tasks(table, stage.tasks);
  table.number("group", stage.group, 2, 1024);
  table.number("temperature", stage.sampling.temperature, 0.01, 10);
  table.number("top_p", stage.sampling.top_p, 0.01, 1);
  table.number("top_k", stage.sampling.top_k, 0, 1e6);
  table.number("min_p", stage.sampling.min_p, 0, 1);
  table.number("tokens_max", stage.tokens_max, 16, 65536);
  read_reward(table, stage);
  read_objective(table, stage.learner.objective);
  if (const auto keep = table.truth("keep_routing"))
    stage.learner.replay.routing = *keep ? Keep::Yes : Keep::No;
  if (const auto keep = table.truth("keep_mask"))
    stage.learner.replay.mask = *keep ? Keep::Yes : Keep::No;
  table.number("minibatches", stage.minibatches, 1, 1024);
  table.number("batch", stage.learner.batch_tokens, 64, 1 << 20);
  table.number("adamw", stage.learner.rates.adamw, 0, 10);
  table.number("adamw_decay", stage.learner.rates.adamw_decay, 0, 10);
  table.number("norm_max", stage.learner.rates.norm_max, 0, 1e6);
  table.number("indexer_loss", stage.learner.pass.indexer_loss, 0, 1e6);
  table.number("warm_up", stage.warm_up, 0, 1);
  table.number("decay_after", stage.decay_after, 0, 1);
  table.number("last", stage.last, 0, 1);
  return stage;
}

// [rl] holds what all its stages have in common; without an [[rl.stage]] it is the only one.
std::vector<training::ReinforceStage> read_reinforcements(
    const toml::table& given, const std::string& file,
    const std::vector<training::LessonPlan::FamilyShare>& families) {
  training::ReinforceStage common;
  common.tasks.families = families;
  common.learner.objective.constant = 0;
  Table table(given, file);
  common = read_reinforcement(table, common);
  std::vector<training::ReinforceStage> stages;
  if (const toml::array* own = table.tables("stage")) {
    for (const toml::node& stage : *own) {
      Table one(*stage.as_table(), file);
      stages.push_back(read_reinforcement(one, common));
      one.finish();
    }
  }
  table.finish();
  if (stages.empty()) stages.push_back(common);
  for (training::ReinforceStage& stage : stages) {
    if (stage.steps == 0)
      throw Exit(ExitCode::Usage,
                 fmt::format("{}: the [rl] stage {} has no steps", file, stage.name));
    stage.reward.length_tokens = stage.tokens_max;
    double& constant = stage.learner.objective.constant;
    if (constant == 0) constant = stage.tokens_max;  // the longest answer's, as in Dr. GRPO
  }
  return stages;
}

}  // namespace

Recipe read_recipe(const std::filesystem::path& file) {
  toml::table parsed;
  try {
    parsed = toml::parse_file(file.string());
  } catch (const toml::parse_error& error) {
    throw Exit(ExitCode::Usage, fmt::format("{}, line {}: {}", file.string(),
                                            error.source().begin.line, error.description()));
  }
  Recipe recipe;
  Table table(parsed, file.string());
  table.number("seed", recipe.plan.seed, 0, 1e15);
  table.number("threads", recipe.plan.threads, 0, 256);
  table.number("save_every_seconds", recipe.plan.save_every_seconds, 1, 1e6);
  if (const auto place = table.word("precision", std::array<const char*, 2>{"float", "bfloat16"}))
    recipe.plan.precision = training::Precision(*place);
  if (const toml::table* model = table.table("model"))
    read_shape(Table(*model, file.string()), recipe.shape);
  training::LessonPlan lessons;
  for (const theorems::Family family : theorems::kFamilies)
    lessons.families.push_back({.family = family});
  if (const toml::table* given = table.table("lessons"))
    read_lessons(Table(*given, file.string()), lessons);
  if (const toml::array* stages = table.tables("stage"))
    for (const toml::node& stage : *stages)
      recipe.plan.stages.push_back(read_stage(Table(*stage.as_table(), file.string()), lessons));
  if (const toml::table* given = table.table("rl"))
    recipe.reinforce.stages = read_reinforcements(*given, file.string(), lessons.families);
  table.finish();
  if (recipe.plan.stages.empty() && recipe.reinforce.stages.empty())
    throw Exit(ExitCode::Usage, file.string() + ": there is no [[stage]] and no [rl] to train");
  recipe.reinforce.seed = recipe.plan.seed;
  recipe.reinforce.threads = recipe.plan.threads;
  recipe.reinforce.precision = recipe.plan.precision;
  recipe.reinforce.save_every_seconds = recipe.plan.save_every_seconds;
  recipe.plan.config_json = training::config_json(recipe.shape);
  recipe.plan.prompts = file.parent_path() / training::kPromptFamily;
  return recipe;
}

}  // namespace apps
