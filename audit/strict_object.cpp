#include "audit/strict_object.h"

#include <charconv>
#include <cmath>

namespace audit {

using formats::Kind;
using formats::Value;

namespace {

std::optional<double> number_of(const Value& value) {
  if (value.kind != Kind::Number) return std::nullopt;
  double number = 0;
  const char* end = value.text.data() + value.text.size();
  const auto [stop, error] = std::from_chars(value.text.data(), end, number);
  if (error != std::errc() || stop != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<std::size_t> count_of(const Value& value) {
  constexpr std::size_t count_end = std::size_t{1} << 53;  // beyond it other programs round
  if (value.kind != Kind::Number) return std::nullopt;
  std::size_t count = 0;
  const char* end = value.text.data() + value.text.size();
  const auto [stop, error] = std::from_chars(value.text.data(), end, count);
  if (error != std::errc() || stop != end || count >= count_end) return std::nullopt;
  return count;
}

}  // namespace

StrictObject::StrictObject(const Value& value, std::string where) : where_(std::move(where)) {
  if (value.kind != Kind::Object) throw formats::FormatError(where_ + ": not a JSON object");
  members_ = formats::members_of(value.text);
  asked_.resize(members_.size());
}

void StrictObject::fail(std::string_view name, const std::string& reason) const {
  throw formats::FormatError(where_ + ": \"" + std::string(name) + "\" " + reason);
}

const Value* StrictObject::take(std::string_view name) {
  for (std::size_t i = 0; i < members_.size(); ++i)
    if (members_[i].name == name) {
      asked_[i] = true;
      return members_[i].value.kind == Kind::Null ? nullptr : &members_[i].value;
    }
  return nullptr;
}

const Value& StrictObject::need(std::string_view name, Kind kind, std::string_view kind_name) {
  const Value* value = take(name);
  if (!value) fail(name, "is missing");
  if (value->kind != kind) fail(name, "is not " + std::string(kind_name));
  return *value;
}

std::string StrictObject::text(std::string_view name) {
  return need(name, Kind::String, "a string").text;
}

std::size_t StrictObject::count(std::string_view name) {
  const auto count = count_of(need(name, Kind::Number, "a number"));
  if (!count) fail(name, "is not a whole number from 0 on");
  return *count;
}

double StrictObject::number(std::string_view name) {
  const auto number = number_of(need(name, Kind::Number, "a number"));
  if (!number) fail(name, "is not a finite number");
  return *number;
}

bool StrictObject::flag(std::string_view name) {
  return need(name, Kind::Boolean, "true or false").text == "true";
}

StrictObject StrictObject::object(std::string_view name) {
  return StrictObject(need(name, Kind::Object, "an object"), where_ + "." + std::string(name));
}

std::vector<Value> StrictObject::list(std::string_view name) {
  std::vector<Value> values;
  for (formats::Member& member : formats::members_of(need(name, Kind::Array, "a list").text))
    values.push_back(std::move(member.value));
  return values;
}

std::optional<std::string> StrictObject::optional_text(std::string_view name) {
  return take(name) ? std::optional(text(name)) : std::nullopt;
}
std::optional<std::size_t> StrictObject::optional_count(std::string_view name) {
  return take(name) ? std::optional(count(name)) : std::nullopt;
}
std::optional<double> StrictObject::optional_number(std::string_view name) {
  return take(name) ? std::optional(number(name)) : std::nullopt;
}
std::optional<bool> StrictObject::optional_flag(std::string_view name) {
  return take(name) ? std::optional(flag(name)) : std::nullopt;
}
std::optional<std::vector<Value>> StrictObject::optional_list(std::string_view name) {
  return take(name) ? std::optional(list(name)) : std::nullopt;
}

void StrictObject::finish() const {
  for (std::size_t i = 0; i < members_.size(); ++i)
    if (!asked_[i]) fail(members_[i].name, "is no name of this format");
}

}  // namespace audit
