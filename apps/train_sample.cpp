#include "apps/train_sample.h"

#include <fmt/format.h>

#include "apps/train_eval.h"
#include "training/own_work.h"

namespace apps {
namespace {

struct SampleFlags {
  std::string directory;
  std::string file;
  std::vector<std::string> families;
  std::vector<int> levels = {1, 2, 3};
  int64_t statements = 256;
  int64_t seed = 1;
  double temperature = 1;
  int threads = 0;
};

ExitCode sample(const SampleFlags& flags) {
  try {
    engine::LocalOptions options;
    options.threads = flags.threads;
    const auto model =
        engine::LocalModel::load(flags.directory, options, [](const std::string&) {});
    training::Player player(*model);
    training::EvaluationPlan plan;
    plan.split = theorems::Split::Train;
    plan.seed = uint64_t(flags.seed);
    plan.statements = flags.statements;
    plan.temperature = flags.temperature;
    std::vector<training::OwnWork> work;
    for (const theorems::Family family : families_of(flags.families))
      for (const int level : flags.levels) {
        const auto statements = training::draw_statements(family, level, plan);
        const auto written = training::sample_work(player, statements, plan);
        fmt::print(stderr, "{} {}: {} of {} proofs can be read\n", to_text(family), level,
                   written.size(), statements.size());
        work.insert(work.end(), written.begin(), written.end());
      }
    training::write_own_work(flags.file, work);
    return ExitCode::Done;
  } catch (const model::Refused& error) {
    throw Exit(ExitCode::Usage, error.what());
  } catch (const engine::NotEnoughMemory& error) {
    throw Exit(ExitCode::Backend, error.what());
  }
}

}  // namespace

void add_train_sample(CLI::App& train, Invocation& invocation) {
  auto flags = std::make_shared<SampleFlags>();
  CLI::App& command =
      add_command(train, "sample", "have a model write proofs and evaluations to learn from",
                  "elenchus train sample runs/mine/model --out own.jsonl --statements 1000 && "
                  "elenchus train sft recipe.toml --own own.jsonl --out runs/mine");
  command.add_option("directory", flags->directory, "the model's directory")
      ->required()
      ->type_name("DIR");
  command.add_option("--out", flags->file, "JSON Lines, written whole at the end")
      ->required()
      ->type_name("FILE");
  command.add_option("--family", flags->families, "only this one; may come several times")
      ->take_all();
  command.add_option("--level", flags->levels, "only this one; may come several times [1 2 3]")
      ->check(CLI::Range(1, theorems::kLevels))
      ->take_all();
  command.add_option("--statements", flags->statements, "of each family and level [256]")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 20));
  command.add_option("--seed", flags->seed, "of statements and answers [1]")
      ->check(CLI::NonNegativeNumber);
  command.add_option("--temperature", flags->temperature, "of all answers [1]")
      ->check(CLI::Range(0.0, 2.0));
  command.add_option("--threads", flags->threads, "0: all [0]")->check(CLI::Range(0, 256));
  command.callback([flags, &invocation] { invocation.run = [flags] { return sample(*flags); }; });
}

}  // namespace apps
