#include "formats/problems.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <utility>

#include "formats/csv.h"
#include "formats/documents.h"
#include "formats/json.h"
#include "formats/jsonl.h"
#include "text/sha256.h"
#include "text/utf8.h"
#include "text/words.h"

namespace formats {
namespace {

namespace fs = std::filesystem;

std::optional<Format> format_of_name(const std::string& name) {
  constexpr std::array<std::pair<std::string_view, Format>, 9> endings = {{
      {".csv", Format::Csv},
      {".tsv", Format::Tsv},
      {".jsonl", Format::Jsonl},
      {".ndjson", Format::Jsonl},
      {".json", Format::Json},
      {".md", Format::Markdown},
      {".markdown", Format::Markdown},
      {".txt", Format::Text},
      {".tex", Format::Tex},
  }};
  const std::string ending = text::lower_ascii(fs::path(name).extension().string());
  for (const auto& [known, format] : endings)
    if (ending == known) return format;
  return std::nullopt;
}

// JSON files are often JSON Lines and the other way round, so for both the content decides: lines
// are several, and the first one is a whole object.
Format format_of_json(std::string_view trimmed, Format otherwise) {
  if (trimmed.starts_with('[')) return Format::Json;
  const std::string_view first = trimmed.substr(0, trimmed.find('\n'));
  const bool lines = first.size() < trimmed.size() && !find_json_fault(first);
  return lines ? Format::Jsonl : otherwise;
}

// Whether the first line names a column that is surely a statement: prose with a comma does not.
bool looks_like_csv(std::string_view trimmed, const std::string& name) {
  const std::string_view header = trimmed.substr(0, trimmed.find('\n'));
  if (header.size() == trimmed.size() || header.find(',') == std::string_view::npos) return false;
  try {
    const std::vector<CsvRow> rows = read_csv_rows(header, name);
    choose_columns(rows.front().cells, {}, std::array{Target::Statement}, name);
    return true;
  } catch (const FormatError&) {
    return false;
  }
}

Format guess_format(std::string_view bytes, const std::string& name) {
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  const std::string_view trimmed = text::trim(bytes);
  if (const std::optional<Format> named = format_of_name(name))
    return *named == Format::Json || *named == Format::Jsonl ? format_of_json(trimmed, *named)
                                                             : *named;
  if (trimmed.starts_with('{')) return format_of_json(trimmed, Format::Json);
  // "[Hint: ..." may open a text, so here the array has to be sound.
  if (trimmed.starts_with('[') && !find_json_fault(trimmed)) return Format::Json;
  if (trimmed.starts_with("\\documentclass") ||
      trimmed.find("\\begin{problem}") != std::string_view::npos)
    return Format::Tex;
  return looks_like_csv(trimmed, name) ? Format::Csv : Format::Markdown;
}

// What a model is asked in a list of chat messages: the last one of the user.
std::string last_user_message(std::string_view json) {
  std::string found;
  for (const Member& message : members_of(json)) {
    if (message.value.kind != Kind::Object) continue;
    const auto role = value_at(message.value.text, "role");
    const auto content = value_at(message.value.text, "content");
    if (!role || role->text != "user" || !content) continue;
    found.clear();
    if (content->kind == Kind::String) found = content->text;
    for (const Member& part : members_of(content->kind == Kind::Array ? content->text : "null"))
      if (part.value.kind == Kind::Object)
        if (const auto text = value_at(part.value.text, "text")) found += text->text;
  }
  return found;
}

// A marking scheme as a list of {title, desc, points}, in words.
std::string scheme_in_words(std::string_view json) {
  std::string words;
  for (const Member& entry : members_of(json)) {
    const auto part = [&](std::string_view name) {
      const auto value =
          entry.value.kind == Kind::Object ? value_at(entry.value.text, name) : std::nullopt;
      return value && !is_absent(*value) ? value->text : std::string();
    };
    const std::string title = part("title"), text = part("desc"), points = part("points");
    if (title.empty() && text.empty()) return std::string(json);
    if (!words.empty()) words += '\n';
    words += title;
    if (!points.empty()) words.append(" (").append(points).append(" points)");
    if (!words.empty() && words.back() != '\n') words += ": ";
    words += text;
  }
  return words;
}

std::string text_of(const Record& record, const Choices& choices, Target target) {
  const std::string* column = choices.column_of(target);
  const std::optional<Value> value = column ? value_of(record, *column) : std::nullopt;
  if (!value || is_absent(*value)) return "";
  if (value->kind == Kind::Array && target == Target::Statement)
    return last_user_message(value->text);
  if (value->kind == Kind::Array && target == Target::Rubric) return scheme_in_words(value->text);
  return value->text;
}

// Everything that no choice has used. Of an object whose members are used in part, the rest, under
// their paths.
std::vector<Field> unused(const Record& record, const Choices& choices) {
  std::set<std::string, std::less<>> used;
  for (const Choice& choice : choices.list) used.insert(choice.column);
  std::vector<Field> rest;
  for (const Field& field : record.fields) {
    if (used.contains(field.name)) continue;
    const std::string inside = field.name + ".";
    const auto path = used.lower_bound(inside);
    if (field.value.kind != Kind::Object || path == used.end() || !path->starts_with(inside)) {
      rest.push_back(field);
      continue;
    }
    for (Member& member : members_of(field.value.text))
      if (!used.contains(inside + member.name))
        rest.push_back({inside + member.name, std::move(member.value)});
  }
  return rest;
}

// The Open Proof Corpus keeps all attempts at a problem in one row; for grading each is a row.
std::vector<Record> with_attempts_apart(std::vector<Record> records) {
  std::vector<Record> apart;
  for (Record& record : records) {
    const Value* attempts = record.find("attempts");
    if (!attempts || attempts->kind != Kind::Array || record.find("proof")) {
      apart.push_back(std::move(record));
      continue;
    }
    std::size_t index = 0;
    for (Member& attempt : members_of(attempts->text)) {
      if (apart.size() == kRowsMax)
        throw FormatError(to_text(record.place) + ": more than " + std::to_string(kRowsMax) +
                          " attempts; split the file");
      Record row{.place = record.place, .fields = {}};
      for (const Field& field : record.fields)
        if (field.name != "attempts") row.fields.push_back(field);
      row.fields.push_back({"attempt.index", {Kind::Number, std::to_string(++index)}});
      for (Member& member : members_of(attempt.value.text))
        row.fields.push_back({"attempt." + member.name, std::move(member.value)});
      apart.push_back(std::move(row));
    }
  }
  return apart;
}

std::vector<std::string> columns_of(const Records& read, const std::string& file) {
  std::vector<std::string> columns;
  std::set<std::string> seen;
  for (const Record& record : read.records)
    for (const Field& field : record.fields) {
      if (!seen.insert(field.name).second) continue;
      if (columns.size() == kColumnsMax)
        throw FormatError(to_text(record.place) + ": more than " + std::to_string(kColumnsMax) +
                          " different names in " + file);
      columns.push_back(field.name);
    }
  return columns;
}

std::string stem_of(const std::string& file) {
  return file == "-" ? "stdin" : fs::path(file).stem().string();
}

Submission submission_of(const Record& record, const Choices& choices) {
  Submission row;
  Problem& problem = row.problem;
  problem.id = text_of(record, choices, Target::Id);
  problem.statement = text_of(record, choices, Target::Statement);
  problem.answer = text_of(record, choices, Target::Answer);
  problem.reference = text_of(record, choices, Target::Reference);
  problem.rubric = text_of(record, choices, Target::Rubric);
  problem.place = record.place;
  problem.metadata = unused(record, choices);
  row.proof = text_of(record, choices, Target::Proof);
  row.mark = text_of(record, choices, Target::Mark);
  row.mark_max = text_of(record, choices, Target::MarkMax);
  row.mean = text_of(record, choices, Target::Mean);

  // GSM8K: the reference, then "####" and the answer.
  if (const std::size_t at = problem.answer.rfind("####"); at != std::string::npos) {
    if (problem.reference.empty())
      problem.reference = std::string(text::trim(std::string_view(problem.answer).substr(0, at)));
    problem.answer = std::string(text::trim(std::string_view(problem.answer).substr(at + 4)));
  }
  if (problem.id.empty())
    problem.id = choices.known_as == "DeepSeek-Math-V2 inputs"
                     ? text::sha256_hex(text::trim(problem.statement))
                     : stem_of(record.place.file) + ":" + std::to_string(record.place.line);
  row.id = text_of(record, choices, Target::Submission);
  if (row.id.empty()) row.id = problem.id;
  return row;
}

void add_records(Table& table, Records read, const std::string& file, const ReadOptions& options) {
  table.errors = std::move(read.errors);
  if (options.need == Need::Proof) read.records = with_attempts_apart(std::move(read.records));
  if (read.records.empty()) return;
  std::vector<Target> required{Target::Statement};
  if (options.need == Need::Proof) required.push_back(Target::Proof);
  table.choices = choose_columns(columns_of(read, file), options.mapping, required, file);
  for (const Record& record : read.records) {
    Submission row = submission_of(record, table.choices);
    if (row.problem.statement.empty())
      table.errors.push_back({record.place, 0, "no statement in this row"});
    else
      table.rows.push_back(std::move(row));
  }
}

void add_documents(Table& table, std::string_view bytes, const std::string& file,
                   const ReadOptions& options) {
  bytes = without_byte_order_mark(bytes, file);
  if (const auto bad = text::find_invalid_utf8(bytes)) {
    const text::Place place = text::place_of(bytes, *bad);
    table.errors.push_back({{file, place.line}, place.column, "not UTF-8"});
    return;
  }
  std::vector<Document> documents;
  if (table.format == Format::Tex)
    documents = split_tex(bytes, file);
  else
    documents.push_back(split_markdown(bytes));

  for (std::size_t i = 0; i < documents.size(); ++i) {
    const SourcePlace place{file, documents[i].line};
    if (documents[i].statement.empty()) {
      table.errors.push_back({place, 0, "no statement"});
      continue;
    }
    if (options.need == Need::Proof && documents[i].proof.empty()) {
      table.errors.push_back(
          {place, 0,
           table.format == Format::Tex
               ? "no proof: put it into \\begin{proof} ... \\end{proof} behind the problem"
               : "no proof: put it below a heading \"## Proof\""});
      continue;
    }
    Submission row;
    row.problem.id = stem_of(file);
    if (documents.size() > 1) row.problem.id += "-" + std::to_string(i + 1);
    row.id = row.problem.id;
    row.problem.statement = std::move(documents[i].statement);
    row.problem.place = place;
    row.proof = std::move(documents[i].proof);
    table.rows.push_back(std::move(row));
  }
}

void settle_duplicates(Table& table, Duplicates duplicates) {
  std::map<std::pair<std::string, std::string>, SourcePlace> first;
  std::vector<Submission> kept;
  for (Submission& row : table.rows) {
    const auto [at, fresh] = first.emplace(std::pair(row.problem.id, row.id), row.problem.place);
    if (fresh) {
      kept.push_back(std::move(row));
      continue;
    }
    const std::string reason = "the id \"" + row.id + "\" stands already at " + to_text(at->second);
    if (duplicates == Duplicates::Refuse)
      throw FormatError(to_text(row.problem.place) + ": " + reason +
                        "; give it an id of its own, name a column that tells them apart with "
                        "--map submission=COLUMN, or keep the first with --dedup");
    table.dropped.push_back({row.problem.place, 0, reason});
  }
  table.rows = std::move(kept);
}

Table read_folder(const std::string& path, const ReadOptions& options) {
  std::vector<std::string> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
    const auto format = format_of_name(entry.path().filename().string());
    if (!entry.is_regular_file() || !format) continue;
    if (*format != Format::Markdown && *format != Format::Text && *format != Format::Tex)
      throw FormatError(entry.path().string() +
                        ": only .md, .txt and .tex files can be read as a folder; name this file "
                        "itself");
    if (files.size() == kFolderFilesMax)
      throw FormatError(path + ": more than " + std::to_string(kFolderFilesMax) + " files");
    files.push_back(entry.path().string());
  }
  if (files.empty()) throw FormatError(path + ": no .md, .txt or .tex file in this folder");
  std::ranges::sort(files);

