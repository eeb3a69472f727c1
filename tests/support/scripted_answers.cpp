#include "tests/support/scripted_answers.h"

#include <algorithm>
#include <array>
#include <optional>
#include <variant>
#include <vector>

#include "prompts/verdict.h"
#include "tests/support/arithmetic_proof.h"
#include "tests/support/draws.h"
#include "tests/support/prompt_parts.h"
#include "text/words.h"

namespace support {

using prompts::Issue;
using prompts::Score;
using prompts::Severity;

namespace {

constexpr std::array<std::string_view, 6> kThoughts = {
    "Let me look at the statement again and see which quantities are given. ",
    "A small case first: with two or three terms the pattern can be counted by hand. ",
    "Perhaps induction helps, but a direct count seems shorter and easier to check. ",
    "The parity of both sides agrees, which is at least a sign of being on the right way. ",
    "I should check the boundary case separately, since the formula is used there too. ",
    "Now put the pieces in order and do each calculation once more. ",
};

constexpr std::array<std::string_view, 4> kFatalReasons = {
    "Recomputing this formula gives another result, and later steps rest on it.",
    "The calculation is false: the left side does not equal the right side.",
    "The stated number cannot be right, as doing the calculation shows.",
    "This equation does not hold, so the conclusion is not supported.",
};

constexpr std::array<std::string_view, 3> kMinorReasons = {
    "Nothing is calculated here; the claim needs a reason.",
    "The step says that something is plain without showing it.",
    "A justification is missing, though the claim may well be true.",
};

std::string_view pick(const auto& phrases, const Draws& draws, std::string_view purpose,
                      uint64_t index = 0) {
  return phrases[draws.below(phrases.size(), purpose, index)];
}

Score weight_named(const Issue& issue) {
  return issue.severity == Severity::Fatal ? Score::Zero : Score::Half;
}

// The score that follows from the worst issue.
Score score_for(const std::vector<Issue>& issues) {
  Score score = Score::One;
  for (const Issue& issue : issues) score = std::min(score, weight_named(issue));
  return score;
}

std::string filler(std::size_t tokens, const Draws& draws) {
  std::string text;
  tokens = std::min(tokens, kAnswerTokensMax);
  while (text.size() < tokens * kTokenBytes) text += pick(kThoughts, draws, "filler", text.size());
  if (text.ends_with(' ')) text.pop_back();
  return text;
}

std::string report_of(const std::vector<Issue>& issues, Score score) {
  std::string report;
  for (std::size_t i = 0; i < issues.size(); ++i) {
    report += "ISSUE " + std::to_string(i + 1) + " (" +
              std::string(prompts::to_text(issues[i].severity)) + ")\nQUOTE: " + issues[i].quote +
              "\nREASON: " + issues[i].reason + "\n\n";
  }
  if (issues.empty()) report += "NO ISSUES\n\n";
  return report + "VERDICT: " + std::string(prompts::to_text(score)) + "\n";
}

// What a reader with the rates of `rates` finds in the steps.
std::vector<Issue> issues_found(const std::vector<Step>& steps, const Draws& draws,
                                const ScriptedRates& rates) {
  std::vector<Issue> issues;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const StepKind kind = steps[i].kind;
    if (kind == StepKind::Right ? !draws.chance(rates.invent, "invent", i)
                                : draws.chance(rates.miss, "miss", i))
      continue;
    const bool minor = kind == StepKind::Vague;
    issues.push_back({minor ? Severity::Minor : Severity::Fatal, steps[i].line,
                      std::string(minor ? pick(kMinorReasons, draws, "reason", i)
                                        : pick(kFatalReasons, draws, "reason", i))});
  }
  return issues;
}

// A passage of a stranger's proof to find fault with: its longest line of at most kQuoteBytes that
// the grammar of the answer cannot mistake for a part of itself.
std::string quote_from(std::string_view proof) {
  constexpr std::size_t kQuoteBytes = 240;
  std::string_view best;
  for (std::string_view line : text::lines_of(proof)) {
    line = text::trim(line);
    const bool ours = line.starts_with("ISSUE") || line.starts_with("QUOTE") ||
                      line.starts_with("REASON") || line.find("VERDICT") != line.npos ||
                      line.starts_with("NO ISSUES") || line.starts_with('#');
    if (!ours && line.size() <= kQuoteBytes && line.size() > best.size()) best = line;
  }
  if (!best.empty()) return std::string(best);
  // Only long lines: the first sentence or so, cut at a blank so that no character is split.
  if (text::trim(proof).empty()) return "(nothing)";
  const std::string_view start = text::trim(proof).substr(0, kQuoteBytes);
  const std::string_view line = start.substr(0, start.find('\n'));
  return std::string(text::trim(line.substr(0, line.rfind(' '))));
}

// The same for every vote, whatever its seed.
Score true_score(std::string_view proof, const ScriptedRates& rates) {
  if (holds_false_formula(proof)) return Score::Zero;
  const double place = Draws(mixed(rates.world_seed, hash_of(proof))).unit("truth");
  if (place < rates.stranger_right) return Score::One;
  return place < rates.stranger_right + rates.stranger_minor ? Score::Half : Score::Zero;
}

std::string verify_stranger(std::string_view proof, const Draws& draws,
                            const ScriptedRates& rates) {
  Score score = true_score(proof, rates);
  if (draws.chance(rates.vote_error, "vote"))
    score = Score((int(score) + 1 + int(draws.below(2, "other"))) % 3);
  std::vector<Issue> issues;
  if (score != Score::One) {
    const bool minor = score == Score::Half;
    issues.push_back({minor ? Severity::Minor : Severity::Fatal, quote_from(proof),
                      std::string(minor ? pick(kMinorReasons, draws, "reason")
                                        : pick(kFatalReasons, draws, "reason"))});
  }
  return report_of(issues, score);
}

std::string verify(std::string_view proof, const Draws& draws, const ScriptedRates& rates) {
  const std::vector<Step> steps = read_steps(proof);
  std::string analysis = "I went through the argument from its beginning to its end.\n";
  if (const std::string more = filler(rates.answer_tokens, draws); !more.empty())
    analysis += more + "\n";
  if (steps.empty()) return analysis + "\n" + verify_stranger(proof, draws, rates);

  const std::vector<Issue> issues = issues_found(steps, draws, rates);
  analysis += "It has " + std::to_string(steps.size()) +
              " steps, and every one of them was calculated anew from what it starts with, "
              "before its result was compared with the one that the author gives.\n\n";
  return analysis + report_of(issues, score_for(issues));
}

// The score that a real issue justifies; nothing if it is not real.
std::optional<Score> weight_of(const Issue& issue, std::string_view proof,
                               const std::vector<Step>& steps, const ScriptedRates& rates) {
  if (steps.empty()) {
    const Score truth = true_score(proof, rates);
    return truth == Score::One ? std::nullopt : std::optional(truth);
  }
  for (const Step& step : steps)
    if (step.kind != StepKind::Right && step.line.find(issue.quote) != std::string::npos)
      return step.kind == StepKind::Wrong ? Score::Zero : Score::Half;
  return std::nullopt;  // nothing wrong there, or the passage does not occur
}

std::string meta_verify(std::string_view proof, std::string_view evaluation, const Draws& draws,
                        const ScriptedRates& rates) {
  const auto read = prompts::read_verification(evaluation);
  const auto* verification = std::get_if<prompts::Verification>(&read);
  const std::vector<Issue> issues = verification ? verification->issues : std::vector<Issue>{};
  const std::vector<Step> steps = read_steps(proof);

  std::string answer = "Each remark was held against the passage that it quotes.\n";
  if (const std::string more = filler(rates.answer_tokens, draws); !more.empty())
    answer += more + "\n";
  answer += "\n";
  std::size_t real = 0;
  Score justified = Score::One;
  for (std::size_t i = 0; i < issues.size(); ++i) {
    std::optional<Score> weight = weight_of(issues[i], proof, steps, rates);
    if (draws.chance(rates.meta_error, "meta", i))
      weight = weight ? std::nullopt : std::optional(weight_named(issues[i]));
    if (weight) {
      ++real;
      justified = std::min(justified, *weight);
    }
    answer += "ISSUE " + std::to_string(i + 1) + (weight ? ": real\n" : ": not real\n");
  }
  const bool consistent = verification && verification->score == justified;
  const bool flawless = consistent && real == issues.size();
  const Score score = flawless ? Score::One : real > 0 ? Score::Half : Score::Zero;
  answer += consistent ? "SCORE: consistent\n" : "SCORE: inconsistent\n";
  return answer + "VERDICT: " + std::string(prompts::to_text(score)) + "\n";
}

StepKind kind_of_new_step(std::size_t number, const Draws& draws, const ScriptedRates& rates) {
  if (draws.chance(rates.flaw, "flaw", number)) return StepKind::Wrong;
  return draws.chance(rates.vague, "vague", number) ? StepKind::Vague : StepKind::Right;
}

std::vector<Step> new_steps(const Draws& draws, const ScriptedRates& rates) {
  std::vector<Step> steps;
  const std::size_t count = std::clamp<std::size_t>(rates.steps, 1, kStepsMax);
  for (std::size_t number = 1; number <= count; ++number) {
    const StepKind kind = kind_of_new_step(number, draws, rates);
    steps.push_back({kind, write_step(number, kind, draws)});
  }
  return steps;
}

// The steps of the first candidate, those mended that an analysis of it quotes.
std::vector<Step> mended_steps(const PromptParts& parts, const Draws& draws,
                               const ScriptedRates& rates) {
  std::vector<Step> steps;
  std::string analyses;
  for (const PromptParts::Fenced& part : parts.fenced) {
    // A step of another candidate can only have the same line if it is the same step.
    if (part.label.find("analysis") != std::string::npos)
      analyses += part.text + "\n";
    else if (steps.empty())
      steps = read_steps(part.text);
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    Step& step = steps[i];
    if (step.kind != StepKind::Right && analyses.find(step.line) != std::string::npos &&
        draws.chance(rates.fix, "fix", i))
      step = {StepKind::Right, write_step(i + 1, StepKind::Right, draws)};
    else if (step.kind == StepKind::Right && draws.chance(rates.slip, "slip", i))
      step = {StepKind::Wrong, write_step(i + 1, StepKind::Wrong, draws)};
  }
  return steps;
}

std::string generate(const PromptParts& parts, const Draws& draws, const ScriptedRates& rates) {
  std::vector<Step> steps;
  if (parts.task == PromptParts::Task::Refine) steps = mended_steps(parts, draws, rates);
  if (steps.empty()) steps = new_steps(draws, rates);

  std::string answer =
      "## Solution\n\nThe claim is proved by counting, and each step says what it uses.\n\n";
  for (const Step& step : steps) answer += step.line + "\n\n";
  if (const std::string more = filler(rates.answer_tokens, draws); !more.empty())
    answer += "Remark. " + more + "\n\n";
  answer += "These steps together cover every case, which completes the proof.\n\n";

  answer += "## Self Evaluation\n\nThis is what I think of my own work after reading it once.\n\n";
  std::vector<Issue> issues;
  if (!draws.chance(rates.boast, "boast")) issues = issues_found(steps, draws, rates);
  for (Issue& issue : issues) issue.reason = "I am not satisfied with this passage of mine.";
  return answer + report_of(issues, score_for(issues));
}

// Breaks the form of an answer in one of several ways that have been seen of real models.
std::string garbled(std::string answer, const Draws& draws) {
  const std::size_t verdict = answer.rfind("VERDICT:");
  const std::size_t third = answer.size() / 3;
  switch (draws.below(4, "garbling")) {
    case 0:
      return answer.substr(0, verdict);
    case 1:
      return answer + "\nVERDICT: 0\nVERDICT: 1\n";
    case 2:
      return answer.substr(0, verdict) + "VERDICT: 0.7\n";
    default:
      break;
  }
  // At a line end, where no character is split; the first line is ours and ASCII.
  const std::size_t line_end = answer.rfind('\n', third);
  return answer.substr(0, line_end == std::string::npos ? third : line_end);
}

// The first `bytes` of a text, without a part of a character at the end.
void truncate(std::string& text, std::size_t bytes) {
  if (bytes >= text.size()) return;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  text.resize(bytes);
}

}  // namespace

