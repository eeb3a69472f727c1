// elenchus train: makes a model for the built-in domain.
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "apps/output.h"
#include "apps/recipe.h"
#include "apps/train_eval.h"
#include "kernels/threads.h"
#include "training/checkpoint.h"
#include "training/progress.h"

namespace apps {
namespace {

struct TrainFlags {
  std::string recipe;
  std::string directory;
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
    if (now - last_ < kBetween) return;
    last_ = now;
    const double left = step.tokens_per_second > 0
                            ? double(step.tokens_end - step.tokens) / step.tokens_per_second
                            : 0;
    fmt::print(
        stderr,
        "{:<10} step {:>6}  {:>7.2f} M tokens  loss {:.4f}  prove {:.3f} verify {:.3f} judge "
        "{:.3f} refine {:.3f}  indexer {:.3f}  {:>6.0f} tokens/s  {} left\n",
        step.stage, step.step, double(step.tokens) / 1e6, loss_, step.by_role[0], step.by_role[1],
        step.by_role[2], step.by_role[3], step.indexer, step.tokens_per_second,
        training::duration_text(int64_t(left * 1000)));
    latest_ = step;
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

ExitCode train(const TrainFlags& flags) {
  Recipe recipe = read_recipe(flags.recipe);
  recipe.plan.directory = flags.directory;
  if (recipe.plan.threads == 0) recipe.plan.threads = usable_cores();
  const auto begin = std::chrono::steady_clock::now();
  const auto stop = [&] {
    const auto spent = std::chrono::steady_clock::now() - begin;
    return interrupted != 0 ||
           (flags.seconds_max > 0 && spent >= std::chrono::seconds(flags.seconds_max));
  };
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  Reporter reporter(flags.json);
  try {
    const training::Ended ended = training::train_supervised(
        recipe.plan, stop, [&](const training::SupervisedStep& step) { reporter.report(step); });
    reporter.finish(ended, flags.directory);
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

}  // namespace

void add_train(CLI::App& app, Invocation& invocation) {
  CLI::App& command = add_command(
      app, "train", "train a model for the built-in domain",
      "elenchus train sft model/default/recipe.toml --out runs/mine --max-seconds 3600");
  command.require_subcommand(1);
  add_train_eval(command, invocation);
  auto flags = std::make_shared<TrainFlags>();
  CLI::App& sft = add_command(
      command, "sft", "supervised training by a recipe; goes on where it stopped",
      "elenchus train sft model/default/recipe.toml --out runs/mine --max-seconds 3600");
  sft.add_option("recipe", flags->recipe, "the recipe, a TOML file")
      ->required()
      ->check(CLI::ExistingFile)
      ->type_name("FILE");
  sft.add_option("--out", flags->directory, "the run's folder: states, metrics, the model")
      ->required()
      ->type_name("DIR");
  sft.add_option("--max-seconds", flags->seconds_max, "save and stop after so long; 0: never")
      ->check(CLI::NonNegativeNumber)
      ->type_name("N");
  sft.add_flag("--json", flags->json, "one JSON document on stdout at the end");
  sft.callback([flags, &invocation] { invocation.run = [flags] { return train(*flags); }; });
}

}  // namespace apps
