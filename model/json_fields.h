#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace model {

// What a number may be, both ends included.
template <class T>
struct Limits {
  T least;
  T most;
};

// The fields of a JSON object, each asked for by name and with its limits. All that is refused is
// refused in a sentence with the file, the field, what stands there and what may. null counts as
// not being there.
class JsonFields {
 public:
  static constexpr std::size_t kDepthMax = 32;

  // Throws Refused: no JSON object in UTF-8, too deep, or a name that stands twice in an object.
  static JsonFields parse(std::string_view text, std::string_view file);

  bool has(std::string_view name) const;
  std::optional<JsonFields> object(std::string_view name) const;

  // These throw Refused if the field is not there ...
  int64_t integer(std::string_view name, Limits<int64_t> limits) const;
  double number(std::string_view name, Limits<double> limits) const;
  std::string word(std::string_view name) const;
  // ... and these give `otherwise`.
  int64_t integer_or(std::string_view name, int64_t otherwise, Limits<int64_t> limits) const;
  double number_or(std::string_view name, double otherwise, Limits<double> limits) const;
  std::string word_or(std::string_view name, std::string_view otherwise) const;
  bool flag_or(std::string_view name, bool otherwise) const;

  // A list, or one value in its place; empty if the field is not there.
  std::vector<int64_t> integers(std::string_view name, std::size_t count_max,
                                Limits<int64_t> limits) const;
  std::vector<std::string> words(std::string_view name, std::size_t count_max) const;

  // "config.json: hidden_size 7 is odd": what is wrong with a field.
  [[noreturn]] void refuse(std::string_view sentence) const;

 private:
  struct Impl;
  explicit JsonFields(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace model
