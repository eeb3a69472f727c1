#include "tests/support/fault_script.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tests/support/draws.h"
#include "text/words.h"

namespace support {

namespace {

struct Action {
  std::string_view name;
  FaultKind kind;
  std::string_view values;  // the names it knows, each between blanks
  bool delivers = false;
};

constexpr std::array kActions = {
    Action{"status", FaultKind::Status, " retry-after retry-after-ms location code body "},
    Action{"insufficient_quota", FaultKind::Status, " retry-after "},
    Action{"context_length_exceeded", FaultKind::Status, " "},
    Action{"hang", FaultKind::Hang, " "},
    Action{"hang-after-head", FaultKind::HangAfterHead, " "},
    Action{"drip", FaultKind::Drip, " ms ", true},
    Action{"silence", FaultKind::Silence, " tokens "},
    Action{"cut", FaultKind::Cut, " at how "},
    Action{"close", FaultKind::Close, " how "},
    Action{"then-close", FaultKind::ThenClose, " ", true},
    Action{"no-done", FaultKind::NoDone, " "},
    Action{"no-finish", FaultKind::NoFinish, " "},
    Action{"two-finishes", FaultKind::TwoFinishes, " "},
    Action{"only-done", FaultKind::OnlyDone, " "},
    Action{"error-event", FaultKind::ErrorEvent, " tokens "},
    Action{"bad-utf8", FaultKind::BadUtf8, " kind ", true},
    Action{"long-line", FaultKind::LongLine, " bytes "},
    Action{"storm", FaultKind::Storm, " count text ", true},
    Action{"html", FaultKind::Html, " "},
    Action{"empty", FaultKind::Empty, " "},
    Action{"body", FaultKind::Body, " text type "},
    Action{"headers", FaultKind::Headers, " count "},
    Action{"index", FaultKind::Index, " value "},
    Action{"content", FaultKind::Content, " value "},
    Action{"finish", FaultKind::Finish, " reason "},
    Action{"usage", FaultKind::Usage, " value ", true},
    Action{"length", FaultKind::Length, " by "},
    Action{"swap", FaultKind::Swap, " "},
    Action{"extra", FaultKind::Extra, " ", true},
    Action{"sse", FaultKind::Sse, " style ", true},
    Action{"mixed", FaultKind::Mixed, " "},
};

constexpr std::string_view kConditions =
    " always attempt nth every id call rate times flip stream ";

// Each of these fails an attempt, and none of them says anything about the next one.
constexpr std::array<std::string_view, 12> kMixed = {
    "429 retry-after=0",     "500",
    "502 body=html",         "503 retry-after-ms=20",
    "529 body=string",       "cut at=300 how=fin",
    "cut at=90 how=rst",     "cut at=700 how=clean",
    "close how=fin",         "only-done",
    "error-event tokens=12", "empty",
};

// Whether a condition's value is no number.
bool is_word(std::string_view condition) {
  return condition == "always" || condition == "id" || condition == "call" || condition == "stream";
}

const Action* find_action(std::string_view name) {
  for (const Action& action : kActions)
    if (action.name == name) return &action;
  return nullptr;
}

bool knows(std::string_view names, std::string_view name) {
  return names.find(" " + std::string(name) + " ") != std::string_view::npos;
}

double as_number(const std::string& text, const std::string& of) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number))
    throw std::runtime_error(of + " needs a number, not \"" + text + "\"");
  return number;
}

struct Word {
  std::string name;
  std::string value;
  bool has_value = false;
};

char unescaped(char c) { return c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c; }

// NAME, NAME=VALUE or NAME="a value with blanks".
Word take_word(std::string_view& line) {
  Word word;
  std::size_t at = 0;
  while (at < line.size() && line[at] != ' ' && line[at] != '=') word.name += line[at++];
  if (at < line.size() && line[at] == '=') {
    word.has_value = true;
    ++at;
    const bool quoted = at < line.size() && line[at] == '"';
    if (quoted) ++at;
    while (at < line.size() && line[at] != (quoted ? '"' : ' ')) {
      const bool escape = quoted && line[at] == '\\' && at + 1 < line.size();
      if (escape) ++at;
      word.value += escape ? unescaped(line[at]) : line[at];
      ++at;
    }
    if (quoted && at++ >= line.size()) throw std::runtime_error("a quoted value does not end");
  }
  line = text::trim(line.substr(std::min(at, line.size())));
  return word;
}

Fault read_action(std::string_view line) {
  Fault fault;
  fault.name = std::string(line);
  const std::string name = take_word(line).name;
  const bool is_status =
      name.size() == 3 && name[0] >= '3' && name[0] <= '5' &&
      std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
  const Action* action = find_action(is_status ? "status" : name);
  if (!action || name == "status") throw std::runtime_error("unknown action \"" + name + "\"");
  fault.kind = action->kind;
  if (is_status) fault.status = int(as_number(name, "a status"));
  if (name == "insufficient_quota" || name == "context_length_exceeded") {
    fault.status = name == "insufficient_quota" ? 429 : 400;
    fault.values["code"] = name;
  }
  while (!line.empty()) {
    const Word word = take_word(line);
    if (!word.has_value || !knows(action->values, word.name))
      throw std::runtime_error("action " + name + " has no value \"" + word.name + "\"");
    for (const std::string_view number : {"tokens", "at", "ms", "bytes", "count", "by"})
      if (word.name == number) as_number(word.value, word.name);
    fault.values[word.name] = word.value;
  }
  return fault;
}

}  // namespace

