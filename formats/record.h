#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace formats {

// What a file of others comes apart into, whatever its format: records of named values, each with
// the place where it stands, so that every complaint can name file and line.

enum class Kind { Null, Boolean, Number, String, Array, Object };

// A value as text. A string is its characters; anything else is its JSON text, byte for byte as
// written, so that no number loses a digit. A CSV cell is a string.
struct Value {
  Kind kind = Kind::String;
  std::string text;
};

struct Field {
  std::string name;
  Value value;
};

struct SourcePlace {
  std::string file;
  std::size_t line = 0;  // from 1; 0: the file as a whole
};
std::string to_text(const SourcePlace& place);  // "problems.csv:12"

struct Record {
  SourcePlace place;
  std::vector<Field> fields;  // in the file's order, names unique

  // The field of exactly this name, or nullptr.
  const Value* find(std::string_view name) const;
};

// One row that cannot be used. The others can.
struct RowError {
  SourcePlace place;
  std::size_t column = 0;  // from 1, in bytes; 0: the row as a whole
  std::string reason;
};
std::string to_text(const RowError& error);  // "problems.csv:12:7: not UTF-8"

struct Records {
  std::vector<Record> records;
  std::vector<RowError> errors;  // in the file's order
};

// The file as a whole cannot be read. The message names file, line, column and remedy.
class FormatError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline constexpr std::size_t kFileBytesMax = std::size_t{1} << 30;
inline constexpr std::size_t kRowsMax = 1'000'000;
inline constexpr std::size_t kColumnsMax = 1'000;

// Takes a UTF-8 byte order mark off. Throws FormatError at a UTF-16 one: such a file has to be
// saved anew, since a guess at its encoding could change a proof.
std::string_view without_byte_order_mark(std::string_view bytes, std::string_view file);

// Whether a cell holds nothing: blanks only, or what other programs write for nothing, "null" and
// "None" (so spelled).
bool is_absent(const Value& value);

}  // namespace formats
