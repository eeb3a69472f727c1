#include "training/reinforce.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "storage/metrics.h"
#include "text/clock.h"
#include "training/checkpoint.h"
#include "training/engine_weights.h"
#include "training/rounds.h"
#include "training/schedule.h"

namespace training {
namespace {

using Clock = std::chrono::steady_clock;

// How often groups of equal rewards are replaced in one step before it goes on with fewer.
constexpr int kRefillsMax = 4;

std::string text_of_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw model::Refused(file.string() + " cannot be read");
  return {std::istreambuf_iterator<char>(stream), {}};
}

double seconds_since(Clock::time_point then) {
  return std::chrono::duration<double>(Clock::now() - then).count();
}

// Where a run stands, as TrainingState::counters holds it.
struct Place {
  uint64_t rounds = 0;  // drawn: their seeds
  uint64_t stage = 0;   // which
  uint64_t steps = 0;   // done in it
};

// Sums what a step's answers are, then divides.
class Tally {
 public:
  void add(const RewardedGroup& group) {
    const auto role = std::size_t(group.task.role);
    for (std::size_t i = 0; i < group.rollouts.size(); ++i) {
      const Reward& reward = group.rewards[i];
      ++step_.answers[role];
      step_.reward[role] += group.totals[i];
      step_.score[role] += group.true_scores[i];
      step_.format[role] += reward.format;
      step_.answer_tokens += double(group.rollouts[i].answer.size());
      if (group.task.role == Role::Verify && reward.format > 0) {
        const bool right = group.true_scores[i] == 1, accepts = reward.claimed == 1;
        ++(right ? right_ : wrong_);
        if (right && !accepts) ++step_.rejects_right;
        if (!right && accepts) ++step_.accepts_wrong;
      }
    }
  }

  ReinforceStep means() {
    int64_t answers = 0;
    for (std::size_t role = 0; role < step_.answers.size(); ++role) {
      const double n = double(std::max<int64_t>(step_.answers[role], 1));
      step_.reward[role] /= n;
      step_.score[role] /= n;
      step_.format[role] /= n;
      answers += step_.answers[role];
    }
    step_.answer_tokens /= double(std::max<int64_t>(answers, 1));
    step_.accepts_wrong /= std::max(wrong_, 1.0);
    step_.rejects_right /= std::max(right_, 1.0);
    return std::move(step_);
  }

 private:
  ReinforceStep step_;
  double right_ = 0, wrong_ = 0;
};

class Run {
 public:
  Run(const ReinforcePlan& plan, const std::function<void(const ReinforceStep&)>& report)
      : plan_(plan),
        report_(report),
        config_json_(text_of_file(plan.from / "config.json")),
        tokenizer_json_(text_of_file(plan.from / "tokenizer.json")),
        config_(model::read_config(plan.from)),
        tokenizer_(model::Tokenizer::parse(tokenizer_json_)),
        chat_(tokenizer_, config_),
        templates_(prompts::TemplateSet::from_directory(plan.from / config_.prompt_family)),
        writer_(templates_, tokenizer_, chat_),
        table_(config_),
        arithmetic_(best_instructions(), plan.threads, plan.precision),
        learner_(config_, table_, arithmetic_),
        metrics_((std::filesystem::create_directories(plan.directory),
                  plan.directory / "metrics.sqlite"),
                 storage::Database::Access::Write) {
    begin();
    policy_ = sampler(state_.weights);
    frozen_ = sampler(reference_);
  }

  Ended run(const std::function<bool()>& stop) {
    while (place_.stage < plan_.stages.size()) {
      const ReinforceStage& stage = plan_.stages[place_.stage];
      begin_stage(stage);
      const TaskSource source(stage.tasks, writer_);
      while (place_.steps < uint64_t(stage.steps)) {
        if (stop()) {
          save();
          return Ended::Stopped;
        }
        step(stage, source);
        if (seconds_since(saved_at_) > double(plan_.save_every_seconds)) save();
      }
      ++place_.stage;
      place_.steps = 0;
    }
    save();
    return Ended::Done;
  }

 private:
  text::Digest configuration() const {
    return text::sha256(config_json_ + "\n" + tokenizer_json_ + "\nreinforce\n" +
                        std::to_string(plan_.seed));
  }

  std::unique_ptr<Sampler> sampler(const std::vector<float>& weights) {
    return std::make_unique<Sampler>(
        config_, views_of<const float>(config_, table_, std::span<const float>(weights)),
        arithmetic_.kernels(), tokenizer_, plan_.sampler);
  }

