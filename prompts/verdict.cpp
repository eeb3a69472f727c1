#include "prompts/verdict.h"

#include <algorithm>
#include <utility>

#include "prompts/answer_lines.h"
#include "text/utf8.h"
#include "text/words.h"

namespace prompts {
namespace {

constexpr std::string_view kOpened = "<think>";
constexpr std::string_view kClosed = "</think>";
constexpr std::string_view kSolutionHeading = "## Solution";
constexpr std::string_view kEvaluationHeading = "## Self Evaluation";

// What no answer may be, whatever its form.
std::optional<Unparsed> unreadable(std::string_view answer) {
  if (answer.size() > kAnswerBytesMax) return Unparsed{"longer than an answer may be"};
  if (text::find_invalid_utf8(answer)) return Unparsed{"not UTF-8"};
  if (text::trim(answer).empty()) return Unparsed{"empty"};
  if (text::trim(answer).starts_with(kOpened)) return Unparsed{"reasoning was not parted"};
  return std::nullopt;
}

std::string numbered(std::string_view what, std::size_t number) {
  return std::string(what) + " " + std::to_string(number);
}

// Reads a verification line by line. Every function returns what is wrong, or nothing.
class VerificationReader {
 public:
  using Fault = std::optional<Unparsed>;

  Fault take(const AnswerLine& line) {
    if (line.kind == LineKind::Blank) {
      if (open_text_) open_text_->append("\n");
      return std::nullopt;
    }
    if (verdict_seen_)
      return Unparsed{line.kind == LineKind::Verdict ? "two verdict lines"
                                                     : "text behind the verdict line"};
    switch (line.kind) {
      case LineKind::Issue:
        return take_issue(line);
      case LineKind::Quote:
        return take_quote(line);
      case LineKind::Reason:
        return take_reason(line);
      case LineKind::NoIssues:
        if (no_issues_) return Unparsed{"NO ISSUES twice"};
        if (!read_.issues.empty()) return Unparsed{"issues and NO ISSUES"};
        no_issues_ = true;
        return std::nullopt;
      case LineKind::Verdict:
        verdict_seen_ = true;
        read_.score = line.score;
        return finish_issue();
      case LineKind::Text:
        return take_text(line);
      default:
        return Unparsed{"a line that only resembles the form"};
    }
  }

  std::variant<Verification, Unparsed> result() && {
    if (!verdict_seen_) return Unparsed{"no verdict line at the end"};
    if (read_.issues.empty() && !no_issues_) return Unparsed{"neither issues nor NO ISSUES"};
    const auto fatal = std::count_if(read_.issues.begin(), read_.issues.end(),
                                     [](const Issue& i) { return i.severity == Severity::Fatal; });
    if (read_.score == Score::Zero && fatal == 0)
      return Unparsed{"contradiction: score 0 without a fatal issue"};
    if (read_.score != Score::Zero && fatal > 0)
      return Unparsed{"contradiction: a fatal issue and score " +
                      std::string(to_text(read_.score))};
    if (read_.score == Score::Half && read_.issues.empty())
      return Unparsed{"contradiction: score 0.5 without an issue"};
    return std::move(read_);
  }

 private:
  Fault take_issue(const AnswerLine& line) {
    if (no_issues_) return Unparsed{"issues and NO ISSUES"};
    if (Fault fault = finish_issue()) return fault;
    if (line.number != read_.issues.size() + 1)
      return Unparsed{
          numbered("issues are not numbered in order: expected", read_.issues.size() + 1)};
    if (read_.issues.size() == kIssuesMax) return Unparsed{"too many issues"};
    read_.issues.push_back({.severity = line.severity, .quote = {}, .reason = {}});
    quote_seen_ = reason_seen_ = false;
    return std::nullopt;
  }

  Fault take_quote(const AnswerLine& line) {
    if (read_.issues.empty()) return Unparsed{"QUOTE outside an issue"};
    if (quote_seen_) return Unparsed{numbered("two quotes in issue", read_.issues.size())};
    quote_seen_ = true;
    open_text_ = &read_.issues.back().quote;
    open_text_->append(line.rest);
    return std::nullopt;
  }

