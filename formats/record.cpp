#include "formats/record.h"

#include "text/words.h"

namespace formats {

std::string to_text(const SourcePlace& place) {
  return place.line == 0 ? place.file : place.file + ":" + std::to_string(place.line);
}

std::string to_text(const RowError& error) {
  std::string text = to_text(error.place);
  if (error.column != 0) text += ":" + std::to_string(error.column);
  return text + ": " + error.reason;
}

const Value* Record::find(std::string_view name) const {
  for (const Field& field : fields)
    if (field.name == name) return &field.value;
  return nullptr;
}

std::string_view without_byte_order_mark(std::string_view bytes, std::string_view file) {
  if (bytes.starts_with("\xEF\xBB\xBF")) return bytes.substr(3);
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF"))
    throw FormatError(std::string(file) + ":1:1: this is UTF-16; save the file as UTF-8");
  return bytes;
}

bool is_absent(const Value& value) {
  if (value.kind == Kind::Null) return true;
  if (value.kind != Kind::String) return false;
  const std::string_view text = text::trim(value.text);
  return text.empty() || text == "null" || text == "None";
}

}  // namespace formats