  void begin() {
    const auto states = saved_states(plan_.directory);
    if (!states.empty()) {
      state_ = load_state(states.front(), configuration(), std::size_t(table_.size()));
      if (state_.counters.size() != 3)
        throw StateRefused(states.front().string() + " is of another kind of run");
      place_ = {state_.counters[0], state_.counters[1], state_.counters[2]};
    } else {
      state_.weights = read_weights(plan_.from, table_);
      state_.optimiser = OptimiserState(table_.size());
      state_.configuration = configuration();
    }
    reference_ = state_.weights;
    const auto runs = metrics_.runs();
    if (states.empty() || runs.empty())
      run_id_ = metrics_.begin_run(text::unix_milliseconds(), config_json_);
    else
      metrics_.forget_after(run_id_ = runs.back().id, state_.step);
    saved_at_ = Clock::now();
  }

  // The model at the stage's begin is kept in a folder of its own: what goes on later measures the
  // divergence from the same numbers.
  void begin_stage(const ReinforceStage& stage) {
    const auto directory = plan_.directory / ("reference-" + std::to_string(place_.stage));
    state_.stage = stage.name;
    if (place_.steps > 0) {
      std::ranges::copy(read_weights(directory, table_), reference_.begin());
      return;
    }
    state_.optimiser = OptimiserState(table_.size());
    std::ranges::copy(state_.weights, reference_.begin());
    export_model(directory, {.config_json = config_json_,
                             .parameters = table_.all(),
                             .weights = reference_,
                             .stored_as = StoredAs::Float});
  }

  // Groups to train on, and in `tally` all that were drawn.
  std::vector<RewardedGroup> groups(const ReinforceStage& stage, const TaskSource& source,
                                    Tally& tally, double& used) {
    using Equal = Objective::EqualGroups;
    const Equal equal = stage.learner.objective.equal_groups;
    Rounds rounds(stage, source, *policy_, *frozen_, tokenizer_);
    std::vector<RewardedGroup> groups;
    std::size_t drawn = 0, wanted = 0;
    for (int64_t n : stage.tasks.prompts) wanted += std::size_t(n);
    for (int round = 0;
         round == 0 || (equal == Equal::Refill && groups.size() < wanted && round <= kRefillsMax);
         ++round) {
      for (RewardedGroup& group : rounds.draw(theorems::seed_of(plan_.seed, place_.rounds++))) {
        tally.add(group);
        ++drawn;
        if (equal != Equal::Keep && all_equal(group.totals)) continue;
        if (groups.size() < wanted) groups.push_back(std::move(group));
      }
    }
    used = drawn > 0 ? double(groups.size()) / double(drawn) : 0;
    return groups;
  }

  void step(const ReinforceStage& stage, const TaskSource& source) {
    const auto began = Clock::now();
    Tally tally;
    double used = 0;
    const auto drawn = groups(stage, source, tally, used);
    ReinforceStep step = tally.means();
    step.groups_used = used;
    step.stage = stage.name;
    step.steps_end = stage.steps;
    const Schedule schedule{.warm_up = int64_t(stage.warm_up * double(stage.steps)),
                            .decay_after = int64_t(stage.decay_after * double(stage.steps)),
                            .end = stage.steps,
                            .last = stage.last};
    LearnerPlan learner = stage.learner;
    learner.temperature = stage.sampling.temperature;
    learner.rates.adamw *= rate_factor(schedule, int64_t(place_.steps) + 1);
    ++state_.step;
    ++place_.steps;
    update(learner, drawn, stage.minibatches, step);
    step.step = int64_t(place_.steps);
    step.tokens = state_.tokens;
    step.seconds = seconds_since(began);
    record(step);
    report_(step);
  }

  // Groups are dealt to the minibatches in turn, so that each has all roles.
  void update(const LearnerPlan& learner, const std::vector<RewardedGroup>& groups,
              int64_t minibatches, ReinforceStep& step) {
    const auto parts = std::min(std::size_t(minibatches), groups.size());
    std::vector<storage::MetricRollout> rows;
    for (std::size_t part = 0; part < parts; ++part) {
      std::vector<Example> examples;
      for (std::size_t g = part; g < groups.size(); g += parts) {
        const auto advantage = advantages(learner.objective.advantage, groups[g].totals);
        for (std::size_t i = 0; i < advantage.size(); ++i)
          examples.push_back({.rollout = &groups[g].rollouts[i],
                              .advantage = advantage[i],
                              .domain = std::size_t(groups[g].task.role)});
      }
      const UpdateReport report =
          learner_.update(learner, examples, state_.weights, state_.optimiser, reference_);
      if (report.outcome == StepReport::Outcome::NotFinite)
        throw std::runtime_error(
            fmt::format("step {}: the gradient is not finite; go on from {} with smaller rates",
                        state_.step, plan_.directory.string()));
      for (const Example& example : examples)
        state_.tokens += int64_t(example.rollout->prompt->size() + example.rollout->answer.size());
      add_rows(groups, part, parts, report, rows);
      add_mean(report, double(parts), step.update);
    }
    metrics_.append(run_id_, rows);
  }

