#include "training/supervised.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "kernels/threads.h"
#include "storage/metrics.h"
#include "text/clock.h"
#include "training/atomic_file.h"
#include "training/checkpoint.h"
#include "training/lexemes.h"
#include "training/progress.h"
#include "training/schedule.h"

namespace training {
namespace {

using Clock = std::chrono::steady_clock;

int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch())
      .count();
}

// Whole lessons laid one behind the other, and what each token's target weighs.
struct LessonBatch {
  Batch batch;
  std::vector<float> weight;       // [tokens] of the target that follows
  std::vector<Lesson::Kind> kind;  // [tokens]
  int64_t asked = 0;               // targets of weight above 0
};

LessonBatch make_batch(const Lessons& lessons, uint64_t& index, double progress,
                       int64_t batch_tokens) {
  LessonBatch made;
  Batch& batch = made.batch;
  while (batch.tokens() < batch_tokens) {
    const Lesson lesson = lessons.at(index++, progress);
    const Document& document = lesson.document;
    for (std::size_t i = 0; i < document.tokens.size(); ++i) {
      const bool last = i + 1 == document.tokens.size();
      const float weight = last ? 0.0F : document.weight[i + 1];
      batch.token.push_back(document.tokens[i]);
      batch.target.push_back(weight > 0 ? document.tokens[i + 1] : -1);
      made.weight.push_back(weight);
      made.kind.push_back(lesson.kind);
      made.asked += weight > 0 ? 1 : 0;
    }
    batch.first.push_back(int32_t(batch.token.size()));
  }
  return made;
}

class Run {
 public:
  Run(const SupervisedPlan& plan, const std::function<void(const SupervisedStep&)>& report)
      : plan_(plan),
        report_(report),
        config_(model::parse_config(plan.config_json, "")),
        tokenizer_(model::Tokenizer::parse(tokenizer_json())),
        chat_(tokenizer_, config_),
        templates_(prompts::TemplateSet::from_directory(plan.prompts)),
        writer_(templates_, tokenizer_, chat_),
        table_(config_),
        arithmetic_(best_instructions(), plan.threads, plan.precision),
        network_(config_, arithmetic_),
        optimiser_(table_.all(), best_instructions(), arithmetic_.threads(), plan.precision),
        metrics_((std::filesystem::create_directories(plan.directory),
                  plan.directory / "metrics.sqlite"),
                 storage::Database::Access::Write) {
    gradients_.resize(std::size_t(table_.size()));
    begin();
  }

  Ended run(const std::function<bool()>& stop) {
    int64_t begin = 0;
    for (const Stage& stage : plan_.stages) {
      const int64_t end = begin + stage.tokens;
      if (state_.tokens < end && run_stage(stage, begin, stop) == Ended::Stopped) {
        save();
        return Ended::Stopped;
      }
      begin = end;
    }
    save();
    return Ended::Done;
  }

 private:
  void begin() {
    const auto states = saved_states(plan_.directory);
    if (!states.empty()) {
      state_ = load_state(states.front(), configuration_of(plan_), std::size_t(table_.size()));
    } else {
      state_.weights = initial_weights(table_, plan_.seed);
      state_.optimiser = OptimiserState(table_.size());
      state_.counters = {0};
      state_.configuration = configuration_of(plan_);
    }
    const auto runs = metrics_.runs();
    if (states.empty() || runs.empty())
      run_id_ = metrics_.begin_run(text::unix_milliseconds(), plan_.config_json);
    else
      metrics_.forget_after(run_id_ = runs.back().id, state_.step);
    saved_at_ = steady_ms();
  }

  Ended run_stage(const Stage& stage, int64_t begin, const std::function<bool()>& stop) {
    if (state_.stage != stage.name) {  // another mixture, other rates: the moments begin anew
      state_.stage = stage.name;
      state_.optimiser = OptimiserState(table_.size());
    }
    const Lessons lessons(stage.lessons, writer_, plan_.seed, plan_.own);
    const Schedule schedule{.warm_up = int64_t(stage.warm_up * double(stage.tokens)),
                            .decay_after = int64_t(stage.decay_after * double(stage.tokens)),
                            .end = stage.tokens,
                            .last = stage.last};
    while (state_.tokens < begin + stage.tokens) {
      if (stop()) return Ended::Stopped;
      const int64_t done = state_.tokens - begin;
      step(stage, lessons, double(done) / double(stage.tokens),
           rate_factor(schedule, done + stage.batch_tokens), begin + stage.tokens);
      if (steady_ms() - saved_at_ > plan_.save_every_seconds * 1000) save();
    }
    return Ended::Done;
  }

