#include "training/tasks.h"

#include <numeric>
#include <stdexcept>
#include <utility>

#include "prompts/verdict.h"

namespace training {
namespace {

using theorems::Random;

constexpr int kDrawsMax = 1000;

std::size_t choose(std::span<const double> shares, Random& random) {
  const double total = std::accumulate(shares.begin(), shares.end(), 0.0);
  double left = double(random.next() >> 11) * 0x1p-53 * total;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    left -= shares[i];
    if (left < 0) return i;
  }
  return shares.size() - 1;
}

// What the pipeline shows: a proof without blanks behind it.
std::string shown(std::string proof) {
  while (!proof.empty() && (proof.back() == '\n' || proof.back() == ' ')) proof.pop_back();
  return proof;
}

}  // namespace

TaskSource::TaskSource(TaskPlan plan, const DocumentWriter& writer)
    : plan_(std::move(plan)), writer_(writer) {
  if (plan_.families.empty()) throw std::invalid_argument("a task plan names no family");
}

theorems::Statement TaskSource::statement(Random& random) const {
  std::vector<double> shares;
  for (const auto& family : plan_.families) shares.push_back(family.share);
  const auto& family = plan_.families[choose(shares, random)];
  const int level = int(choose(family.last, random)) + 1;
  return theorems::sample(family.family, level, theorems::Split::Train, random);
}

std::string TaskSource::invented_proof(const theorems::Statement& statement, bool sound,
                                       Random& random) const {
  const theorems::FamilyRules& rules = theorems::rules_of(statement.family);
  const auto proof = rules.prove(statement.text, random);
  if (!proof) throw std::logic_error("a sampled statement has no proof: " + statement.text);
  std::string text = shown(to_text(*proof));
  for (int draw = 0; !sound && draw < kDrawsMax; ++draw) {
    text = shown(to_text(rules.spoil(statement.text, *proof, random).proof));
    if (theorems::check(statement, text).halves < 2) break;
  }
  return text;
}

std::string TaskSource::invented_evaluation(const theorems::Statement& statement,
                                            const std::string& proof, Random& random) const {
  const Judged known = judged(statement, proof);
  std::string evaluation =
      random.chance(0.5) ? evaluation_of(known) : spoilt_evaluation(known, random);
  const auto read = prompts::read_verification(evaluation);
  return std::holds_alternative<prompts::Verification>(read) ? evaluation : evaluation_of(known);
}

Task TaskSource::invented(Role role, Random& random) const {
  Task task{.role = role, .statement = statement(random)};
  if (role == Role::Prove) return task;
  const double sound = role == Role::Refine ? plan_.kept : plan_.sound;
  task.proof = invented_proof(task.statement, random.chance(sound), random);
  if (role != Role::Verify)
    task.evaluation = invented_evaluation(task.statement, task.proof, random);
  return task;
}

model::Tokens TaskSource::prompt(const Task& task) const {
  const std::string& problem = task.statement.text;
  switch (task.role) {
    case Role::Verify:
      return writer_.prompt("verify", {{"problem", problem}, {"proof", task.proof}});
    case Role::Judge:
      return writer_.prompt(
          "meta_verify",
          {{"problem", problem}, {"proof", task.proof}, {"evaluation", task.evaluation}});
    case Role::Refine:
      return writer_.prompt("refine", {{"candidate.1.proof", task.proof},
                                       {"candidate.1.analysis.1", task.evaluation},
                                       {"problem", problem}});
    case Role::Prove:
      break;
  }
  return writer_.prompt("generate", {{"problem", problem}});
}

}  // namespace training
