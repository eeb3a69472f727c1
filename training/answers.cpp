#include "training/answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace training {
namespace {

using theorems::Defect;
using theorems::LineReport;
using theorems::Status;

bool is_flaw(const LineReport& line) {
  return line.status == Status::Wrong || line.status == Status::Gap;
}
bool is_fatal(const LineReport& line) { return line.status == Status::Wrong && line.needed; }

// One line of the proof as the evaluation treats it.
struct Clause {
  std::string line;  // as it stands in the proof
  std::string working;
  std::string verdict;  // "ok", "depends 1 3"
  std::string repair;
  std::optional<prompts::Severity> issue = {};
  std::string reason = {};
};

std::string verdict_of(const LineReport& line) {
  std::string verdict(to_text(line.status));
  for (const int ref : line.because) verdict += " " + std::to_string(ref);
  return verdict;
}

std::string reason_of(const LineReport& line) {
  const std::string defect(to_text(line.defect));
  return line.remedy.empty() ? defect : defect + ": " + line.remedy;
}

std::vector<Clause> clauses_of(const Judged& proof) {
  std::vector<Clause> clauses;
  const auto read = theorems::read_proof(proof.proof);
  const auto& lines = std::get<theorems::Proof>(read).lines;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const LineReport& report = proof.report.lines[i];
    Clause clause{lines[i].text, report.working, verdict_of(report), report.repair};
    if (is_flaw(report)) {
      clause.issue = is_fatal(report) ? prompts::Severity::Fatal : prompts::Severity::Minor;
      clause.reason = reason_of(report);
    }
    clauses.push_back(std::move(clause));
  }
  return clauses;
}

std::string clause_text(std::size_t number, const Clause& clause) {
  std::string text = fmt::format("{}: {} {}", number, clause.working, clause.verdict);
  if (!clause.repair.empty()) text += " -> " + clause.repair;
  return text + "\n";
}

std::string text_of(const std::vector<Clause>& clauses) {
  std::string text, issues;
  int count = 0;
  bool fatal = false;
  for (std::size_t i = 0; i < clauses.size(); ++i) {
    const Clause& clause = clauses[i];
    text += clause_text(i + 1, clause);
    if (!clause.issue) continue;
    fatal = fatal || *clause.issue == prompts::Severity::Fatal;
    issues += fmt::format("ISSUE {} ({})\nQUOTE: {}\nREASON: {}\n", ++count, to_text(*clause.issue),
                          clause.line, clause.reason);
  }
  if (count == 0) issues = "NO ISSUES\n";
  return text + issues + fmt::format("VERDICT: {}", fatal ? "0" : count > 0 ? "0.5" : "1");
}

// What cannot be read is quoted where it fails.
std::string unreadable_evaluation(const Judged& proof) {
  std::string_view rest = proof.proof;
  std::string quote;
  const auto read = theorems::read_proof(proof.proof);
  const auto* unreadable = std::get_if<theorems::Unreadable>(&read);
  for (int line = 1; !rest.empty(); ++line) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view text = rest.substr(0, end);
    if (text.find_first_not_of(" \t\r") != std::string_view::npos) quote = text;
    if (unreadable && line >= unreadable->line && !quote.empty()) break;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return fmt::format("unreadable\nISSUE 1 (fatal)\nQUOTE: {}\nREASON: unreadable\nVERDICT: 0",
                     quote);
}

// A digit of the calculation that is another one.
std::string with_a_slip(std::string working, theorems::Random& random) {
  std::vector<std::size_t> digits;
  for (std::size_t i = 0; i < working.size(); ++i)
    if (working[i] >= '0' && working[i] <= '9') digits.push_back(i);
  if (digits.empty()) return working;
  char& digit = working[random.pick(digits)];
  digit = char('0' + (digit - '0' + random.between(1, 9)) % 10);
  return working;
}

void invent_issue(std::vector<Clause>& clauses, theorems::Random& random) {
  std::vector<Clause*> sound;
  for (Clause& clause : clauses)
    if (!clause.issue) sound.push_back(&clause);
  if (sound.empty()) return;
  Clause& clause = *random.pick(sound);
  const bool fatal = random.chance(0.7);
  if (random.chance(0.5)) clause.working = with_a_slip(clause.working, random);
  clause.verdict = fatal ? "wrong" : "gap";
  clause.issue = fatal ? prompts::Severity::Fatal : prompts::Severity::Minor;
  clause.reason = to_text(fatal ? Defect::Value : Defect::Slip);
}