  void step(const Stage& stage, const Lessons& lessons, double progress, double factor,
            int64_t tokens_end) {
    const LessonBatch made = make_batch(lessons, state_.counters[0], progress, stage.batch_tokens);
    const auto weights =
        views_of<const float>(config_, table_, std::span<const float>(state_.weights));
    const PassOptions options{.attention = stage.attention,
                              .indexer_loss = stage.indexer_loss,
                              .balance_loss = stage.balance_loss};
    const PassLosses losses = network_.forward(weights, made.batch, options);

    std::vector<float> coefficient(made.weight.size());
    for (std::size_t i = 0; i < coefficient.size(); ++i)
      coefficient[i] = made.weight[i] / float(std::max<int64_t>(made.asked, 1));
    std::ranges::fill(gradients_, 0.0F);
    network_.backward(coefficient, views_of<float>(config_, table_, std::span<float>(gradients_)));

    StepRates rates = stage.rates;
    rates.muon *= factor;
    rates.adamw *= factor;
    const StepReport report =
        optimiser_.step(state_.optimiser, state_.weights, gradients_, losses.expert_load, rates);
    if (report.outcome == StepReport::Outcome::NotFinite)
      throw std::runtime_error(
          fmt::format("step {}: the gradient is not finite; go on from {} with smaller rates",
                      state_.step + 1, plan_.directory.string()));
    ++state_.step;
    state_.tokens += made.batch.tokens();
    measure(stage, made, losses, report, factor, tokens_end);
  }

  void measure(const Stage& stage, const LessonBatch& made, const PassLosses& losses,
               const StepReport& report, double factor, int64_t tokens_end) {
    SupervisedStep step{.stage = stage.name,
                        .step = state_.step,
                        .tokens = state_.tokens,
                        .tokens_end = tokens_end};
    std::array<double, Lesson::kKinds> count{};
    const auto log_probability = network_.log_probability();
    double sum = 0;
    for (std::size_t i = 0; i < made.weight.size(); ++i) {
      if (made.weight[i] <= 0) continue;
      sum -= log_probability[i];
      step.by_kind[std::size_t(made.kind[i])] -= log_probability[i];
      ++count[std::size_t(made.kind[i])];
    }
    step.loss = sum / double(std::max<int64_t>(made.asked, 1));
    for (std::size_t r = 0; r < count.size(); ++r)
      step.by_kind[r] = count[r] > 0 ? step.by_kind[r] / count[r] : 0;
    step.indexer = losses.indexer;
    step.gradient_norm = report.gradient_norm;
    step.rate = factor;
    progress_.mark(steady_ms(), state_.tokens);
    step.tokens_per_second = progress_.tokens_per_second().value_or(0);
    record(step, count);
    report_(step);
  }

  void record(const SupervisedStep& step, const std::array<double, Lesson::kKinds>& count) {
    const auto add = [&](std::string name, double value) {
      points_.push_back(
          {.step = step.step, .tokens = step.tokens, .name = std::move(name), .value = value});
    };
    add("loss", step.loss);
    for (std::size_t r = 0; r < count.size(); ++r)
      if (count[r] > 0) add("loss." + std::string(to_text(Lesson::Kind(r))), step.by_kind[r]);
    add("indexer", step.indexer);
    add("gradient_norm", step.gradient_norm);
    add("rate", step.rate);
    constexpr std::size_t kPointsHeld = 256;
    if (points_.size() >= kPointsHeld) flush();
  }

  void flush() {
    metrics_.append(run_id_, points_);
    points_.clear();
  }

  void save() {
    flush();
    save_state(plan_.directory, state_);
    const std::filesystem::path directory = plan_.directory / "model";
    export_model(
        directory,
        {.config_json = plan_.config_json, .parameters = table_.all(), .weights = state_.weights});
    const std::string tokenizer = tokenizer_json();
    const std::string_view parts[] = {tokenizer};
    write_atomically(directory / "tokenizer.json", parts);
    const std::filesystem::path prompts = directory / config_.prompt_family;
    std::filesystem::create_directories(prompts);
    for (const char* name : {"generate.md", "verify.md", "meta_verify.md", "refine.md"})
      std::filesystem::copy_file(plan_.prompts / name, prompts / name,
                                 std::filesystem::copy_options::overwrite_existing);
    saved_at_ = steady_ms();
  }

  const SupervisedPlan& plan_;
  const std::function<void(const SupervisedStep&)>& report_;
  const model::Config config_;
  const model::Tokenizer tokenizer_;
  const model::ChatFormat chat_;
  const prompts::TemplateSet templates_;
  const DocumentWriter writer_;
  const ParameterTable table_;
  Arithmetic<float> arithmetic_;
  TrainingNetwork<float> network_;
  Optimiser optimiser_;
  storage::Metrics metrics_;
  int64_t run_id_ = 0;
  std::vector<storage::MetricPoint> points_;
  std::vector<float> gradients_;
  TrainingState state_;
  Progress progress_;
  int64_t saved_at_ = 0;
};

}  // namespace

text::Digest configuration_of(const SupervisedPlan& plan) {
  return text::sha256(plan.config_json + "\n" + tokenizer_json() + "\n" +
                      std::to_string(plan.seed));
}

Ended train_supervised(const SupervisedPlan& plan, const std::function<bool()>& stop,
                       const std::function<void(const SupervisedStep&)>& report) {
  return Run(plan, report).run(stop);
}

}  // namespace training
