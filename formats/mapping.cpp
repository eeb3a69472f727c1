#include "formats/mapping.h"

#include <algorithm>
#include <set>
#include <utility>

#include "formats/json.h"
#include "text/words.h"

namespace formats {
namespace {

using Pair = std::pair<Target, std::string_view>;

// A source whose columns have a meaning that their names alone do not tell: in most files a
// "solution" is the reference, in MathArena's an "answer" is the proof.
struct Source {
  std::string_view name;
  std::vector<std::string_view> marks;  // the columns that give it away: all of them are there
  std::vector<Pair> columns;            // a target may have several; the first that is there counts
};

using enum Target;

// The first source whose marks are all there wins, so the narrower ones stand first.
const std::vector<Source>& sources() {
  static const std::vector<Source> table = {
      {"DeepSeek-Math-V2 outputs",
       {"model_prediction", "question"},
       {{Id, "problem_idx"},
        {Statement, "question"},
        {Reference, "solution"},
        {Rubric, "grading guidelines"},
        {Proof, "model_prediction.proof"},
        {Mark, "model_prediction.human_rating"},
        {Mean, "model_prediction.average_automatic_rating"}}},
      {"DeepSeek proof pool",
       {"proof", "meanscore", "score2ratings"},
       {{Submission, "proof_id"}, {Proof, "proof"}, {Mean, "meanscore"}}},
      {"IMO-ProofBench",
       {"Problem ID", "Problem", "Grading guidelines"},
       {{Id, "Problem ID"},
        {Statement, "Problem"},
        {Answer, "Short Answer"},
        {Reference, "Solution"},
        {Rubric, "Grading guidelines"}}},
      {"IMO-AnswerBench",
       {"Problem ID", "Problem", "Short Answer"},
       {{Id, "Problem ID"}, {Statement, "Problem"}, {Answer, "Short Answer"}}},
      {"MathArena, judged proofs",
       {"problem", "answer", "points_judge_1"},
       {{Id, "problem_idx"},
        {Submission, "idx_answer"},
        {Statement, "problem"},
        {Rubric, "grading_scheme"},
        {Proof, "answer"},
        {Mark, "points_judge_1"},
        {MarkMax, "max_points_judge_1"}}},
      {"Open Proof Corpus",
       {"problem_id", "problem", "attempts"},
       {{Id, "problem_id"},
        {Statement, "problem"},
        {Reference, "solutions.0.solution"},
        {Rubric, "grading_scheme"}}},
      {"Open Proof Corpus, one attempt a row",
       {"problem_id", "problem", "attempt.solution"},
       {{Id, "problem_id"},
        {Submission, "attempt.index"},
        {Statement, "problem"},
        {Reference, "solutions.0.solution"},
        {Rubric, "grading_scheme"},
        {Proof, "attempt.solution"}}},
      {"QED-Nano",
       {"problem", "model_solution"},
       {{Id, "problem_id"},
        {Statement, "problem"},
        {Answer, "answer"},
        {Reference, "solution"},
        {Rubric, "grading_guidelines"},
        {Rubric, "schema_0"},
        {Proof, "model_solution"}}},
      {"QED-Nano",
       {"problem", "solution", "grading_guidelines"},
       {{Statement, "problem"},
        {Answer, "answer"},
        {Reference, "solution"},
        {Rubric, "grading_guidelines"}}},
      {"MathArena",
       {"problem_idx", "problem"},
       {{Id, "problem_idx"},
        {Statement, "problem"},
        {Answer, "gold_answer"},
        {Answer, "answer"},
        {Rubric, "grading_scheme"}}},
      {"DeepSeek-Math-V2 inputs",
       {"question", "problem_idx"},
       {{Id, "problem_idx"}, {Statement, "question"}, {Answer, "answer"}}},
      {"DeepSeek-Math-V2 inputs",
       {"question", "contest"},
       {{Statement, "question"}, {Answer, "answer"}}},
      {"OpenAI batch", {"custom_id", "body"}, {{Id, "custom_id"}, {Statement, "body.messages"}}},
      {"Inspect samples",
       {"input", "target"},
       {{Id, "id"}, {Statement, "input"}, {Answer, "target"}}},
      {"MATH",
       {"problem", "solution", "level"},
       {{Id, "unique_id"}, {Statement, "problem"}, {Answer, "answer"}, {Reference, "solution"}}},
  };
  return table;
}

// Names that mean what they say in any file, compared in lower case without blanks, '_' and '-'.
const std::vector<Pair>& guesses() {
  static const std::vector<Pair> table = {
      {Id, "problemid"},
      {Id, "problemidx"},
      {Id, "id"},
      {Id, "uniqueid"},
      {Id, "customid"},
      {Submission, "submissionid"},
      {Submission, "submission"},
      {Submission, "proofid"},
      {Submission, "attemptid"},
      {Submission, "studentid"},
      {Submission, "student"},
      {Statement, "statement"},
      {Statement, "problem"},
      {Statement, "question"},
      {Statement, "problemstatement"},
      {Statement, "input"},
      {Answer, "shortanswer"},
      {Answer, "answer"},
      {Answer, "goldanswer"},
      {Answer, "target"},
      {Reference, "reference"},
      {Reference, "referencesolution"},
      {Reference, "referenceproof"},
      {Reference, "solution"},
      {Rubric, "rubric"},
      {Rubric, "gradingguidelines"},
      {Rubric, "gradingscheme"},
      {Rubric, "markingscheme"},
      {Proof, "proof"},
      {Proof, "submittedproof"},
      {Proof, "modelsolution"},
      {Proof, "studentsolution"},
      {Proof, "studentproof"},
      {Proof, "response"},
      {Mark, "humanrating"},
      {Mark, "humanscore"},
      {Mark, "humanmark"},
      {Mark, "humangrade"},
      {Mark, "mark"},
      {Mark, "grade"},
      {MarkMax, "maxpoints"},
      {MarkMax, "maxmark"},
      {MarkMax, "maxscore"},
      {MarkMax, "max"},
      {MarkMax, "points"},
      {Mean, "averageautomaticrating"},
      {Mean, "meanscore"},
  };
  return table;
}

const std::vector<std::pair<std::string_view, Target>>& words() {
  static const std::vector<std::pair<std::string_view, Target>> table = {
      {"id", Id},
      {"submission", Submission},
      {"statement", Statement},
      {"question", Statement},
      {"problem", Statement},
      {"answer", Answer},
      {"reference", Reference},
      {"solution", Reference},
      {"rubric", Rubric},
      {"guidelines", Rubric},
      {"proof", Proof},
      {"mark", Mark},
      {"human", Mark},
      {"max", MarkMax},
      {"points", MarkMax},
      {"mean", Mean},
  };
  return table;
}

std::string folded(std::string_view name) {
  std::string result = text::lower_ascii(name);
  std::erase_if(result, [](char c) { return c == ' ' || c == '_' || c == '-'; });
  return result;
}

std::string listed(std::span<const std::string> names) {
  constexpr std::size_t shown_max = 20;
  std::string list;
  for (std::size_t i = 0; i < names.size() && i < shown_max; ++i)
    list += (i == 0 ? "\"" : ", \"") + names[i] + "\"";
  if (names.size() > shown_max) list += ", ...";
  return list.empty() ? "none" : list;
}

// The column of `columns` in which `path` begins: itself, or what stands before a dot.
std::optional<std::string> column_at(std::span<const std::string> columns, std::string_view path) {
  for (std::size_t end = path.size(); end != std::string_view::npos && end > 0;
       end = path.rfind('.', end - 1))
    if (std::ranges::find(columns, path.substr(0, end)) != columns.end())
      return std::string(path.substr(0, end));
  return std::nullopt;
}

// The nearest of `columns` to any name that would have been taken.
std::optional<std::string> nearest_column(Target target, std::span<const std::string> columns) {
  std::vector<std::string> plain;
  for (const std::string& column : columns) plain.push_back(folded(column));
  for (const auto& [known, name] : guesses()) {
    if (known != target) continue;
    if (const auto near = text::nearest(name, plain))
      return columns[std::size_t(std::ranges::find(plain, *near) - plain.begin())];
  }
  return std::nullopt;
}

[[noreturn]] void fail_missing(Target target, std::span<const std::string> columns,
                               const std::string& file) {
  std::string message =
      file + ": no column for the " + std::string(to_text(target)) + " among " + listed(columns);
  std::string example = "COLUMN";
  if (const auto near = nearest_column(target, columns)) {
    message += "; did you mean \"" + *near + "\"?";
    example = *near;
  } else {
    message += ".";
  }
  throw FormatError(message + " Name it with --map " + std::string(to_text(target)) + "=" +
                    example);
}

std::string unescaped(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    result += text[i];
  }
  return result;
}

}  // namespace

