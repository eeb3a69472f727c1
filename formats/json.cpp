#include "formats/json.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "text/json_size.h"
#include "text/utf8.h"

namespace formats {
namespace {

using nlohmann::json;

constexpr std::size_t kReasonBytesMax = 160;  // the parser quotes the token it stopped at, whole

// "[json.exception...] parse error at line 1, column 2: REASON" -> "REASON"
std::string short_reason(std::string_view what) {
  if (const auto end = what.find("] "); end != std::string_view::npos) what.remove_prefix(end + 2);
  if (what.starts_with("parse error"))
    if (const auto end = what.find(": "); end != std::string_view::npos)
      what.remove_prefix(end + 2);
  std::string reason = text::repair_utf8(what.substr(0, kReasonBytesMax));
  if (what.size() > kReasonBytesMax) reason += "...";
  return reason;
}

// Builds nothing: looks for names that occur twice, and keeps the parser's complaint.
struct Checker : nlohmann::json_sax<json> {
  std::optional<JsonFault> fault;
  std::vector<std::unordered_set<std::string>> names;
  std::optional<std::string> repeated;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool start_object(std::size_t) override {
    names.emplace_back();
    return true;
  }
  bool end_object() override {
    names.pop_back();
    return true;
  }
  bool key(string_t& name) override {
    if (names.back().insert(name).second) return true;
    repeated = name.substr(0, kReasonBytesMax);
    return false;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    fault = JsonFault{position == 0 ? 0 : position - 1, short_reason(error.what())};
    return false;
  }
};

// Characters of a text, telling how far the parser has read.
struct CountingIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at = nullptr;
  const char** furthest = nullptr;

  reference operator*() const { return *at; }
  CountingIterator& operator++() {
    *furthest = ++at;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at == other.at; }
};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::size_t skip_blanks(std::string_view bytes, std::size_t at) {
  while (at < bytes.size() && is_blank(bytes[at])) ++at;
  return at;
}

std::size_t end_of_string(std::string_view bytes, std::size_t at) {
  for (++at; at < bytes.size() && bytes[at] != '"'; ++at)
    if (bytes[at] == '\\') ++at;
  return std::min(at + 1, bytes.size());
}

// One past the value that starts at `at`.
std::size_t end_of_value(std::string_view bytes, std::size_t at) {
  if (at >= bytes.size()) return bytes.size();
  if (bytes[at] == '"') return end_of_string(bytes, at);
  if (bytes[at] != '{' && bytes[at] != '[') {
    while (at < bytes.size() && !is_blank(bytes[at]) && bytes[at] != ',' && bytes[at] != '}' &&
           bytes[at] != ']')
      ++at;
    return at;
  }
  std::size_t depth = 0;
  while (at < bytes.size()) {
    const char c = bytes[at];
    if (c == '"') {
      at = end_of_string(bytes, at);
      continue;
    }
    ++at;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) break;
  }
  return at;
}

// Most strings hold no escape and are their own text.
std::string string_of(std::string_view token) {
  if (token.find('\\') == std::string_view::npos)
    return std::string(token.substr(1, token.size() - 2));
  return json::parse(token).get<std::string>();
}

Value value_of(std::string_view token) {
  switch (token.empty() ? 'n' : token.front()) {
    case '"':
      return {Kind::String, string_of(token)};
    case '{':
      return {Kind::Object, std::string(token)};
    case '[':
      return {Kind::Array, std::string(token)};
    case 't':
    case 'f':
      return {Kind::Boolean, std::string(token)};
    case 'n':
      return {Kind::Null, std::string(token)};
    default:
      return {Kind::Number, std::string(token)};
  }
}

}  // namespace

std::optional<JsonFault> find_json_fault(std::string_view bytes) {
  if (const auto offset = text::find_invalid_utf8(bytes)) return JsonFault{*offset, "not UTF-8"};
  if (bytes.starts_with("\xEF\xBB\xBF"))
    return JsonFault{0, "a byte order mark in the middle of the file"};
  if (const auto offset = text::find_json_excess(bytes, {.depth = kJsonDepthMax}))
    return JsonFault{*offset, "nested more than " + std::to_string(kJsonDepthMax) + " deep"};

  Checker checker;
  const char* furthest = bytes.data();
  const CountingIterator begin{bytes.data(), &furthest};
  const CountingIterator end{bytes.data() + bytes.size(), &furthest};
  if (json::sax_parse(begin, end, &checker)) return std::nullopt;
  // The checker stopped at the closing quote of the name.
  const std::size_t read = std::size_t(furthest - bytes.data());
  if (checker.repeated)
    return JsonFault{read == 0 ? 0 : read - 1,
                     "the name " + json_string(*checker.repeated) + " occurs twice in an object"};
  JsonFault fault = checker.fault.value_or(JsonFault{bytes.size(), "not JSON"});
  fault.offset = std::min(fault.offset, bytes.size());
  return fault;
}

Value json_value(std::string_view bytes) {
  const std::size_t begin = skip_blanks(bytes, 0);
  return value_of(bytes.substr(begin, end_of_value(bytes, begin) - begin));
}

std::vector<Member> members_of(std::string_view bytes) {
  std::vector<Member> members;
  std::size_t at = skip_blanks(bytes, 0);
  if (at >= bytes.size() || (bytes[at] != '{' && bytes[at] != '[')) return members;
  const bool named = bytes[at] == '{';
  at = skip_blanks(bytes, at + 1);
  while (at < bytes.size() && bytes[at] != '}' && bytes[at] != ']') {
    Member member;
    if (named) {
      const std::size_t end = end_of_string(bytes, at);
      member.name = string_of(bytes.substr(at, end - at));
      at = skip_blanks(bytes, skip_blanks(bytes, end) + 1);  // past the colon
    }
    const std::size_t end = end_of_value(bytes, at);
    member.offset = at;
    member.value = value_of(bytes.substr(at, end - at));
    members.push_back(std::move(member));
    at = skip_blanks(bytes, end);
    if (at < bytes.size() && bytes[at] == ',') at = skip_blanks(bytes, at + 1);
  }
  return members;
}

std::optional<Value> value_at(std::string_view bytes, std::string_view path) {
  Value value = json_value(bytes);
  while (!path.empty()) {
    const std::string_view name = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    if (value.kind != Kind::Object && value.kind != Kind::Array) return std::nullopt;
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
    const bool is_index = error == std::errc() && end == name.data() + name.size();

    std::vector<Member> members = members_of(value.text);
    std::optional<Value> found;
    for (std::size_t i = 0; i < members.size() && !found; ++i)
      if (value.kind == Kind::Object ? members[i].name == name : is_index && i == index)
        found = std::move(members[i].value);
    if (!found) return std::nullopt;
    value = std::move(*found);
  }
  return value;
}

std::string json_of(const Value& value) {
  return value.kind == Kind::String ? json_string(value.text) : value.text;
}

std::string json_string(std::string_view text) { return json(text::repair_utf8(text)).dump(); }

}  // namespace formats
