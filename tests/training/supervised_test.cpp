#include "training/supervised.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <vector>

#include "storage/metrics.h"
#include "training/checkpoint.h"
#include "training/model_shape.h"
#include "training/player.h"

namespace {

class Folder {
 public:
  explicit Folder(const std::string& name)
      : path_(std::filesystem::path(BINARY_DIR) / ("supervised_test_" + name)) {
    std::filesystem::remove_all(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// A model that trains in a blink.
training::SupervisedPlan tiny_plan(const std::filesystem::path& directory) {
  training::ModelShape shape;
  shape.hidden_size = 32;
  shape.num_hidden_layers = 2;
  shape.num_attention_heads = 2;
  shape.q_lora_rank = 16;
  shape.kv_lora_rank = 16;
  shape.qk_nope_head_dim = 8;
  shape.qk_rope_head_dim = 8;
  shape.v_head_dim = 8;
  shape.intermediate_size = 64;
  shape.moe_intermediate_size = 16;
  shape.n_routed_experts = 4;
  shape.index_n_heads = 2;
  shape.index_head_dim = 16;
  shape.index_topk = 16;
  training::SupervisedPlan plan;
  plan.directory = directory;
  plan.config_json = training::config_json(shape);
  plan.prompts = std::filesystem::path(SOURCE_DIR) / "model/default" / training::kPromptFamily;
  plan.precision = training::Precision::Float;
  training::Stage stage;
  stage.tokens = 5000;
  stage.batch_tokens = 500;
  stage.lessons.families = {{.family = theorems::Family::Witness}};
  plan.stages = {stage};
  return plan;
}

std::vector<double> train(const training::SupervisedPlan& plan, int steps) {
  std::vector<double> losses;
  training::train_supervised(
      plan, [&] { return int(losses.size()) >= steps; },
      [&](const training::SupervisedStep& step) { losses.push_back(step.loss); });
  return losses;
}

std::vector<float> weights_of(const training::SupervisedPlan& plan) {
  const model::Config config = model::parse_config(plan.config_json, "");
  const training::ParameterTable table(config);
  const auto states = training::saved_states(plan.directory);
  REQUIRE_FALSE(states.empty());
  // The configuration's hash is the plan's own business: read it back from the file's run.
  return training::load_state(states.front(), training::configuration_of(plan),
                              std::size_t(table.size()))
      .weights;
}

}  // namespace

TEST_SUITE("training/supervised") {
  TEST_CASE("a run that was stopped goes on to the same bits") {
    const Folder whole("whole"), cut("cut");
    const std::vector<double> losses = train(tiny_plan(whole.path()), 1000);
    std::vector<double> parts = train(tiny_plan(cut.path()), 3);
    REQUIRE(parts.size() == 3);
    const std::vector<double> rest = train(tiny_plan(cut.path()), 1000);
    parts.insert(parts.end(), rest.begin(), rest.end());

    CHECK(losses.size() > 6);
    CHECK(parts == losses);
    CHECK(weights_of(tiny_plan(whole.path())) == weights_of(tiny_plan(cut.path())));
  }

  TEST_CASE("two threads train the same bits as one") {
    const Folder one("one"), two("two");
    training::SupervisedPlan plan = tiny_plan(two.path());
    plan.threads = 2;
    CHECK(train(tiny_plan(one.path()), 4) == train(plan, 4));
  }

  TEST_CASE("twenty steps have the recorded losses") {
    // Of this program when its gradients had just been held against differences: who changes what
    // is taught, how weights begin or how they move records anew, knowing why.
    constexpr double kRecorded[] = {6.54544, 6.4431,  6.33122, 6.23598, 6.1733,  6.06835, 5.99938,
                                    5.8885,  5.78611, 5.72811, 5.58719, 5.52127, 5.36223, 5.30011,
                                    5.22528, 5.19266, 4.99639, 4.88439, 4.83402, 4.79343};
    const Folder folder("recorded");
    training::SupervisedPlan plan = tiny_plan(folder.path());
    plan.stages[0].tokens = 30000;
    const std::vector<double> losses = train(plan, 20);
    REQUIRE(losses.size() == 20);
    for (std::size_t i = 0; i < losses.size(); ++i) {
      CAPTURE(i);
      CHECK(losses[i] == doctest::Approx(kRecorded[i]).epsilon(1e-4));
    }
  }

  TEST_CASE("the loss falls, and the metrics hold every step of it") {
    const Folder folder("falls");
    training::SupervisedPlan plan = tiny_plan(folder.path());
    plan.stages[0].tokens = 30000;
    const std::vector<double> losses = train(plan, 1000);
    CHECK(losses.back() < 0.6 * losses.front());

    storage::Metrics metrics(folder.path() / "metrics.sqlite", storage::Database::Access::Read);
    const auto series = metrics.series(metrics.runs().front().id, "loss");
    REQUIRE(series.size() == losses.size());
    CHECK(series.back().value == losses.back());
  }

  TEST_CASE("sparse stages follow dense ones, and the engine loads what comes out") {
    const Folder folder("stages");
    training::SupervisedPlan plan = tiny_plan(folder.path());
    plan.stages[0].tokens = 1000;
    training::Stage indexer = plan.stages[0];
    indexer.name = "indexer";
    indexer.attention = training::Attention::WarmUp;
    indexer.indexer_loss = 1;
    indexer.rates.trained = training::StepRates::Trained::Indexer;
    indexer.rates.algorithm = training::StepRates::Algorithm::AdamW;
    training::Stage sparse = plan.stages[0];
    sparse.name = "sparse";
    sparse.attention = training::Attention::Sparse;
    sparse.indexer_loss = 1;
    plan.stages.push_back(indexer);
    plan.stages.push_back(sparse);
    std::vector<std::string> stages;
    const training::Ended ended = training::train_supervised(
        plan, [] { return false; },
        [&](const training::SupervisedStep& step) {
          if (stages.empty() || stages.back() != step.stage) stages.push_back(step.stage);
        });
    CHECK(ended == training::Ended::Done);
    CHECK(stages == std::vector<std::string>{"dense", "indexer", "sparse"});

    engine::LocalOptions options;
    options.threads = 1;
    options.cache_bytes = 64 << 20;
    const auto model =
        engine::LocalModel::load(folder.path() / "model", options, [](const std::string&) {});
    training::Player player(*model);
    const training::Question question{
        "generate", {{"problem", "Find x: 7*x == 3 (mod 31)"}}, 1, 1.0};
    const auto answers = player.ask({question, question}, 20);
    REQUIRE(answers.size() == 2);
    CHECK(answers[0].tokens > 0);
    CHECK(answers[0].text == answers[1].text);
  }

  TEST_CASE("a state of another configuration is refused") {
    const Folder folder("other");
    train(tiny_plan(folder.path()), 1);
    training::SupervisedPlan plan = tiny_plan(folder.path());
    plan.seed = 2;
    CHECK_THROWS_AS(train(plan, 1), training::StateRefused);
  }
}
