// elenchus check: judges proofs of the built-in families line by line, exactly and with no model.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "apps/output.h"
#include "formats/problems.h"
#include "text/words.h"
#include "theorems/theorem.h"

namespace apps {
namespace {

using Json = nlohmann::ordered_json;

struct CheckFlags {
  std::string file;
  bool json = false;
};

// A proof and what it claims to prove, as the file says it.
struct Claimed {
  std::string id, place, statement, proof;
};

struct Totals {
  int proofs = 0, flawed = 0, unusable = 0;
};

bool blank(std::string_view line) { return line.find_first_not_of(" \t\r") == line.npos; }

// "## Solution", "# Proof:"
bool is_heading_of_proof(std::string_view line) {
  if (!line.starts_with('#')) return false;
  const std::string words = text::lower_ascii(line);
  return words.find("solution") != words.npos || words.find("proof") != words.npos;
}

// The statement stands first, then a heading or a blank line, then the proof.
Claimed split_text(std::string_view text, const std::string& file) {
  Claimed claimed{.id = file, .place = file, .statement = {}, .proof = {}};
  std::string_view rest = text;
  bool ended = false;  // by a blank line, which a heading may follow
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    const bool heading = is_heading_of_proof(line);
    if (ended && !blank(line) && !heading) break;
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (heading) break;
    if (blank(line))
      ended = !claimed.statement.empty();
    else if (!line.starts_with('#'))  // a title
      claimed.statement += (claimed.statement.empty() ? "" : " ") + std::string(line);
  }
  claimed.proof = rest;
  if (claimed.statement.empty() || rest.find_first_not_of(" \t\r\n") == rest.npos)
    throw Exit(ExitCode::Usage,
               fmt::format("{}: no {}; write the statement, then a blank line or the heading `## "
                           "Solution`, then the numbered lines up to QED",
                           file, claimed.statement.empty() ? "statement" : "proof"));
  return claimed;
}

// Whether the file has columns or fields: then formats/ reads it.
bool is_table(std::string_view bytes, const std::string& file) {
  const std::string ending = std::filesystem::path(file).extension().string();
  for (const char* known : {".jsonl", ".json", ".csv", ".tsv", ".tex"})
    if (ending == known) return true;
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  return first != bytes.npos && (bytes[first] == '{' || bytes[first] == '[');
}

std::vector<Claimed> read_claimed(const std::string& file, Totals& totals) {
  const std::string name = file == "-" ? "stdin" : file;
  try {
    const std::string bytes = formats::read_file(file);
    if (!is_table(bytes, file)) return {split_text(bytes, name)};
    const formats::Table table = formats::table_of(bytes, name, {.need = formats::Need::Proof});
    for (const formats::RowError& error : table.errors)
      fmt::print(stderr, "left out: {}\n", formats::to_text(error));
    totals.unusable += int(table.errors.size());
    std::vector<Claimed> all;
    for (const formats::Submission& row : table.rows)
      all.push_back(
          {row.id, formats::to_text(row.problem.place), row.problem.statement, row.proof});
    return all;
  } catch (const formats::FormatError& error) {
    throw Exit(ExitCode::Usage, error.what());
  }
}

std::string_view score_text(int halves) {
  constexpr std::string_view kTexts[] = {"0", "0.5", "1"};
  return kTexts[halves];
}

Json line_json(const theorems::LineReport& line, int number, const std::string& text) {
  Json json{{"line", number}, {"text", text}, {"status", to_text(line.status)}};
  if (line.defect != theorems::Defect::None) json["defect"] = to_text(line.defect);
  if (!line.because.empty()) json["because"] = line.because;
  json["needed"] = line.needed;
  json["working"] = line.working;
  if (!line.repair.empty()) json["repair"] = line.repair;
  if (!line.remedy.empty()) json["remedy"] = line.remedy;
  return json;
}

// The proof's lines as they stand; empty if it cannot be read.
std::vector<std::string> lines_of(const std::string& proof) {
  std::vector<std::string> lines;
  const auto read = theorems::read_proof(proof);
  if (const auto* readable = std::get_if<theorems::Proof>(&read))
    for (const theorems::Line& line : readable->lines) lines.push_back(line.text);
  return lines;
}

std::string to_json(const Claimed& claimed, const theorems::Statement& statement,
                    const theorems::Report& report) {
  const std::vector<std::string> texts = lines_of(claimed.proof);
  Json json{{"id", claimed.id},
            {"family", to_text(statement.family)},
            {"statement", statement.text},
            {"score", report.halves / 2.0}};
  json["first_flaw"] = report.first_flaw ? Json(*report.first_flaw) : Json(nullptr);
  if (!report.unreadable.empty()) json["unreadable"] = report.unreadable;
  json["lines"] = Json::array();
  for (std::size_t i = 0; i < report.lines.size(); ++i)
    json["lines"].push_back(line_json(report.lines[i], int(i) + 1, texts[i]));
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string verdict_of(const theorems::LineReport& line) {
  std::string verdict(to_text(line.status));
  if (line.defect != theorems::Defect::None) verdict += fmt::format(": {}", to_text(line.defect));
  if (!line.because.empty()) verdict += fmt::format(" on {}", fmt::join(line.because, ", "));
  return verdict;
}

std::string to_text(const Claimed& claimed, const theorems::Statement& statement,
                    const theorems::Report& report) {
  std::string text = fmt::format("{}: {}\n", claimed.id, statement.text);
  const std::vector<std::string> texts = lines_of(claimed.proof);
  for (std::size_t i = 0; i < report.lines.size(); ++i) {
    const theorems::LineReport& line = report.lines[i];
    text += fmt::format("{}\n   {}: {}\n", texts[i], verdict_of(line), line.working);
    if (!line.repair.empty()) text += fmt::format("   repair: {}\n", line.repair);
    if (!line.remedy.empty()) text += fmt::format("   better: {}\n", line.remedy);
  }
  text += fmt::format("score {}", score_text(report.halves));
  if (!report.unreadable.empty()) text += "; the proof cannot be read: " + report.unreadable;
  if (report.first_flaw) text += fmt::format("; first flaw in line {}", *report.first_flaw);
  return text + "\n";
}

std::string refusal(const theorems::NotKnown& unknown) {
  return fmt::format("no statement of the built-in families: {}; the nearest form: {}",
                     unknown.reason, unknown.nearest);
}

void check_one(const Claimed& claimed, const CheckFlags& flags, Totals& totals) {
  const auto read = theorems::read_statement(claimed.statement);
  if (const auto* unknown = std::get_if<theorems::NotKnown>(&read)) {
    ++totals.unusable;
    fmt::print(stderr, "{}: {}\n", claimed.place, refusal(*unknown));
    return;
  }
  const auto& statement = std::get<theorems::Statement>(read);
  const theorems::Report report = theorems::check(statement, claimed.proof);
  ++totals.proofs;
  totals.flawed += report.halves < 2 ? 1 : 0;
  write_stdout(flags.json ? to_json(claimed, statement, report)
                          : to_text(claimed, statement, report));
}

ExitCode check(const CheckFlags& flags) {
  Totals totals;
  const std::vector<Claimed> all = read_claimed(flags.file, totals);
  for (const Claimed& claimed : all) check_one(claimed, flags, totals);
  if (totals.proofs == 0) return ExitCode::Usage;  // each has been told why
  if (all.size() > 1)
    fmt::print(stderr, "{} proof(s), {} below 1, {} left out\n", totals.proofs, totals.flawed,
               totals.unusable);
  return totals.flawed > 0     ? ExitCode::BelowGate
         : totals.unusable > 0 ? ExitCode::ItemFailed
                               : ExitCode::Done;
}

}  // namespace

void add_check(CLI::App& app, Invocation& invocation) {
  auto flags = std::make_shared<CheckFlags>();
  CLI::App& command = add_command(
      app, "check",
      "judge a proof of a built-in family line by line, exactly and with no model: exit "
      "10 if the score is below 1",
      "elenchus theorems -n 1 --proofs | elenchus check -");
  command
      .add_option("file", flags->file,
                  "a statement, a blank line or `## Solution`, the numbered lines up to QED; or "
                  "JSON Lines with `problem` and `proof`; - is stdin")
      ->required()
      ->type_name("FILE");
  command.add_flag("--json", flags->json, "JSON Lines on stdout, one for each proof");
  command.callback([flags, &invocation] { invocation.run = [flags] { return check(*flags); }; });
}

}  // namespace apps
