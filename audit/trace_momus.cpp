#include <filesystem>
#include <map>
#include <stdexcept>

#include "audit/trace_readers.h"
#include "formats/mapping.h"
#include "text/words.h"

// One line a call: {"role", "step_name", "request": {"prompt" or "question_prompt",
// "generation_config": {"max_tokens"}}, "success", "response": {"text", "usage": {...}}}.

namespace audit {
namespace {

using formats::FormatError;
using formats::Record;

constexpr std::string_view kProblemMark = "**1. The Problem:**";
constexpr std::string_view kSolutionMark = "**2. The Solution:**";
constexpr std::string_view kMaterialsMark = "**3. Additional Materials:**";

// Unlike a FormatError of one record, this ends the reading.
class LimitReached : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The call's answer, or why there is none.
std::string answer_of(const Record& record) {
  const formats::Value* success = record.find("success");
  if (success && success->text == "false") {
    const std::string error = text_field(record, "error");
    throw FormatError("the call failed" + (error.empty() ? "" : ": " + error.substr(0, 200)));
  }
  const auto text = formats::value_of(record, "response.text");
  if (!text || text->kind != formats::Kind::String)
    throw FormatError("the call has no answer (response.text)");
  return text->text;
}

// Whether the answer was cut: its server says so, or it used all tokens that it was allowed.
bool was_cut(const Record& record) {
  for (const std::string_view path :
       {"response.finish_reason", "response.finishReason", "finish_reason"}) {
    const std::string reason = text::lower_ascii(text_field(record, path));
    if (reason == "length" || reason == "max_tokens") return true;
  }
  auto limit = number_field(record, "request.generation_config.max_tokens");
  if (!limit) limit = number_field(record, "request.generation_config.maxOutputTokens");
  const auto used = number_field(record, "response.usage.candidatesTokenCount");
  const auto thought = number_field(record, "response.usage.thoughtsTokenCount");
  return limit && used && *limit > 0 && *used + thought.value_or(0) >= *limit;
}

struct GraderPrompt {
  std::string problem, solution;
};

// The last two marks and the first one: a solution may quote the headings of its own prompt, and
// what stands before the solution is not its author's.
GraderPrompt read_grader_prompt(std::string_view prompt) {
  const std::size_t solution = prompt.find(kSolutionMark);
  const std::size_t materials = prompt.rfind(kMaterialsMark);
  if (solution == std::string_view::npos || materials == std::string_view::npos ||
      materials < solution + kSolutionMark.size())
    throw FormatError("a grader's prompt without \"" + std::string(kSolutionMark) + "\" and \"" +
                      std::string(kMaterialsMark) + "\" behind it");
  std::string_view problem = prompt.substr(0, solution);
  if (const std::size_t mark = problem.find(kProblemMark); mark != std::string_view::npos)
    problem.remove_prefix(mark + kProblemMark.size());
  const std::size_t begin = solution + kSolutionMark.size();
  return {std::string(text::trim(problem)),
          std::string(text::trim(prompt.substr(begin, materials - begin)))};
}

// The traces of a log, by the text of the proof.
class Log {
 public:
  explicit Log(Traces& traces) : traces_(traces) {}

  Trace& trace_of(const std::string& proof, const Record& record) {
    const auto [at, fresh] = by_proof_.emplace(proof, traces_.traces.size());
    if (fresh) {
      if (traces_.traces.size() == kLogProofsMax)
        throw LimitReached("more than " + std::to_string(kLogProofsMax) + " proofs");
      Trace trace;
      trace.origin = Origin::Momus;
      trace.id = std::filesystem::path(record.place.file).stem().string() + "#" +
                 std::to_string(traces_.traces.size() + 1);
      trace.place = record.place;
      trace.proof = proof;
      trace.votes_in_order = true;
      traces_.traces.push_back(std::move(trace));
    }
    return traces_.traces[at->second];
  }

  void add_vote(const Record& record, const GraderPrompt& prompt) {
    Trace& trace = trace_of(prompt.solution, record);
    if (trace.problem.empty()) trace.problem = prompt.problem;
    trace.requested = trace.requested.value_or(0) + 1;
    if (*trace.requested > kVotesMax)
      throw LimitReached("more than " + std::to_string(kVotesMax) + " votes on one proof");
    TraceVote vote;
    vote.text = answer_of(record);
    vote.line = record.place.line;
    vote.truncated = was_cut(record);
    trace.returned = trace.returned.value_or(0) + 1;
    if (const std::optional<Grade> grade = read_final_grade(vote.text)) {
      vote.score = grade->text;
      vote.fraction = grade->fraction;
      trace.parsed = trace.parsed.value_or(0) + 1;
    } else {
      // The grade is the end of the form that the grader fills in.
      vote.truncated = true;
    }
    trace.votes.push_back(std::move(vote));
  }