  Table all;
  ReadOptions each = options;
  each.duplicates = Duplicates::KeepFirst;  // of one file; across files they are settled below
  for (const std::string& file : files) {
    Table table = table_of(read_file(file), file, each);
    all.format = table.format;
    std::ranges::move(table.rows, std::back_inserter(all.rows));
    std::ranges::move(table.errors, std::back_inserter(all.errors));
  }
  settle_duplicates(all, options.duplicates);
  return all;
}

}  // namespace

std::string read_stream(std::istream& input, const std::string& name, std::size_t bytes_max) {
  std::string bytes;
  std::array<char, 1 << 16> piece;
  while (input) {
    input.read(piece.data(), std::streamsize(piece.size()));
    bytes.append(piece.data(), std::size_t(input.gcount()));
    if (bytes.size() > bytes_max)
      throw FormatError(name + ": larger than " + std::to_string(bytes_max) +
                        " bytes; split the file");
  }
  if (input.bad()) throw FormatError(name + ": reading failed");
  return bytes;
}

std::string read_file(const std::string& path) {
  if (path == "-") return read_stream(std::cin, path);
  if (fs::is_directory(path)) throw FormatError(path + ": is a folder, not a file");
  std::ifstream input(path, std::ios::binary);
  if (!input) throw FormatError(path + ": cannot be opened");
  return read_stream(input, path);
}

