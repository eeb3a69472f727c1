#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/record.h"

namespace formats {

// Comma-separated values after RFC 4180: cells in double quotes may hold commas, line ends and
// doubled quotes. Rows end with CRLF, LF or CR; blank lines between rows hold nothing.

inline constexpr std::size_t kCellBytesMax = std::size_t{16} << 20;

struct CsvOptions {
  char delimiter = ',';
  std::size_t cell_bytes_max = kCellBytesMax;
  std::size_t columns_max = kColumnsMax;
  std::size_t rows_max = kRowsMax;
};

struct CsvRow {
  std::size_t line = 1;  // where the row starts; a quoted cell may span many
  std::vector<std::string> cells;
};

// All rows as bytes. Throws FormatError naming line and column where the structure breaks (a quote
// inside a bare cell, text behind a closing quote, a quote that is never closed) and past a limit:
// behind such a place it is not known what is a cell.
std::vector<CsvRow> read_csv_rows(std::string_view bytes, const std::string& file,
                                  const CsvOptions& options = {});

// The rows below the first one, which names the columns. A row with more or fewer cells than there
// are names, or with a cell that is not UTF-8, becomes an error; the others are read.
// A blank name becomes "column N". Throws FormatError as above, and if there is no header or it has
// a name twice.
Records read_csv(std::string_view bytes, const std::string& file, const CsvOptions& options = {});

// A spreadsheet runs a cell that starts with = + - @ (or a tab or CR before one) as a formula.
// Escape puts an apostrophe before such a cell. It is off unless asked for: it changes the data,
// and what is written here must be read back the same by a program.
enum class FormulaGuard { Off, Escape };

// One row with its line end, LF: every reader takes it, and line tools do not see a stray CR.
// read_csv_rows gives the cells back byte for byte (guard off), whatever they hold.
std::string csv_line(std::span<const std::string> cells, FormulaGuard guard = FormulaGuard::Off);

}  // namespace formats
