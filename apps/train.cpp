// elenchus train: makes a model for the built-in domain.
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "apps/output.h"
#include "apps/recipe.h"
#include "apps/train_attention.h"
#include "apps/train_eval.h"
#include "apps/train_report.h"
#include "apps/train_sample.h"
#include "kernels/threads.h"
#include "training/checkpoint.h"
#include "training/own_work.h"
#include "training/progress.h"

namespace apps {
namespace {

struct TrainFlags {
  std::string recipe;
  std::string directory;
  std::string from;              // the model that reinforcement begins with
  std::vector<std::string> own;  // files of the model's own work
  int64_t seconds_max = 0;
  bool json = false;
};

volatile std::sig_atomic_t interrupted = 0;

extern "C" void on_signal(int signal) {
  if (interrupted != 0) std::_Exit(128 + signal);
  interrupted = signal;
}

// A line every few seconds: where the run is, how well it goes, how long it will take.
class Reporter {
 public:
  explicit Reporter(bool json) : json_(json) {}

  void report(const training::SupervisedStep& step) {
    const auto now = std::chrono::steady_clock::now();
    loss_ = loss_ == 0 ? step.loss : 0.95 * loss_ + 0.05 * step.loss;
    latest_ = step;
    if (now - last_ < kBetween) return;
    last_ = now;
    const double left = step.tokens_per_second > 0
                            ? double(step.tokens_end - step.tokens) / step.tokens_per_second
                            : 0;
    fmt::print(
        stderr,
        "{:<10} step {:>6}  {:>7.2f} M tokens  loss {:.4f}  prove {:.3f} verify {:.3f} judge "
        "{:.3f} refine {:.3f} calculate {:.3f}  indexer {:.3f}  {:>6.0f} tokens/s  {} left\n",
        step.stage, step.step, double(step.tokens) / 1e6, loss_, step.by_kind[0], step.by_kind[1],
        step.by_kind[2], step.by_kind[3], step.by_kind[4], step.indexer, step.tokens_per_second,
        training::duration_text(int64_t(left * 1000)));
  }

  void finish(training::Ended ended, const std::filesystem::path& directory) const {
    if (!json_) return;
    const nlohmann::ordered_json json = {{"done", ended == training::Ended::Done},
                                         {"model", (directory / "model").string()},
                                         {"tokens", latest_.tokens},
                                         {"loss", loss_}};
    write_stdout(json.dump() + "\n");
  }

