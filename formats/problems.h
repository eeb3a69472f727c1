#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "formats/mapping.h"
#include "formats/record.h"

namespace formats {

// Problems to prove and proofs to grade, from the files people have: .csv .tsv .jsonl .json .md
// .txt .tex, or a folder of the last three. An id is what the file says, never a new number.

struct Problem {
  // Where the file gives none: of DeepSeek-Math-V2 inputs the SHA-256 of the trimmed statement, as
  // its own program does; of a document its file's stem (stem-1, stem-2 for several in one .tex);
  // else STEM:LINE.
  std::string id;
  std::string statement;
  std::string answer, reference, rubric;  // empty: none given
  SourcePlace place;
  std::vector<Field> metadata;  // every column that was put to no use, to be given back
};

struct Submission {
  std::string id;  // of its own column, else the problem's
  Problem problem;
  std::string proof;           // empty: none was handed in, which a grader has to see
  std::string mark, mark_max;  // as text, for fraction_of (marks.h); empty: none
  std::string mean;
};

enum class Format { Guess, Csv, Tsv, Jsonl, Json, Markdown, Text, Tex };
enum class Need { Statement, Proof };  // what a row must have a column for

// Two rows are the same if problem id and submission id are. Refuse throws, naming both lines;
// KeepFirst drops the later one and says so in `dropped`.
enum class Duplicates { Refuse, KeepFirst };

struct ReadOptions {
  Need need = Need::Statement;
  Mapping mapping = {};
  Duplicates duplicates = Duplicates::Refuse;
  Format format = Format::Guess;  // by the name's ending, then by the content
};

struct Table {
  Format format = Format::Guess;
  Choices choices;  // to be printed; empty for a document
  std::vector<Submission> rows;
  std::vector<RowError> errors;   // rows that cannot be used: no statement, not UTF-8, ...
  std::vector<RowError> dropped;  // duplicates
};

// Throws FormatError if the file cannot be opened or is larger than kFileBytesMax, if its structure
// is broken, if a column that is needed is missing, at a duplicate id, or if it holds no row at
// all.
// "-" is standard input. A folder's files are read in the order of their names; only documents
// may stand in it, at most kFolderFilesMax.
Table read_table(const std::string& path, const ReadOptions& options = {});
Table read_table(std::istream& input, const std::string& name, const ReadOptions& options = {});
Table table_of(std::string_view bytes, const std::string& name, const ReadOptions& options = {});

inline constexpr std::size_t kFolderFilesMax = 100'000;

// A whole file or stream, for other readers of this kind; the same FormatErrors.
std::string read_file(const std::string& path);
std::string read_stream(std::istream& input, const std::string& name,
                        std::size_t bytes_max = kFileBytesMax);

}  // namespace formats
