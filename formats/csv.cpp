#include "formats/csv.h"

#include <algorithm>
#include <set>

#include "text/utf8.h"
#include "text/words.h"

namespace formats {
namespace {

// Walks through the bytes once. The position is only turned into line and column for a complaint.
class Scanner {
 public:
  Scanner(std::string_view bytes, const std::string& file, const CsvOptions& options)
      : bytes_(bytes), file_(file), options_(options) {}

  bool at_end() const { return at_ == bytes_.size(); }

  CsvRow next_row() {
    CsvRow row{.line = line_, .cells = {}};
    while (true) {
      if (row.cells.size() == options_.columns_max)
        fail(at_, "more than " + std::to_string(options_.columns_max) + " columns");
      row.cells.push_back(at_end() || bytes_[at_] != '"' ? bare_cell() : quoted_cell());
      if (at_end() || bytes_[at_] != options_.delimiter) break;
      ++at_;
    }
    end_line();
    return row;
  }

  // Passes over lines that hold nothing at all.
  void skip_blank_lines() {
    while (!at_end() && is_line_end(bytes_[at_])) end_line();
  }

  [[noreturn]] void fail(std::size_t offset, const std::string& reason) const {
    const text::Place place = text::place_of(bytes_, offset);
    throw FormatError(file_ + ":" + std::to_string(place.line) + ":" +
                      std::to_string(place.column) + ": " + reason);
  }

 private:
  static bool is_line_end(char c) { return c == '\n' || c == '\r'; }

  void end_line() {
    if (at_end()) return;
    if (bytes_[at_] == '\r' && at_ + 1 < bytes_.size() && bytes_[at_ + 1] == '\n') ++at_;
    ++at_;
    ++line_;
  }

  void check_size(std::size_t begin, std::size_t size) const {
    if (size > options_.cell_bytes_max)
      fail(begin, "a cell of more than " + std::to_string(options_.cell_bytes_max) + " bytes");
  }

  std::string bare_cell() {
    const std::size_t begin = at_;
    while (!at_end() && bytes_[at_] != options_.delimiter && !is_line_end(bytes_[at_])) {
      if (bytes_[at_] == '"')
        fail(at_, "a quote inside a cell; put the cell in quotes and double this one");
      ++at_;
      check_size(begin, at_ - begin);
    }
    return std::string(bytes_.substr(begin, at_ - begin));
  }

  std::string quoted_cell() {
    const std::size_t begin = at_++;
    std::string cell;
    while (true) {
      if (at_end()) fail(begin, "the quote that opens here is never closed");
      const char c = bytes_[at_++];
      if (c == '"') {
        if (at_end() || bytes_[at_] != '"') break;
        ++at_;
      }
      if (c == '\n' || (c == '\r' && (at_end() || bytes_[at_] != '\n'))) ++line_;
      cell += c;
      check_size(begin, cell.size());
    }
    if (!at_end() && bytes_[at_] != options_.delimiter && !is_line_end(bytes_[at_]))
      fail(at_, "text behind the closing quote; a quote inside a cell has to be doubled");
    return cell;
  }

  std::string_view bytes_;
  const std::string& file_;
  const CsvOptions& options_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

// The names of the columns. One that occurs twice could not be asked for; one that is blank (an
// index column, as data frames write it) is called by its number.
std::vector<std::string> header_of(const CsvRow& row, const std::string& file) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const std::string& cell : row.cells) {
    const std::string where =
        file + ":" + std::to_string(row.line) + ": column " + std::to_string(names.size() + 1);
    if (text::find_invalid_utf8(cell)) throw FormatError(where + ": the name is not UTF-8");
    names.emplace_back(text::trim(cell));
    if (names.back().empty()) names.back() = "column " + std::to_string(names.size());
    if (!seen.insert(names.back()).second)
      throw FormatError(where + ": a second column named \"" + names.back() + "\"");
  }
  return names;
}

}  // namespace

std::vector<CsvRow> read_csv_rows(std::string_view bytes, const std::string& file,
                                  const CsvOptions& options) {
  Scanner scanner(without_byte_order_mark(bytes, file), file, options);
  std::vector<CsvRow> rows;
  for (scanner.skip_blank_lines(); !scanner.at_end(); scanner.skip_blank_lines()) {
    if (rows.size() == options.rows_max)
      throw FormatError(file + ": more than " + std::to_string(options.rows_max) +
                        " rows; split the file");
    rows.push_back(scanner.next_row());
  }
  return rows;
}

Records read_csv(std::string_view bytes, const std::string& file, const CsvOptions& options) {
  std::vector<CsvRow> rows = read_csv_rows(bytes, file, options);
  if (rows.empty()) throw FormatError(file + ": no header row with the columns' names");
  const std::vector<std::string> names = header_of(rows.front(), file);

  Records read;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    CsvRow& row = rows[i];
    const SourcePlace place{file, row.line};
    if (row.cells.size() != names.size()) {
      read.errors.push_back({place, 0,
                             std::to_string(row.cells.size()) + " cells, but the header names " +
                                 std::to_string(names.size()) + " columns"});
      continue;
    }
    const auto bad = std::ranges::find_if(row.cells, [](const std::string& cell) {
      return text::find_invalid_utf8(cell).has_value();
    });
    if (bad != row.cells.end()) {
      const std::size_t column = std::size_t(bad - row.cells.begin());
      read.errors.push_back({place, 0,
                             "column \"" + names[column] + "\" is not UTF-8 from its byte " +
                                 std::to_string(*text::find_invalid_utf8(*bad) + 1) + " on"});
      continue;
    }
    Record record{.place = place, .fields = {}};
    record.fields.reserve(names.size());
    for (std::size_t c = 0; c < names.size(); ++c)
      record.fields.push_back({names[c], {Kind::String, std::move(row.cells[c])}});
    read.records.push_back(std::move(record));
  }
  return read;
}

std::string csv_line(std::span<const std::string> cells, FormulaGuard guard) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    std::string cell = cells[i];
    const std::size_t first = cell.find_first_not_of("\t\r");
    if (guard == FormulaGuard::Escape && first != std::string::npos &&
        std::string_view("=+-@").find(cell[first]) != std::string_view::npos)
      cell.insert(0, 1, '\'');

    if (i > 0) line += ',';
    // A row of one empty cell would be a blank line, and a leading byte order mark would be
    // dropped.
    const bool plain = cell.find_first_of(",\"\r\n\xEF") == std::string::npos &&
                       !(cell.empty() && cells.size() == 1);
    if (plain) {
      line += cell;
      continue;
    }
    line += '"';
    for (const char c : cell) line.append(c == '"' ? 2 : 1, c);
    line += '"';
  }
  return line + '\n';
}

}  // namespace formats
