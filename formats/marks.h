#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "formats/record.h"

namespace formats {

// A human mark means something only beside its maximum. It comes, in this order, from what the user
// said, from the mark itself ("6/7", "6 out of 7"), from the row's own column, from the contest
// that the id names, or from the one that the file's name does.

// The maximum of a contest named in `name` as a run of letters: CMO 21, IMO 7, Putnam 10,
// ProofBench and PB 7 ("IMO2025-1", "PB-Advanced-002", "Putnam2024.jsonl"; not "USAMO").
std::optional<double> contest_max(std::string_view name);

struct MarkQuery {
  std::string mark;
  std::string max_asked = {};  // of --max; each of these is empty if it is not known
  std::string max_column = {};
  std::string id = {};
  SourcePlace place = {};
};

// The mark as a fraction of its maximum, 0 to 1; or, in a sentence that names the place, why not:
// no decimal number, above the maximum, or no maximum (then the remedy is --max).
std::variant<double, std::string> fraction_of(const MarkQuery& query);

// A plain decimal number, not negative: digits with at most one point between them. "inf", "nan",
// "1e9", "+1", "1,5" and blanks are none.
std::optional<double> decimal(std::string_view text);

}  // namespace formats
