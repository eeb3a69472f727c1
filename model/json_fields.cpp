#include "model/json_fields.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "model/config.h"
#include "model/files.h"

namespace model {
namespace {

using nlohmann::json;

// Refuses what the parser itself lets pass: depth, and names that stand twice.
class Strict {
 public:
  explicit Strict(std::string_view file) : file_(file) {}

  bool operator()(int, json::parse_event_t event, const json& value) {
    switch (event) {
      case json::parse_event_t::object_start:
      case json::parse_event_t::array_start:
        names_.emplace_back();
        if (names_.size() > JsonFields::kDepthMax)
          throw Refused(std::string(file_) + " is nested deeper than " +
                        std::to_string(JsonFields::kDepthMax) + " levels");
        break;
      case json::parse_event_t::object_end:
      case json::parse_event_t::array_end:
        names_.pop_back();
        break;
      case json::parse_event_t::key: {
        const std::string& name = value.get_ref<const std::string&>();
        if (!names_.back().insert(name).second)
          throw Refused(std::string(file_) + " has the field " + in_quotes(name) + " twice");
        break;
      }
      case json::parse_event_t::value:
        break;
    }
    return true;
  }

 private:
  std::string_view file_;
  std::vector<std::set<std::string>> names_;
};

template <class T>
std::string range(Limits<T> limits) {
  return json(limits.least).dump() + " to " + json(limits.most).dump();
}

// What stands there, short enough for a message.
std::string shown_value(const json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list of " + std::to_string(value.size());
  if (value.is_string()) return in_quotes(value.get_ref<const std::string&>());
  return value.dump();
}

}  // namespace

struct JsonFields::Impl {
  std::string file;
  std::string path;                  // of the object in the file: "", or "rope_scaling."
  std::shared_ptr<const json> root;  // keeps `object` alive
  const json* object = nullptr;

  const json* find(std::string_view name) const {
    const auto at = object->find(name);
    return at == object->end() || at->is_null() ? nullptr : &*at;
  }

  const json& needed(std::string_view name) const {
    const json* value = find(name);
    if (!value) throw Refused(file + " has no " + path + std::string(name));
    return *value;
  }

  [[noreturn]] void refuse_value(std::string_view name, const json& value,
                                 const std::string& must) const {
    throw Refused(file + ": " + path + std::string(name) + " is " + shown_value(value) +
                  "; it must be " + must);
  }

  int64_t integer(std::string_view name, const json& value, Limits<int64_t> limits) const {
    const bool fits = value.is_number_unsigned() ? value.get<uint64_t>() <= uint64_t(INT64_MAX)
                                                 : value.is_number_integer();
    if (!fits || value.get<int64_t>() < limits.least || value.get<int64_t>() > limits.most)
      refuse_value(name, value, "an integer, " + range(limits));
    return value.get<int64_t>();
  }

  double number(std::string_view name, const json& value, Limits<double> limits) const {
    const double number = value.is_number() ? value.get<double>() : NAN;
    if (!(number >= limits.least && number <= limits.most))
      refuse_value(name, value, "a number, " + range(limits));
    return number;
  }

  std::string word(std::string_view name, const json& value) const {
    if (!value.is_string()) refuse_value(name, value, "a text");
    return value.get<std::string>();
  }

  // The elements of a list, or the one value in its place.
  std::vector<const json*> list(std::string_view name, std::size_t count_max) const {
    std::vector<const json*> items;
    const json* value = find(name);
    if (!value) return items;
    if (!value->is_array()) return {value};
    if (value->size() > count_max)
      refuse_value(name, *value, "a list of at most " + std::to_string(count_max));
    for (const json& item : *value) items.push_back(&item);
    return items;
  }
};

JsonFields JsonFields::parse(std::string_view text, std::string_view file) {
  // The library takes a NUL for the end of the text and would not see what stands behind it.
  if (text.find('\0') != std::string_view::npos)
    throw Refused(std::string(file) + " is not JSON: it holds a NUL byte");
  auto root = std::make_shared<json>();
  try {
    *root = json::parse(text, Strict(file));
  } catch (const json::parse_error& error) {
    throw Refused(std::string(file) + " is not JSON at its byte " + std::to_string(error.byte));
  } catch (const json::exception&) {
    throw Refused(std::string(file) + " is not JSON: it holds a number beyond all bounds");
  }
  if (!root->is_object()) throw Refused(std::string(file) + " is not a JSON object");
  Impl impl{.file = std::string(file), .path = {}, .root = root, .object = root.get()};
  return JsonFields(std::make_shared<const Impl>(std::move(impl)));
}

bool JsonFields::has(std::string_view name) const { return impl_->find(name) != nullptr; }

std::optional<JsonFields> JsonFields::object(std::string_view name) const {
  const json* value = impl_->find(name);
  if (!value) return std::nullopt;
  if (!value->is_object()) impl_->refuse_value(name, *value, "an object");
  Impl inner = *impl_;
  inner.path += std::string(name) + ".";
  inner.object = value;
  return JsonFields(std::make_shared<const Impl>(std::move(inner)));
}

int64_t JsonFields::integer(std::string_view name, Limits<int64_t> limits) const {
  return impl_->integer(name, impl_->needed(name), limits);
}

double JsonFields::number(std::string_view name, Limits<double> limits) const {
  return impl_->number(name, impl_->needed(name), limits);
}

std::string JsonFields::word(std::string_view name) const {
  return impl_->word(name, impl_->needed(name));
}

int64_t JsonFields::integer_or(std::string_view name, int64_t otherwise,
                               Limits<int64_t> limits) const {
  return has(name) ? integer(name, limits) : otherwise;
}

double JsonFields::number_or(std::string_view name, double otherwise, Limits<double> limits) const {
  return has(name) ? number(name, limits) : otherwise;
}

std::string JsonFields::word_or(std::string_view name, std::string_view otherwise) const {
  return has(name) ? word(name) : std::string(otherwise);
}

bool JsonFields::flag_or(std::string_view name, bool otherwise) const {
  const json* value = impl_->find(name);
  if (!value) return otherwise;
  if (!value->is_boolean()) impl_->refuse_value(name, *value, "true or false");
  return value->get<bool>();
}

std::vector<int64_t> JsonFields::integers(std::string_view name, std::size_t count_max,
                                          Limits<int64_t> limits) const {
  std::vector<int64_t> numbers;
  for (const json* item : impl_->list(name, count_max))
    numbers.push_back(impl_->integer(name, *item, limits));
  return numbers;
}

std::vector<std::string> JsonFields::words(std::string_view name, std::size_t count_max) const {
  std::vector<std::string> words;
  for (const json* item : impl_->list(name, count_max)) words.push_back(impl_->word(name, *item));
  return words;
}

void JsonFields::refuse(std::string_view sentence) const {
  throw Refused(impl_->file + ": " + std::string(sentence));
}

}  // namespace model
