#include "apps/train_attention.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "apps/output.h"
#include "apps/train_play.h"
#include "kernels/threads.h"
#include "training/engine_weights.h"
#include "training/reading.h"

namespace apps {
namespace {

using Json = nlohmann::ordered_json;
using training::Share;

constexpr std::string_view kAll = "all";
// Lessons of another seed than any run's are documents that no run has learnt from, except where a
// small level has few.
constexpr uint64_t kDocumentSeed = 0x5eed0fd0c5;

struct AttentionFlags {
  PlayFlags play{.levels = {1, 2}, .statements = 64, .temperature = 0.7};
  std::string split = "dev";
  std::vector<std::string> kept = {"16", "32", "64", "128", std::string(kAll)};
  int64_t documents = 256;
  int64_t longest = 1024;  // as recipes teach
  bool json = false;
};

// 0: all that a model can see.
int32_t kept_of(const std::string& text) {
  if (text == kAll) return 0;
  int32_t kept = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), kept);
  if (error != std::errc() || end != text.data() + text.size() || kept < 1)
    throw Exit(ExitCode::Usage,
               fmt::format("--kept {}: this is no number of tokens from 1 on, nor `all`", text));
  return kept;
}

// Of all roles, with several candidates too.
std::vector<training::Document> documents(const engine::LocalModel& model,
                                          const AttentionFlags& flags) {
  const auto templates =
      prompts::TemplateSet::from_directory(model.directory() / model.config().prompt_family);
  const training::DocumentWriter writer(templates, model.tokenizer(), model.chat());
  training::LessonPlan plan{
      .prove = 1,
      .verify = 1,
      .judge = 1,
      .refine = 1,
      .second_candidate = 0.5,
      .tokens_max = std::size_t(std::min(flags.longest, model.config().positions))};
  for (const theorems::Family family : families_of(flags.play)) {
    training::LessonPlan::FamilyShare share{.family = family, .first = {0, 0, 0, 0}};
    for (const int level : flags.play.levels)
      share.first[std::size_t(std::min<int>(level, int(share.first.size())) - 1)] = 1;
    share.last = share.first;
    plan.families.push_back(share);
  }
  const training::Lessons lessons(plan, writer, kDocumentSeed + uint64_t(flags.play.seed), {});
  std::vector<training::Document> drawn;
  for (int64_t i = 0; i < flags.documents; ++i)
    drawn.push_back(lessons.at(uint64_t(i), 1).document);
  return drawn;
}

class Measurement {
 public:
  explicit Measurement(const AttentionFlags& flags) : flags_(flags) {}

  void run() {
    for (const std::string& text : flags_.kept) measure(kept_of(text));
  }

 private:
  // Loaded anew for each: its caches are as large as what is kept.
  void measure(int32_t kept) {
    PlayFlags play_flags = flags_.play;
    play_flags.kept = kept == 0 ? kReadAll : kept;
    play(play_flags, [&](training::Player& player, engine::LocalModel& model) {
      print(kept, solved(player), reading(model, play_flags.kept));
    });
  }

  Share solved(training::Player& player) const {
    const auto plan =
        plan_of(flags_.play, flags_.split == "test" ? theorems::Split::Test : theorems::Split::Dev);
    Share all;
    for (const theorems::Family family : families_of(flags_.play))
      for (const int level : flags_.play.levels) {
        const auto statements = training::draw_statements(family, level, plan);
        const Share share =
            training::figures_of(training::attempt(player, statements, plan)).solved;
        all.hits += share.hits;
        all.of += share.of;
      }
    return all;
  }

  training::ReadingFigures reading(const engine::LocalModel& model, int32_t kept) {
    if (documents_.empty()) documents_ = documents(model, flags_);
    const training::ParameterTable table(model.config());
    const auto weights = training::read_weights(model.directory(), table);
    const int threads = flags_.play.threads > 0 ? flags_.play.threads : usable_cores();
    training::Arithmetic<float> arithmetic(best_instructions(), threads,
                                           training::Precision::Bfloat16);
    const auto most = int32_t(std::min<int64_t>(kept, model.config().positions));
    return training::measure_reading(model.config(), table, weights, documents_, most, arithmetic);
  }

  void print(int32_t kept, const Share& solved, const training::ReadingFigures& reading) {
    if (!flags_.json) {
      if (!text_begun_)
        fmt::print("{:>6}  {:<15} {:>10} {:>10} {:>10}\n", "kept", "solved %", "see more %",
                   "recall %", "loss");
      text_begun_ = true;
      fmt::print("{:>6}  {:<15} {:>10.1f} {:>10.1f} {:>10.4f}\n",
                 kept == 0 ? std::string(kAll) : std::to_string(kept),
                 fmt::format("{:5.1f} ({:.0f}-{:.0f})", 100 * solved.value(), 100 * solved.low(),
                             100 * solved.high()),
                 100 * reading.beyond, 100 * reading.recall, reading.loss);
      return;
    }
    const Json json = {{"kept", kept == 0 ? Json(kAll) : Json(kept)},
                       {"attempts",
                        {{"hits", solved.hits},
                         {"of", solved.of},
                         {"low", solved.low()},
                         {"high", solved.high()}}},
                       {"see_more", reading.beyond},
                       {"recall", reading.recall},
                       {"loss", reading.loss}};
    write_stdout(json.dump() + "\n");
  }

  const AttentionFlags& flags_;
  std::vector<training::Document> documents_;
  bool text_begun_ = false;
};

ExitCode measure(const AttentionFlags& flags) {
  for (const std::string& text : flags.kept) kept_of(text);  // before anything is loaded
  Measurement(flags).run();
  return ExitCode::Done;
}

}  // namespace

void add_train_attention(CLI::App& train, Invocation& invocation) {
  auto flags = std::make_shared<AttentionFlags>();
  CLI::App& command = add_command(
      train, "attention", "measure what reading fewer or more tokens does to a model of the domain",
      "elenchus train attention runs/mine/model --kept 16 64 all");
  add_play_options(command, flags->play);
  command.add_option("--split", flags->split, "of the statements: dev or test [dev]")
      ->check(CLI::IsMember({"dev", "test"}));
  command
      .add_option("--kept", flags->kept,
                  "tokens that each token reads; `all`; may come several times [16 32 64 128 all]")
      ->take_all();
  command
      .add_option("--documents", flags->documents,
                  "of all roles, on which recall and loss are measured [256]")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 16));
  command
      .add_option(
          "--longest", flags->longest,
          "tokens of a document at most; a model taught shorter ones fails at longer [1024]")
      ->check(CLI::Range(int64_t(256), int64_t(1) << 20));
  command.add_flag("--json", flags->json, "one JSON line for each number of tokens");
  command.callback([flags, &invocation] { invocation.run = [flags] { return measure(*flags); }; });
}

}  // namespace apps
