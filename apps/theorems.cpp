// elenchus theorems: problem sets of the built-in families, with exact proofs if asked for.
#include "theorems/theorem.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/command.h"
#include "apps/output.h"

namespace apps {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kProblemsMax = 1'000'000;
// Small families run out of statements at low levels; so often in a row may one come that is there.
constexpr int kRepeatsMax = 10'000;

struct TheoremsFlags {
  std::string family = "congruence";
  int level = 1;
  uint64_t seed = 1;
  int64_t count = 10;
  std::string split;
  bool proofs = false;
  bool tex = false;
  bool json = false;
};

std::vector<theorems::Family> families_of(const std::string& name) {
  std::vector<theorems::Family> families;
  for (const theorems::Family family : theorems::kFamilies)
    if (name == "all" || name == to_text(family)) families.push_back(family);
  return families;
}

theorems::Statement draw(theorems::Family family, const TheoremsFlags& flags,
                         theorems::Random& random) {
  using theorems::Split;
  if (flags.split.empty()) return {family, theorems::rules_of(family).sample(flags.level, random)};
  const Split split = flags.split == "train" ? Split::Train
                      : flags.split == "dev" ? Split::Dev
                                             : Split::Test;
  return theorems::sample(family, flags.level, split, random);
}

// Statements of which no two are the same but for spelling.
class Drawer {
 public:
  explicit Drawer(const TheoremsFlags& flags) : flags_(flags) {}

  theorems::Statement next(theorems::Family family, theorems::Random& random) {
    for (int draws = 0; draws < kRepeatsMax; ++draws) {
      theorems::Statement statement = draw(family, flags_, random);
      if (seen_.insert(theorems::rules_of(family).canonical(statement.text)).second)
        return statement;
    }
    throw Exit(
        ExitCode::Usage,
        fmt::format("-n {}: no further statement of the family {} and level {}{} is found "
                    "after {}; ask for fewer, or for a higher --level",
                    flags_.count, to_text(family), flags_.level,
                    flags_.split.empty() ? "" : " in the split " + flags_.split, seen_.size()));
  }

 private:
  const TheoremsFlags& flags_;
  std::set<std::string> seen_;
};

std::string proof_of(const theorems::Statement& statement, theorems::Random& random) {
  const auto proof = theorems::rules_of(statement.family).prove(statement.text, random);
  if (!proof) throw std::logic_error("a statement has no proof: " + statement.text);
  return theorems::to_text(*proof);
}

ExitCode write_theorems(const TheoremsFlags& flags) {
  const std::vector<theorems::Family> families = families_of(flags.family);
  Drawer drawer(flags);
  for (int64_t i = 0; i < flags.count; ++i) {
    const theorems::Family family = families[std::size_t(i) % families.size()];
    theorems::Random random(theorems::seed_of(flags.seed, uint64_t(i)));
    const theorems::Statement statement = drawer.next(family, random);
    const std::string problem =
        flags.tex ? theorems::rules_of(family).to_tex(statement.text) : statement.text;
    const std::string proof = flags.proofs ? proof_of(statement, random) : "";
    if (!flags.json) {
      write_stdout(problem + "\n" + (flags.proofs ? "\n" + proof + "\n" : ""));
      continue;
    }
    Json json{{"id", fmt::format("{}-{}-{}-{}", to_text(family), flags.level, flags.seed, i + 1)},
              {"problem", problem},
              {"family", to_text(family)},
              {"level", flags.level}};
    if (!flags.split.empty()) json["split"] = flags.split;
    if (flags.proofs) json["proof"] = proof;
    write_stdout(json.dump() + "\n");
  }
  return ExitCode::Done;
}

// Without a description of its own: the type's name lists the words for help and completion.
CLI::Validator one_of(const std::vector<std::string>& words) {
  CLI::Validator validator = CLI::IsMember(words);
  validator.description("");
  return validator;
}

}  // namespace

void add_theorems(CLI::App& app, Invocation& invocation) {
  auto flags = std::make_shared<TheoremsFlags>();
  CLI::App& command = add_command(
      app, "theorems", "write problems whose proofs `elenchus check` can judge exactly",
      "elenchus theorems --family congruence --level 3 --seed 1 -n 20 --json >problems.jsonl");
  command.add_option("--family", flags->family, "which kind of statement [congruence]")
      ->type_name("congruence|witness|divisibility|induction|deduction|all")
      ->check(one_of({"congruence", "witness", "divisibility", "induction", "deduction", "all"}));
  command.add_option("--level", flags->level, "how hard, 1 to 5 [1]")
      ->type_name("N")
      ->check(CLI::Range(1, theorems::kLevels));
  command.add_option("--seed", flags->seed, "the same seed writes the same problems [1]")
      ->type_name("N");
  command.add_option("-n,--count", flags->count, "how many, no two alike [10]")
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, kProblemsMax));
  command
      .add_option("--split", flags->split,
                  "only statements that training may see (train), or never sees (dev, test)")
      ->type_name("train|dev|test")
      ->check(one_of({"train", "dev", "test"}));
  command.add_flag("--proofs", flags->proofs, "with a proof of each");
  command.add_flag("--tex", flags->tex, "statements in TeX");
  command.add_flag("--json", flags->json,
                   "JSON Lines on stdout: a problem file for `elenchus solve`");
  command.callback(
      [flags, &invocation] { invocation.run = [flags] { return write_theorems(*flags); }; });
}

}  // namespace apps