 private:
  static constexpr std::chrono::seconds kBetween{5};
  bool json_;
  std::chrono::steady_clock::time_point last_;
  double loss_ = 0;  // smoothed over some twenty steps
  training::SupervisedStep latest_;
};

// Runs `train` until it is done or the flags, or a signal, stop it.
ExitCode run_until(const TrainFlags& flags,
                   const std::function<training::Ended(const std::function<bool()>&)>& train) {
  const auto begin = std::chrono::steady_clock::now();
  const auto stop = [&] {
    const auto spent = std::chrono::steady_clock::now() - begin;
    return interrupted != 0 ||
           (flags.seconds_max > 0 && spent >= std::chrono::seconds(flags.seconds_max));
  };
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  try {
    const training::Ended ended = train(stop);
    if (ended == training::Ended::Done) return ExitCode::Done;
    fmt::print(stderr, "stopped; the same command goes on from here\n");
    if (interrupted == SIGINT) return ExitCode::Interrupted;
    return interrupted != 0 ? ExitCode::Terminated : ExitCode::Stopped;
  } catch (const training::StateRefused& error) {
    throw Exit(ExitCode::Usage, error.what());
  } catch (const model::Refused& error) {
    throw Exit(ExitCode::Usage, error.what());
  }
}

ExitCode train(const TrainFlags& flags) {
  Recipe recipe = read_recipe(flags.recipe);
  if (recipe.plan.stages.empty())
    throw Exit(ExitCode::Usage, flags.recipe + ": there is no [[stage]] to train");
  recipe.plan.directory = flags.directory;
  if (recipe.plan.threads == 0) recipe.plan.threads = usable_cores();
  try {
    for (const std::string& file : flags.own)
      for (training::OwnWork& work : training::read_own_work(file))
        recipe.plan.own.push_back(std::move(work));
  } catch (const training::OwnWorkRefused& error) {
    throw Exit(ExitCode::Usage, error.what());
  }
  Reporter reporter(flags.json);
  return run_until(flags, [&](const std::function<bool()>& stop) {
    const training::Ended ended = training::train_supervised(
        recipe.plan, stop, [&](const training::SupervisedStep& step) { reporter.report(step); });
    reporter.finish(ended, flags.directory);
    return ended;
  });
}

void report_reinforcement(const training::ReinforceStep& step) {
  fmt::print(
      stderr,
      "{:<10} step {:>5} of {}  reward: prove {:.3f} verify {:.3f} judge {:.3f} refine "
      "{:.3f}  groups {:.0f} %  clipped {:.1f} %  masked {:.1f} %  KL {:.4f}  {:.0f} tokens "
      "an answer  {} left\n",
      step.stage, step.step, step.steps_end, step.reward[0], step.reward[1], step.reward[2],
      step.reward[3], 100 * step.groups_used, 100 * step.update.clipped, 100 * step.update.masked,
      step.update.divergence, step.answer_tokens,
      training::duration_text(int64_t(step.seconds * 1000 * double(step.steps_end - step.step))));
}

ExitCode reinforce(const TrainFlags& flags) {
  Recipe recipe = read_recipe(flags.recipe);
  training::ReinforcePlan& plan = recipe.reinforce;
  if (plan.stages.empty())
    throw Exit(ExitCode::Usage, flags.recipe + ": there is no [rl] to train by");
  plan.from = flags.from;
  plan.directory = flags.directory;
  if (plan.threads == 0) plan.threads = usable_cores();
  training::ReinforceStep latest;
  return run_until(flags, [&](const std::function<bool()>& stop) {
    const training::Ended ended = training::train_by_reward(
        plan, stop,
        [&](const training::ReinforceStep& step) { report_reinforcement(latest = step); });
    if (flags.json) {
      const nlohmann::ordered_json json = {
          {"done", ended == training::Ended::Done},
          {"model", (std::filesystem::path(flags.directory) / "model").string()},
          {"step", latest.step},
          {"reward", latest.reward}};
      write_stdout(json.dump() + "\n");
    }
    return ended;
  });
}

// What every kind of training is told.
void add_run_options(CLI::App& command, TrainFlags& flags) {
  command.add_option("recipe", flags.recipe, "the recipe, a TOML file")
      ->required()
      ->check(CLI::ExistingFile)
      ->type_name("FILE");
  command.add_option("--out", flags.directory, "the run's folder: states, metrics, the model")
      ->required()
      ->type_name("DIR");
  command.add_option("--max-seconds", flags.seconds_max, "save and stop after so long; 0: never")
      ->check(CLI::NonNegativeNumber)
      ->type_name("N");
  command.add_flag("--json", flags.json, "one JSON document on stdout at the end");
}

}  // namespace

void add_train(CLI::App& app, Invocation& invocation) {
  CLI::App& command = add_command(
      app, "train", "train a model for the built-in domain",
      "elenchus train sft model/default/recipe.toml --out runs/mine --max-seconds 3600");
  command.require_subcommand(1);
  add_train_eval(command, invocation);
  add_train_attention(command, invocation);
  add_train_report(command, invocation);
  add_train_sample(command, invocation);
  auto flags = std::make_shared<TrainFlags>();
  CLI::App& sft = add_command(
      command, "sft", "supervised training by a recipe; goes on where it stopped",
      "elenchus train sft model/default/recipe.toml --out runs/mine --max-seconds 3600");
  add_run_options(sft, *flags);
  sft.add_option("--own", flags->own, "what `train sample` wrote; may come several times")
      ->type_name("FILE")
      ->take_all();
  sft.callback([flags, &invocation] { invocation.run = [flags] { return train(*flags); }; });
  auto rl_flags = std::make_shared<TrainFlags>();
  CLI::App& rl = add_command(
      command, "rl", "training by reward, by a recipe's [rl]; goes on where it stopped",
      "elenchus train rl recipe.toml --from runs/mine/model --out runs/rl --max-seconds 3600");
  add_run_options(rl, *rl_flags);
  rl.add_option("--from", rl_flags->from, "the model to begin with")
      ->required()
      ->check(CLI::ExistingDirectory)
      ->type_name("DIR");
  rl.callback(
      [flags = rl_flags, &invocation] { invocation.run = [flags] { return reinforce(*flags); }; });
}

}  // namespace apps