  // A solver's answer ends with the proof that is graded; such an answer is no proof of its own.
  // An empty one is a proof of its own each time.
  void add_answer(const Record& record) {
    const std::string whole = answer_of(record);
    const std::string_view answer = text::trim(whole);
    const bool cut = was_cut(record);
    for (const auto& [proof, index] : by_proof_)
      if (!proof.empty() && answer.ends_with(proof)) {
        if (cut) traces_.traces[index].proof_truncated = true;
        return;
      }
    if (answer.empty()) by_proof_.erase("");
    trace_of(std::string(answer), record).proof_truncated |= cut;
  }

 private:
  Traces& traces_;
  std::map<std::string, std::size_t> by_proof_;
};

// The number at `at`, which is moved past it; at most four digits, since no grade has more.
std::optional<int> read_number(std::string_view text, std::size_t& at) {
  int number = 0;
  std::size_t digits = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++digits) {
    if (digits == 4) return std::nullopt;
    number = number * 10 + (text[at] - '0');
  }
  return digits == 0 ? std::nullopt : std::optional(number);
}

std::optional<Grade> read_grade_at(std::string_view text) {
  constexpr std::string_view around = " \t\r\n*_:()[]$`";
  const auto skip = [&](std::size_t at, std::string_view set) {
    at = text.find_first_not_of(set, at);
    return at == std::string_view::npos ? text.size() : at;
  };
  std::size_t at = skip(0, around);
  const auto points = read_number(text, at);
  if (!points) return std::nullopt;
  at = skip(at, " \t*_");
  if (text.substr(at).starts_with("/"))
    at += 1;
  else if (text.substr(at).starts_with("out of "))
    at += 7;
  else
    return std::nullopt;
  at = skip(at, " \t*_");
  const auto most = read_number(text, at);
  if (!most || *most == 0 || *points > *most) return std::nullopt;
  // "7 / 7.5" and "7 / 7a" are no grades.
  if (at + 1 < text.size() && text[at] == '.' && text[at + 1] >= '0' && text[at + 1] <= '9')
    return std::nullopt;
  if (at < text.size() && ((text[at] >= 'a' && text[at] <= 'z') || text[at] == '/'))
    return std::nullopt;
  return Grade{std::to_string(*points) + " / " + std::to_string(*most),
               double(*points) / double(*most)};
}

}  // namespace

std::optional<Grade> read_final_grade(std::string_view report) {
  constexpr std::string_view label = "final grade";
  std::optional<Grade> found;
  std::size_t at = 0;
  while (at < report.size()) {
    const std::string_view line = report.substr(at, report.substr(at).find('\n'));
    const std::size_t first = std::min(line.find_first_not_of(" \t*_#>-"), line.size());
    if (text::lower_ascii(line.substr(first, label.size())) == label) {
      const std::optional<Grade> grade = read_grade_at(report.substr(at + first + label.size()));
      // A heading without a grade, or a second grade, leaves it open which one was meant.
      if (!grade || (found && found->text != grade->text)) return std::nullopt;
      found = grade;
    }
    at += line.size() + 1;
  }
  return found;
}

void read_momus_log(const std::vector<Record>& records, Traces& traces) {
  Log log(traces);
  // Graders first: their prompts tell what of a solver's answer is the proof.
  for (const bool graders : {true, false})
    for (const Record& record : records) {
      const std::string role = text_field(record, "role");
      if ((role == "grader") != graders) continue;
      try {
        if (role == "grader")
          log.add_vote(record, read_grader_prompt(text_field(record, "request.prompt")));
        else if (role == "solver")
          log.add_answer(record);
        else if (role == "answer_processor")
          log.trace_of(std::string(text::trim(text_field(record, "request.question_prompt"))),
                       record)
              .comments.push_back(answer_of(record));
        else
          throw FormatError("a call in the role \"" + role.substr(0, 40) +
                            "\", which no known log has");
      } catch (const FormatError& error) {
        traces.errors.push_back({record.place, 0, error.what()});
      } catch (const LimitReached& error) {
        throw FormatError(formats::to_text(record.place) + ": " + error.what());
      }
    }
}

}  // namespace audit