std::string_view to_text(Target target) {
  switch (target) {
    case Id:
      return "id";
    case Submission:
      return "submission";
    case Statement:
      return "statement";
    case Answer:
      return "answer";
    case Reference:
      return "reference";
    case Rubric:
      return "rubric";
    case Proof:
      return "proof";
    case Mark:
      return "mark";
    case MarkMax:
      return "max";
    case Mean:
      return "mean";
  }
  return "?";
}

Mapping parse_mapping(std::string_view input) {
  Mapping mapping;
  std::vector<std::string> known;
  for (const auto& [word, target] : words()) known.emplace_back(word);

  std::size_t at = 0;
  while (at < input.size()) {
    std::size_t end = at;
    while (end < input.size() && input[end] != ',') end += input[end] == '\\' ? 2 : 1;
    end = std::min(end, input.size());
    const std::string_view entry = text::trim(input.substr(at, end - at));
    at = end + 1;

    const std::size_t equals = entry.find('=');
    const std::string word(text::trim(entry.substr(0, equals)));
    const std::string column =
        equals == std::string_view::npos ? "" : unescaped(text::trim(entry.substr(equals + 1)));
    if (column.empty())
      throw FormatError("--map: \"" + std::string(entry) +
                        "\" is not WORD=COLUMN, as in question=problem,id=name");
    const auto entry_of = std::ranges::find_if(
        words(), [&](const auto& pair) { return pair.first == text::lower_ascii(word); });
    if (entry_of == words().end()) {
      const auto near = text::nearest(word, known);
      throw FormatError("--map: unknown word \"" + word + "\" before '='" +
                        (near ? "; did you mean \"" + *near + "\"?" : ";") + " Known are " +
                        listed(known));
    }
    if (!mapping.emplace(entry_of->second, column).second)
      throw FormatError("--map: the " + std::string(to_text(entry_of->second)) + " is given twice");
  }
  return mapping;
}