  static void add_mean(const UpdateReport& report, double parts, UpdateReport& mean) {
    mean.loss += report.loss / parts;
    mean.divergence += report.divergence / parts;
    mean.ratio += report.ratio / parts;
    mean.entropy += report.entropy / parts;
    mean.clipped += report.clipped / parts;
    mean.masked += report.masked / parts;
    mean.gradient_norm += report.gradient_norm / parts;
  }

  void add_rows(const std::vector<RewardedGroup>& groups, std::size_t first, std::size_t stride,
                const UpdateReport& report, std::vector<storage::MetricRollout>& rows) const {
    std::size_t next = 0;
    for (std::size_t g = first; g < groups.size(); g += stride) {
      const RewardedGroup& group = groups[g];
      const std::string hash = text::sha256_hex(group.task.statement.text);
      for (std::size_t i = 0; i < group.rollouts.size(); ++i) {
        const Reward& r = group.rewards[i];
        const ObjectiveValue::Answer& answer = report.answer[next++];
        const int64_t tokens = int64_t(group.rollouts[i].answer.size());
        rows.push_back(
            {.step = state_.step,
             .role = std::string(to_text(group.task.role)),
             .prompt_hash = hash.substr(0, 16),
             .reward = fmt::format(
                 R"({{"total":{},"format":{},"score":{},"true":{},"claimed":{},"sound":{}}})",
                 group.totals[i], r.format, r.score, group.true_scores[i], r.claimed, r.sound),
             .prompt_tokens = int64_t(group.rollouts[i].prompt->size()),
             .answer_tokens = tokens,
             .mean_log_ratio = answer.log_ratio,
             .masked = answer.masked ? tokens : answer.clipped});
      }
    }
  }

  void record(const ReinforceStep& step) {
    std::vector<storage::MetricPoint> points;
    const auto add = [&](std::string name, double value) {
      points.push_back(
          {.step = state_.step, .tokens = state_.tokens, .name = std::move(name), .value = value});
    };
    for (std::size_t role = 0; role < step.answers.size(); ++role) {
      if (step.answers[role] == 0) continue;
      const std::string name(to_text(Role(role)));
      add("reward." + name, step.reward[role]);
      add("score." + name, step.score[role]);
      add("format." + name, step.format[role]);
    }
    add("accepts_wrong", step.accepts_wrong);
    add("rejects_right", step.rejects_right);
    add("groups_used", step.groups_used);
    add("answer_tokens", step.answer_tokens);
    add("loss", step.update.loss);
    add("divergence", step.update.divergence);
    add("ratio", step.update.ratio);
    add("entropy", step.update.entropy);
    add("clipped", step.update.clipped);
    add("masked", step.update.masked);
    add("gradient_norm", step.update.gradient_norm);
    add("seconds", step.seconds);
    metrics_.append(run_id_, points);
  }

  void save() {
    state_.counters = {place_.rounds, place_.stage, place_.steps};
    save_state(plan_.directory, state_);
    const std::filesystem::path directory = plan_.directory / "model";
    export_model(
        directory,
        {.config_json = config_json_, .parameters = table_.all(), .weights = state_.weights});
    using std::filesystem::copy_options;
    const auto copy = [&](const std::filesystem::path& name) {
      std::filesystem::copy_file(plan_.from / name, directory / name,
                                 copy_options::overwrite_existing);
    };
    copy("tokenizer.json");
    std::filesystem::create_directories(directory / config_.prompt_family);
    for (const char* name : {"generate.md", "verify.md", "meta_verify.md", "refine.md"})
      copy(std::filesystem::path(config_.prompt_family) / name);
    saved_at_ = Clock::now();
  }

  const ReinforcePlan& plan_;
  const std::function<void(const ReinforceStep&)>& report_;
  const std::string config_json_, tokenizer_json_;
  const model::Config config_;
  const model::Tokenizer tokenizer_;
  const model::ChatFormat chat_;
  const prompts::TemplateSet templates_;
  const DocumentWriter writer_;
  const ParameterTable table_;
  Arithmetic<float> arithmetic_;
  Learner learner_;
  storage::Metrics metrics_;
  int64_t run_id_ = 0;
  TrainingState state_;  // its weights stay where they are: the samplers read them there
  std::vector<float> reference_;
  Place place_;
  std::unique_ptr<Sampler> policy_, frozen_;
  Clock::time_point saved_at_;
};

}  // namespace

Ended train_by_reward(const ReinforcePlan& plan, const std::function<bool()>& stop,
                      const std::function<void(const ReinforceStep&)>& report) {
  return Run(plan, report).run(stop);
}

}  // namespace training
