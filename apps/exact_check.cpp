#include "apps/exact_check.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <variant>

#include "theorems/theorem.h"

namespace apps {
namespace {

std::string words_of(const theorems::Report& report) {
  if (!report.unreadable.empty()) return "the proof cannot be read: " + report.unreadable;
  if (!report.first_flaw) return "every line is right";
  const theorems::LineReport& line = report.lines.at(std::size_t(*report.first_flaw - 1));
  return fmt::format("line {}: {}", *report.first_flaw, to_text(line.defect));
}

}  // namespace

std::optional<ExactWord> exact_word(const std::string& statement, const std::string& proof) {
  const auto read = theorems::read_statement(statement);
  const auto* known = std::get_if<theorems::Statement>(&read);
  if (!known) return {};
  const theorems::Report report = theorems::check(*known, proof);
  return ExactWord{.halves = report.halves, .words = words_of(report)};
}

std::string exact_line(const std::optional<ExactWord>& word) {
  if (!word) return "exact check: none, the statement is of no built-in family\n";
  return fmt::format("exact check: {}, {}\n", word->halves / 2.0, word->words);
}

std::string exact_json(const std::string& id, const std::optional<ExactWord>& word) {
  nlohmann::ordered_json json{{"event", "check"}, {"id", id}, {"exact", nullptr}};
  if (word) {
    json["exact"] = word->halves / 2.0;
    json["words"] = word->words;
  }
  return json.dump();
}

}  // namespace apps