Table table_of(std::string_view bytes, const std::string& name, const ReadOptions& options) {
  Table table;
  table.format = options.format == Format::Guess ? guess_format(bytes, name) : options.format;
  switch (table.format) {
    case Format::Csv:
      add_records(table, read_csv(bytes, name), name, options);
      break;
    case Format::Tsv:
      add_records(table, read_csv(bytes, name, {.delimiter = '\t'}), name, options);
      break;
    case Format::Jsonl:
      add_records(table, read_jsonl(bytes, name), name, options);
      break;
    case Format::Json:
      add_records(table, read_json(bytes, name), name, options);
      break;
    default:
      add_documents(table, bytes, name, options);
  }
  if (table.rows.empty() && table.errors.empty())
    throw FormatError(name + ": holds no problem, not even one that cannot be read");
  std::ranges::stable_sort(table.errors, {},
                           [](const RowError& error) { return error.place.line; });
  settle_duplicates(table, options.duplicates);
  return table;
}

Table read_table(std::istream& input, const std::string& name, const ReadOptions& options) {
  return table_of(read_stream(input, name), name, options);
}

Table read_table(const std::string& path, const ReadOptions& options) {
  if (path != "-" && fs::is_directory(path)) return read_folder(path, options);
  return table_of(read_file(path), path, options);
}

}  // namespace formats
