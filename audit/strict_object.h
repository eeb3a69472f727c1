#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/json.h"

namespace audit {

// A JSON object of one of our own formats, read strictly: every name is asked for once, what is
// there and never asked for is an error. All failures throw formats::FormatError that names `where`
// ("calibration.json: rules.3") and the name.
class StrictObject {
 public:
  // REQUIRES: the value's text is sound JSON (formats::find_json_fault).
  StrictObject(const formats::Value& value, std::string where);

  std::string text(std::string_view name);
  std::size_t count(std::string_view name);  // a whole number, 0 or more, below 2^53
  double number(std::string_view name);      // finite
  bool flag(std::string_view name);
  StrictObject object(std::string_view name);
  std::vector<formats::Value> list(std::string_view name);

  // The same for names that may be absent or null.
  std::optional<std::string> optional_text(std::string_view name);
  std::optional<std::size_t> optional_count(std::string_view name);
  std::optional<double> optional_number(std::string_view name);
  std::optional<bool> optional_flag(std::string_view name);
  std::optional<std::vector<formats::Value>> optional_list(std::string_view name);

  void finish() const;  // throws if a name was not asked for
  [[noreturn]] void fail(std::string_view name, const std::string& reason) const;
  const std::string& where() const { return where_; }

 private:
  const formats::Value* take(std::string_view name);
  const formats::Value& need(std::string_view name, formats::Kind kind, std::string_view kind_name);

  std::string where_;
  std::vector<formats::Member> members_;
  std::vector<bool> asked_;
};

}  // namespace audit