  Fault take_reason(const AnswerLine& line) {
    if (read_.issues.empty() || !quote_seen_) return Unparsed{"REASON without QUOTE"};
    if (reason_seen_) return Unparsed{numbered("two reasons in issue", read_.issues.size())};
    reason_seen_ = true;
    open_text_ = &read_.issues.back().reason;
    open_text_->append(line.rest);
    return std::nullopt;
  }

  Fault take_text(const AnswerLine& line) {
    if (no_issues_) return Unparsed{"text behind NO ISSUES"};
    if (read_.issues.empty()) return std::nullopt;  // analysis
    if (!open_text_) return Unparsed{numbered("no QUOTE in issue", read_.issues.size())};
    open_text_->append("\n").append(line.rest);
    return std::nullopt;
  }

  Fault finish_issue() {
    open_text_ = nullptr;
    if (read_.issues.empty()) return std::nullopt;
    Issue& issue = read_.issues.back();
    issue.quote = text::trim(std::string(issue.quote));
    issue.reason = text::trim(std::string(issue.reason));
    if (issue.quote.empty()) return Unparsed{numbered("no quote in issue", read_.issues.size())};
    if (issue.reason.empty()) return Unparsed{numbered("no reason in issue", read_.issues.size())};
    return std::nullopt;
  }

  Verification read_;
  std::string* open_text_ = nullptr;  // the quote or reason that a line of text continues
  bool quote_seen_ = false;
  bool reason_seen_ = false;
  bool no_issues_ = false;
  bool verdict_seen_ = false;
};

// As above, for meta-verifications of `issues` issues.
class MetaReader {
 public:
  explicit MetaReader(std::size_t issues) : issues_(issues) {}

  std::optional<Unparsed> take(const AnswerLine& line) {
    if (line.kind == LineKind::Blank) return std::nullopt;
    if (verdict_seen_)
      return Unparsed{line.kind == LineKind::Verdict ? "two verdict lines"
                                                     : "text behind the verdict line"};
    switch (line.kind) {
      case LineKind::Text:
        return std::nullopt;
      case LineKind::Judged:
        if (consistency_seen_) return Unparsed{"an issue behind the SCORE line"};
        if (line.number != read_.real.size() + 1 || line.number > issues_)
          return Unparsed{"the issues are not judged one by one, in order"};
        read_.real.push_back(line.real);
        return std::nullopt;
      case LineKind::Consistency:
        if (consistency_seen_) return Unparsed{"two SCORE lines"};
        consistency_seen_ = true;
        read_.consistent = line.consistent;
        return std::nullopt;
      case LineKind::Verdict:
        verdict_seen_ = true;
        read_.score = line.score;
        return std::nullopt;
      default:
        return Unparsed{"a line that only resembles the form"};
    }
  }

  std::variant<MetaVerification, Unparsed> result() && {
    if (!verdict_seen_) return Unparsed{"no verdict line at the end"};
    if (!consistency_seen_) return Unparsed{"no SCORE line"};
    if (read_.real.size() != issues_) return Unparsed{"not every issue is judged"};
    const bool flawless = read_.consistent && std::find(read_.real.begin(), read_.real.end(),
                                                        false) == read_.real.end();
    if (read_.score == Score::One && !flawless)
      return Unparsed{"contradiction: score 1 for a faulty evaluation"};
    if (read_.score == Score::Zero && flawless)
      return Unparsed{"contradiction: score 0 for a faultless evaluation"};
    return std::move(read_);
  }