std::string Fault::text(const std::string& key, std::string_view otherwise) const {
  const auto found = values.find(key);
  return found == values.end() ? std::string(otherwise) : found->second;
}

int64_t Fault::number(const std::string& key, int64_t otherwise) const {
  const auto found = values.find(key);
  return found == values.end() ? otherwise : int64_t(as_number(found->second, key));
}

bool Fault::delivers() const {
  if (kind == FaultKind::None) return true;
  if (kind == FaultKind::Content) return text("value") == "parts";
  for (const Action& action : kActions)
    if (action.kind == kind) return action.delivers;
  return false;
}

FaultScript::Rule FaultScript::read_rule(std::string_view line) {
  const std::size_t arrow = line.find("->");
  if (arrow == std::string_view::npos) throw std::runtime_error("a rule needs \"->\"");
  Rule rule;
  std::string_view conditions = text::trim(line.substr(0, arrow));
  if (conditions.empty()) throw std::runtime_error("a rule needs a condition");
  while (!conditions.empty()) {
    const Word word = take_word(conditions);
    if (!knows(kConditions, word.name) || word.has_value == (word.name == "always"))
      throw std::runtime_error("unknown condition \"" + word.name + "\"");
    if (!is_word(word.name) && as_number(word.value, word.name) < 0)
      throw std::runtime_error(word.name + " is negative");
    rule.conditions[word.name] = word.value;
  }
  rule.fault = read_action(text::trim(line.substr(arrow + 2)));
  return rule;
}

FaultScript::FaultScript(std::string_view text) {
  if (text.size() > kScriptBytesMax) throw std::runtime_error("the fault script is too long");
  std::size_t number = 0;
  for (std::string_view line : text::lines_of(text)) {
    ++number;
    line = text::trim(line);
    if (line.empty() || line.starts_with('#')) continue;
    try {
      rules_.push_back(read_rule(line));
    } catch (const std::runtime_error& error) {
      throw std::runtime_error("fault script, line " + std::to_string(number) + ": " +
                               error.what());
    }
    if (rules_.size() > kRulesMax) throw std::runtime_error("the fault script has too many rules");
  }
}

FaultScript FaultScript::from_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read the fault script " + file.string());
  return FaultScript(std::string(std::istreambuf_iterator<char>(stream), {}));
}

void FaultScript::add_mixed(double rate) {
  if (rate <= 0) return;
  Rule rule;
  rule.conditions = {{"attempt", "1"}, {"rate", std::to_string(rate)}};
  rule.fault = read_action("mixed");
  rules_.push_back(std::move(rule));
}

bool FaultScript::holds(const Rule& rule, std::size_t index, const FaultCall& call,
                        const Counted& counted) const {
  for (const auto& [name, value] : rule.conditions) {
    if (name == "id" && call.request_id.find(value) == std::string_view::npos) return false;
    if (name == "call" && call.request_id.substr(0, call.request_id.rfind('#')) != value)
      return false;
    if (name == "stream" && (value == "yes") != call.stream) return false;
    if (is_word(name)) continue;
    const double number = as_number(value, name);
    if (name == "attempt" && double(counted.attempt) != number) return false;
    if (name == "nth" && double(counted.nth) != number) return false;
    if (name == "every" && (number < 1 || counted.nth % int64_t(number) != 0)) return false;
    if (name == "times" && double(rule.fired) >= number) return false;
    if (name == "rate" && !Draws(counted.key).chance(number, "fault", index)) return false;
    if (name == "flip" && (number <= 0 || int64_t(counted.seconds / number) % 2 == 0)) return false;
  }
  return true;
}

Fault FaultScript::decide(const FaultCall& call, std::chrono::steady_clock::duration since_start) {
  ++calls_;
  if (rules_.empty()) return {};
  const std::size_t mark = call.request_id.rfind('#');
  Counted counted{.nth = calls_, .seconds = std::chrono::duration<double>(since_start).count()};
  counted.key =
      call.request_id.empty() ? call.prompt_and_seed : hash_of(call.request_id.substr(0, mark));
  if (const std::optional<int64_t> attempt = attempt_of(call.request_id)) {
    counted.attempt = *attempt;
  } else {
    if (attempts_.size() >= kCallsRemembered) attempts_.clear();
    counted.attempt = ++attempts_[counted.key];
  }

  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (!holds(rules_[i], i, call, counted)) continue;
    ++rules_[i].fired;
    if (rules_[i].fault.kind != FaultKind::Mixed) return rules_[i].fault;
    return read_action(kMixed[Draws(counted.key).below(kMixed.size(), "mixed", i)]);
  }
  return {};
}

std::optional<int64_t> attempt_of(std::string_view request_id) {
  const std::size_t mark = request_id.rfind('#');
  if (mark == std::string_view::npos) return std::nullopt;
  const std::string_view digits = request_id.substr(mark + 1);
  int64_t attempt = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), attempt);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return attempt;
}

}  // namespace support
