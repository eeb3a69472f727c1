#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/record.h"

namespace formats {

// Which column of a stranger's file is what to us. Known benchmarks and data sets are told by their
// columns (the table stands in mapping.cpp); whatever the user says goes first.

enum class Target {
  Id,          // of the problem
  Submission,  // tells the proofs of one problem apart
  Statement,
  Answer,
  Reference,
  Rubric,
  Proof,
  Mark,     // what a human gave
  MarkMax,  // the best mark that there is
  Mean,     // what other verifiers gave on average, 0 to 1
};
std::string_view to_text(Target target);  // "id", "submission", "statement", ...

// A column's name or, inside a JSON value, a path: "model_prediction.proof",
// "solutions.0.solution".
using Mapping = std::map<Target, std::string>;

// "question=problem,id=name": ours on the left (`question` and `problem` both mean the statement),
// the file's on the right; `\,` is a comma within a name. Throws FormatError, with what is known,
// at an unknown or repeated word on the left and at a missing one on the right.
Mapping parse_mapping(std::string_view text);

struct Choice {
  Target target = Target::Id;
  std::string column;
  enum class Reason { Asked, Known, Guessed } reason = Reason::Guessed;
};
std::string to_text(const Choice& choice);  // "statement = \"question\" (known)"

struct Choices {
  std::string known_as;  // "IMO-ProofBench", or empty
  std::vector<Choice> list;

  const std::string* column_of(Target target) const;  // nullptr if there is none
};

// Chooses for every target that has one. Throws FormatError if a column that was asked for is
// absent, or if one of `required` finds none; the message names `file`, the columns there are, the
// nearest one and the remedy.
Choices choose_columns(std::span<const std::string> columns, const Mapping& asked,
                       std::span<const Target> required, const std::string& file);

// The value that a column name or path leads to.
std::optional<Value> value_of(const Record& record, std::string_view column);

}  // namespace formats
