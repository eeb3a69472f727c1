// The checks that read texts: the proof, and each report on it.

#include <variant>

#include "audit/check_steps.h"
#include "prompts/gate_checks.h"
#include "prompts/gates.h"
#include "prompts/quotes.h"
#include "prompts/verdict.h"
#include "text/utf8.h"
#include "text/words.h"

namespace audit {
namespace {

constexpr std::size_t kShownBytes = 80;

std::string shown(std::string_view text) {
  std::string line = text::repair_utf8(text.substr(0, kShownBytes));
  for (char& c : line)
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  return "\"" + line + (text.size() > kShownBytes ? "...\"" : "\"");
}

void check_quotes(Findings& findings, std::size_t index, const std::vector<TraceIssue>& issues) {
  for (const TraceIssue& issue : issues)
    if (!text::trim(issue.quote).empty() && !prompts::find_quote(findings.trace.proof, issue.quote))
      findings.add_vote(FindingKind::QuoteNotInProof, index,
                        "the proof does not say " + shown(issue.quote));
}

// The grammar of prompts/verdict.h: 1 has no fatal issue, 0.5 only minor ones and at least one, 0
// at least one fatal one.
void check_issues(Findings& findings, std::size_t index, const TraceVote& vote) {
  bool fatal = false;
  for (const TraceIssue& issue : *vote.issues) fatal |= issue.severity == "fatal";
  const double score = *vote.fraction;
  std::string sentence;
  if (score == 1 && fatal)
    sentence = "the score is 1, but an issue is fatal";
  else if (score < 1 && vote.issues->empty())
    sentence = "the score is " + vote.score + ", but no issue is listed";
  else if (score == 0 && !fatal)
    sentence = "the score is 0, but no issue is fatal";
  else if (score > 0 && score < 1 && fatal)
    sentence = "the score is " + vote.score + ", but an issue is fatal";
  if (!sentence.empty())
    findings.add_vote(FindingKind::ScoreNotOfIssues, index, std::move(sentence));
}

// The stored score against the one that the report itself ends with. A pool's reports are read by
// its own program with more lenience, so there only a different score is held against them.
void check_score(Findings& findings, std::size_t index, const TraceVote& vote) {
  const Origin origin = findings.trace.origin;
  if (text::trim(vote.text).empty()) return;
  std::optional<prompts::Score> said;
  if (origin == Origin::Elenchus) {
    const auto read = prompts::read_verification(vote.text);
    if (const auto* verification = std::get_if<prompts::Verification>(&read))
      said = verification->score;
  } else if (origin == Origin::DeepSeekPool) {
    const auto read = prompts::read_legacy_score(vote.text);
    if (const auto* score = std::get_if<prompts::Score>(&read)) said = *score;
    if (!said) return;
  } else {
    return;
  }
  if (!said)
    findings.add_vote(FindingKind::ScoreNotInText, index,
                      "the score is " + vote.score + ", but the report has no verdict that counts");
  else if (prompts::halves(*said) != 2 * *vote.fraction)
    findings.add_vote(FindingKind::ScoreNotInText, index,
                      "the score is " + vote.score + ", but the report says " +
                          std::string(prompts::to_text(*said)));
}

}  // namespace

void check_proof(Findings& findings) {
  const Trace& trace = findings.trace;
  for (const prompts::Flag& flag : prompts::inspect_proof(trace.proof, trace.problem)) {
    switch (flag.kind) {
      case prompts::FlagKind::Empty:
        findings.add(FindingKind::EmptyProof,
                     "there is no proof, only " + std::to_string(trace.proof.size()) + " bytes");
        break;
      case prompts::FlagKind::Truncated:
        if (!trace.proof_truncated)
          findings.add(FindingKind::TruncatedProof,
                       "the proof seems to be cut off: " + shown(flag.detail), Severity::Doubt);
        break;
      case prompts::FlagKind::AddressesGrader:
        findings.add(FindingKind::AddressesGrader,
                     "the proof speaks to its grader: " + shown(flag.detail), Severity::Doubt);
        break;
      case prompts::FlagKind::HiddenCharacters:
        findings.add(FindingKind::HiddenCharacters,
                     "the proof holds characters that no reader sees, from byte " +
                         std::to_string(flag.offset + 1) + " on");
        break;
      default:
        break;  // matters for whoever asks a model, not for what became of the answer
    }
  }
  if (trace.proof_truncated)
    findings.add(FindingKind::TruncatedProof, "the answer that holds the proof was cut off");
}

void check_vote(Findings& findings, std::size_t index) {
  const Trace& trace = findings.trace;
  const TraceVote& vote = trace.votes[index];
  if (vote.truncated && vote.fraction)
    findings.add_vote(FindingKind::TruncatedVote, index,
                      "the report was cut off, and yet it has the score " + vote.score);
  else if (vote.truncated)
    findings.add_vote(FindingKind::TruncatedVote, index, "the report was cut off before its score",
                      Severity::Doubt);
  if (vote.issues) check_quotes(findings, index, *vote.issues);
  if (vote.fraction) {
    if (vote.issues) check_issues(findings, index, vote);
    check_score(findings, index, vote);
  }
  // Whoever recalculates a derivation writes what its author wrote who did the same.
  if (vote.standing == Standing::Counted && vote.fraction && !trace.self_evaluation.empty() &&
      !prompts::is_derivation(trace.proof) && prompts::is_echo(vote.text, trace.self_evaluation))
    findings.add_vote(FindingKind::EchoedSelfEvaluation, index,
                      "the report copies what the proof says of itself, and counts");
}

}  // namespace audit
