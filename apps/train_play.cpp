#include "apps/train_play.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "apps/local.h"
#include "kernels/cuda/device.h"
#include "theorems/theorem.h"
#include "training/model_shape.h"

namespace apps {

void add_play_options(CLI::App& command, PlayFlags& flags) {
  command.add_option("directory", flags.directory, "the model's directory")
      ->required()
      ->type_name("DIR");
  command.add_option("--family", flags.families, "only this one; may come several times")
      ->take_all();
  command
      .add_option(
          "--level", flags.levels,
          fmt::format("only this one; may come several times [{}]", fmt::join(flags.levels, " ")))
      ->check(CLI::Range(1, theorems::kLevels))
      ->take_all();
  command
      .add_option("--statements", flags.statements,
                  fmt::format("of each family and level [{}]", flags.statements))
      ->check(CLI::Range(int64_t(1), int64_t(1) << 20));
  command.add_option("--seed", flags.seed, "of statements and answers [1]")
      ->check(CLI::NonNegativeNumber);
  command
      .add_option("--temperature", flags.temperature,
                  fmt::format("of all answers [{}]", flags.temperature))
      ->check(CLI::Range(0.0, 2.0));
  command
      .add_option(
          "--device", flags.device,
          fmt::format("what the model runs on; auto: a card if one can be used [{}]", flags.device))
      ->type_name("auto|cpu|cuda");
  command.add_option("--threads", flags.threads, "0: all [0]")->check(CLI::Range(0, 256));
}

std::vector<theorems::Family> families_of(const PlayFlags& flags) {
  std::vector<theorems::Family> families;
  for (const theorems::Family family : theorems::kFamilies)
    if (flags.families.empty() ||
        std::ranges::find(flags.families, to_text(family)) != flags.families.end())
      families.push_back(family);
  if (families.size() < flags.families.size())
    throw Exit(ExitCode::Usage,
               "--family must be congruence, witness, divisibility, induction or deduction");
  return families;
}

training::EvaluationPlan plan_of(const PlayFlags& flags, theorems::Split split) {
  training::EvaluationPlan plan;
  plan.split = split;
  plan.seed = uint64_t(flags.seed);
  plan.statements = flags.statements;
  plan.temperature = flags.temperature;
  return plan;
}

void play(const PlayFlags& flags, const UsePlayer& use) {
  Settings settings;
  settings.set("device", {{flags.device}, "--device"});
  if (flags.threads > 0) settings.set("threads", {{std::to_string(flags.threads)}, "--threads"});
  LocalChoice choice = local_choice(settings, flags.directory);
  choice.options.index_top_k = flags.kept;
  const auto model = load_local(choice);
  const std::string& family = model->config().prompt_family;
  if (family != training::kPromptFamily)
    throw Exit(
        ExitCode::Usage,
        fmt::format("{}: its prompts are of the family '{}', but only a model of the built-in "
                    "domain, with '{}', can play; `elenchus train sft` makes one",
                    flags.directory, family, training::kPromptFamily));
  training::Player player(*model);
  try {
    use(player, *model);
  } catch (const model::Refused& error) {
    throw Exit(ExitCode::Usage, error.what());
  } catch (const DeviceLost& error) {
    throw Exit(ExitCode::Backend, error.what());
  }
}

}  // namespace apps