std::string to_text(const Choice& choice) {
  const std::string_view reason = choice.reason == Choice::Reason::Asked   ? "asked for"
                                  : choice.reason == Choice::Reason::Known ? "known"
                                                                           : "guessed";
  return std::string(to_text(choice.target)) + " = \"" + choice.column + "\" (" +
         std::string(reason) + ")";
}

const std::string* Choices::column_of(Target target) const {
  for (const Choice& choice : list)
    if (choice.target == target) return &choice.column;
  return nullptr;
}

Choices choose_columns(std::span<const std::string> columns, const Mapping& asked,
                       std::span<const Target> required, const std::string& file) {
  Choices choices;
  std::set<std::string> taken;
  const auto take = [&](Target target, std::string_view column, Choice::Reason reason) {
    const auto top = column_at(columns, column);
    const bool nested = top && *top != column;
    if (!top || choices.column_of(target) || (!nested && taken.contains(*top))) return;
    if (!nested) taken.insert(*top);
    choices.list.push_back({target, std::string(column), reason});
  };

  for (const auto& [target, column] : asked) {
    if (!column_at(columns, column)) {
      const auto near = text::nearest(column, std::vector(columns.begin(), columns.end()));
      std::string message = file + ": --map asks for the column \"";
      message.append(column).append("\", but there are ").append(listed(columns));
      if (near) message.append("; did you mean \"").append(*near).append("\"?");
      throw FormatError(message);
    }
    take(target, column, Choice::Reason::Asked);
  }

  const auto has = [&](std::string_view mark) {
    return std::ranges::find(columns, mark) != columns.end();
  };
  const auto source = std::ranges::find_if(
      sources(), [&](const Source& s) { return std::ranges::all_of(s.marks, has); });
  if (source != sources().end()) {
    choices.known_as = source->name;
    for (const auto& [target, column] : source->columns)
      take(target, column, Choice::Reason::Known);
  }
  for (const auto& [target, name] : guesses())
    for (const std::string& column : columns)
      if (folded(column) == name) take(target, column, Choice::Reason::Guessed);

  for (const Target target : required)
    if (!choices.column_of(target)) fail_missing(target, columns, file);
  std::ranges::sort(choices.list, {}, &Choice::target);
  return choices;
}

std::optional<Value> value_of(const Record& record, std::string_view column) {
  for (std::size_t end = column.size(); end != std::string_view::npos && end > 0;
       end = column.rfind('.', end - 1)) {
    const Value* value = record.find(column.substr(0, end));
    if (!value) continue;
    if (end == column.size()) return *value;
    if (value->kind != Kind::Object && value->kind != Kind::Array) return std::nullopt;
    return value_at(value->text, column.substr(end + 1));
  }
  return std::nullopt;
}

}  // namespace formats