Fit limit_tokens(ScriptedAnswer& answer, int64_t tokens_max) {
  const std::size_t bytes_max =
      std::size_t(std::clamp<int64_t>(tokens_max, 0, 1 << 30)) * kTokenBytes;
  if (answer.reasoning.size() + answer.content.size() <= bytes_max) return Fit::Whole;
  truncate(answer.reasoning, bytes_max);
  truncate(answer.content, bytes_max - answer.reasoning.size());
  return Fit::CutShort;
}

ScriptedAnswer scripted_answer(std::string_view prompt, int64_t seed, const ScriptedRates& rates) {
  const PromptParts parts = read_prompt(prompt);
  uint64_t key = mixed(rates.world_seed, uint64_t(parts.task));
  for (const PromptParts::Fenced& part : parts.fenced) key = hash_of(part.text, key);
  const Draws draws(mixed(key, uint64_t(seed)));

  const auto text_of = [&](std::string_view label) -> std::string_view {
    const PromptParts::Fenced* part = parts.find(label);
    return part ? std::string_view(part->text) : std::string_view();
  };
  ScriptedAnswer answer;
  switch (parts.task) {
    case PromptParts::Task::Generate:
    case PromptParts::Task::Refine:
      answer.content = generate(parts, draws, rates);
      break;
    case PromptParts::Task::Verify:
      answer.content = verify(text_of("proof"), draws, rates);
      break;
    case PromptParts::Task::MetaVerify:
      answer.content = meta_verify(text_of("proof"), text_of("evaluation"), draws, rates);
      break;
  }
  if (draws.chance(rates.garble, "garble"))
    answer.content = garbled(std::move(answer.content), draws);
  answer.reasoning = filler(std::max<std::size_t>(rates.reasoning_tokens, 20), draws);
  return answer;
}

}  // namespace support
