#include "apps/train_sample.h"

#include <fmt/format.h>

#include "apps/train_play.h"
#include "training/own_work.h"

namespace apps {
namespace {

struct SampleFlags {
  PlayFlags play{.levels = {1, 2, 3}, .statements = 256, .temperature = 1};
  std::string file;
};

ExitCode sample(const SampleFlags& flags) {
  const training::EvaluationPlan plan = plan_of(flags.play, theorems::Split::Train);
  std::vector<training::OwnWork> work;
  play(flags.play, [&](training::Player& player, engine::LocalModel&) {
    for (const theorems::Family family : families_of(flags.play))
      for (const int level : flags.play.levels) {
        const auto statements = training::draw_statements(family, level, plan);
        const auto written = training::sample_work(player, statements, plan);
        fmt::print(stderr, "{} {}: {} of {} proofs can be read\n", to_text(family), level,
                   written.size(), statements.size());
        work.insert(work.end(), written.begin(), written.end());
      }
  });
  training::write_own_work(flags.file, work);
  return ExitCode::Done;
}

}  // namespace

void add_train_sample(CLI::App& train, Invocation& invocation) {
  auto flags = std::make_shared<SampleFlags>();
  CLI::App& command =
      add_command(train, "sample", "have a model write proofs and evaluations to learn from",
                  "elenchus train sample runs/mine/model --out own.jsonl --statements 1000 && "
                  "elenchus train sft recipe.toml --own own.jsonl --out runs/mine");
  add_play_options(command, flags->play);
  command.add_option("--out", flags->file, "JSON Lines, written whole at the end")
      ->required()
      ->type_name("FILE");
  command.callback([flags, &invocation] { invocation.run = [flags] { return sample(*flags); }; });
}

}  // namespace apps