void pass_over_issue(std::vector<Clause>& clauses, theorems::Random& random) {
  std::vector<Clause*> flawed;
  for (Clause& clause : clauses)
    if (clause.issue) flawed.push_back(&clause);
  if (flawed.empty()) return;
  Clause& clause = *random.pick(flawed);
  clause.issue.reset();
  clause.verdict = "ok";
  clause.repair.clear();
}

void weigh_wrongly(std::vector<Clause>& clauses, theorems::Random& random) {
  std::vector<Clause*> flawed;
  for (Clause& clause : clauses)
    if (clause.issue) flawed.push_back(&clause);
  if (flawed.empty()) return;
  Clause& clause = *random.pick(flawed);
  const bool fatal = *clause.issue == prompts::Severity::Fatal;
  clause.issue = fatal ? prompts::Severity::Minor : prompts::Severity::Fatal;
  clause.verdict = fatal ? "gap" : "wrong";
}

// The line that an issue quotes; nothing if it quotes none.
std::optional<std::size_t> quoted_line(const std::vector<theorems::Line>& lines,
                                       const prompts::Issue& issue) {
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (lines[i].text == issue.quote) return i;
  return std::nullopt;
}

}  // namespace

Judged judged(theorems::Statement statement, std::string proof) {
  theorems::Report report = theorems::check(statement, proof);
  return {std::move(statement), std::move(proof), std::move(report)};
}

std::string evaluation_of(const Judged& proof) {
  if (!proof.report.unreadable.empty()) return unreadable_evaluation(proof);
  return text_of(clauses_of(proof));
}

std::string solution_heading() { return "## Solution\n"; }
std::string self_evaluation_heading() { return "## Self Evaluation\n"; }

std::string spoilt_evaluation(const Judged& proof, theorems::Random& random) {
  if (!proof.report.unreadable.empty()) return unreadable_evaluation(proof);
  std::vector<Clause> clauses = clauses_of(proof);
  const bool flawed =
      std::ranges::any_of(clauses, [](const Clause& c) { return c.issue.has_value(); });
  const int64_t way = random.below(100);
  if (!flawed || way < 50) invent_issue(clauses, random);
  if (flawed && way >= 40 && way < 70) pass_over_issue(clauses, random);
  if (flawed && way >= 70) weigh_wrongly(clauses, random);
  return text_of(clauses);
}

std::string judgement_of(const Judged& proof, const prompts::Verification& evaluation) {
  const auto read = theorems::read_proof(proof.proof);
  const auto* lines = std::get_if<theorems::Proof>(&read);
  std::string text;
  std::size_t real = 0;
  bool fatal = false;
  for (std::size_t i = 0; i < evaluation.issues.size(); ++i) {
    const auto at = lines ? quoted_line(lines->lines, evaluation.issues[i]) : std::nullopt;
    bool is_real = !lines;  // of an unreadable proof
    fatal = fatal || !lines;
    if (at) {
      const LineReport& report = proof.report.lines[*at];
      text += clause_text(*at + 1, {{}, report.working, verdict_of(report), {}});
      is_real = is_flaw(report);
      fatal = fatal || is_fatal(report);
    } else {
      text += lines ? "none\n" : "unreadable\n";
    }
    real += is_real ? 1 : 0;
    text += fmt::format("ISSUE {}: {}\n", i + 1, is_real ? "real" : "not real");
  }
  const prompts::Score follows = fatal      ? prompts::Score::Zero
                                 : real > 0 ? prompts::Score::Half
                                            : prompts::Score::One;
  const bool consistent = follows == evaluation.score;
  const bool all = real == evaluation.issues.size();
  const std::string_view verdict = all && consistent ? "1" : real > 0 || all ? "0.5" : "0";
  return text +
         fmt::format("SCORE: {}\nVERDICT: {}", consistent ? "consistent" : "inconsistent", verdict);
}

}  // namespace training