 private:
  std::size_t issues_;
  MetaVerification read_;
  bool consistency_seen_ = false;
  bool verdict_seen_ = false;
};

template <class Result, class Reader>
std::variant<Result, Unparsed> read_lines(std::string_view answer, Reader reader) {
  if (auto fault = unreadable(answer)) return *fault;
  AnswerLines lines(answer);
  while (const auto line = lines.next())
    if (auto fault = reader.take(read_line(*line))) return *fault;
  return std::move(reader).result();
}

}  // namespace

std::string_view to_text(Score score) {
  switch (score) {
    case Score::Zero:
      return "0";
    case Score::Half:
      return "0.5";
    default:
      return "1";
  }
}

std::optional<Score> score_of(std::string_view text) {
  if (text == "0") return Score::Zero;
  if (text == "0.5") return Score::Half;
  if (text == "1") return Score::One;
  return std::nullopt;
}

int halves(Score score) { return static_cast<int>(score); }

std::string_view to_text(Severity severity) {
  return severity == Severity::Fatal ? "fatal" : "minor";
}

std::variant<Verification, Unparsed> read_verification(std::string_view answer) {
  return read_lines<Verification>(answer, VerificationReader());
}

std::variant<MetaVerification, Unparsed> read_meta_verification(std::string_view answer,
                                                                std::size_t issues) {
  return read_lines<MetaVerification>(answer, MetaReader(issues));
}

std::variant<Generation, Unparsed> read_generation(std::string_view answer) {
  if (auto fault = unreadable(answer)) return *fault;

  std::optional<std::size_t> proof_begin;
  std::optional<std::size_t> proof_end;
  std::size_t evaluation_begin = 0;
  AnswerLines lines(answer);
  while (const auto line = lines.next()) {
    const auto begin = static_cast<std::size_t>(line->data() - answer.data());
    const std::size_t last = line->find_last_not_of(" \t");
    const std::string_view bare = line->substr(0, last == std::string_view::npos ? 0 : last + 1);
    if (bare == kSolutionHeading) {
      if (proof_begin) return Unparsed{"two Solution headings"};
      proof_begin = begin + line->size();
    } else if (bare == kEvaluationHeading) {
      if (!proof_begin) return Unparsed{"Self Evaluation before Solution"};
      if (proof_end) return Unparsed{"two Self Evaluation headings"};
      proof_end = begin;
      evaluation_begin = begin + line->size();
    }
  }
  if (!proof_begin) return Unparsed{"no Solution heading"};
  if (!proof_end) return Unparsed{"no Self Evaluation heading"};

  Generation read;
  read.proof = text::trim(answer.substr(*proof_begin, *proof_end - *proof_begin));
  read.self_evaluation = text::trim(answer.substr(evaluation_begin));
  if (read.proof.empty()) return Unparsed{"empty proof"};
  const auto evaluation = read_verification(read.self_evaluation);
  if (const auto* fault = std::get_if<Unparsed>(&evaluation))
    return Unparsed{"self evaluation: " + fault->reason};
  read.self_score = std::get<Verification>(evaluation).score;
  return read;
}

VerdictLine verdict_line() {
  VerdictLine line{.opener = std::string(kVerdictOpener), .scores = {}};
  for (const Score score : {Score::Zero, Score::Half, Score::One})
    line.scores.emplace_back(to_text(score));
  return line;
}

SplitAnswer split_reasoning(std::string_view text) {
  std::string_view reasoning;
  std::string_view content = text;
  if (const std::size_t closed = text.rfind(kClosed); closed != std::string_view::npos) {
    reasoning = text.substr(0, closed);
    content = text.substr(closed + kClosed.size());
  }
  if (content.find(kOpened) != std::string_view::npos) {
    reasoning = text;
    content = {};
  }
  reasoning = text::trim(reasoning);
  if (reasoning.starts_with(kOpened)) reasoning.remove_prefix(kOpened.size());
  return {std::string(text::trim(reasoning)), std::string(text::trim(content))};
}

std::variant<Score, Unparsed> read_legacy_score(std::string_view answer) {
  if (auto fault = unreadable(answer)) return *fault;
  std::size_t phrase = 0;
  for (const std::string_view closing :
       {"Based on my evaluation, the final overall score should be:",
        "Based on my evaluation, the final overal score should be:"})
    if (const std::size_t at = answer.rfind(closing); at != std::string_view::npos)
      phrase = std::max(phrase, at + closing.size());
  if (phrase == 0) return Unparsed{"no closing phrase"};

  constexpr std::string_view opening = "\\boxed{";
  std::string_view rest = answer.substr(phrase);
  std::optional<Score> score;
  for (std::size_t at = rest.find(opening); at != std::string_view::npos; at = rest.find(opening)) {
    rest.remove_prefix(at + opening.size());
    const std::size_t end = rest.find_first_of("{}");  // a score has no braces of its own
    if (end == std::string_view::npos || rest[end] == '{')
      return Unparsed{"not a score in the box"};
    const std::optional<Score> boxed = score_of(text::trim(rest.substr(0, end)));
    if (!boxed) return Unparsed{"not a score in the box"};
    if (score && *score != *boxed) return Unparsed{"two different boxes"};
    score = boxed;
  }
  if (!score) return Unparsed{"no box behind the closing phrase"};
  return *score;
}

}  // namespace prompts
