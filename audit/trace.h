#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/record.h"

namespace audit {

// The record of how a proof was judged, ours or published by others, in one form that the checks of
// checks.h can read. What an origin does not state stays empty and is then not checked.

enum class Origin { Guess, Elenchus, DeepSeekOutputs, DeepSeekPool, Momus };
std::string_view to_text(Origin origin);  // "elenchus", "deepseek-outputs", ...

struct TraceIssue {
  std::string quote;     // empty: none given
  std::string severity;  // "fatal", "minor"
  std::string reason;
};

// Counted: a rule uses it. Struck: meta-verification found it baseless, or code a copy of the
// proof's own evaluation. Open: negative, and its meta-votes decided nothing.
enum class Standing { Counted, Struck, Open };

struct TraceVote {
  std::string score;               // as written, "0.5" or "7 / 7"; empty: none could be read
  std::optional<double> fraction;  // of the maximum
  Standing standing = Standing::Counted;
  std::optional<std::vector<TraceIssue>> issues = {};  // nothing: the origin lists none
  std::string text = {};
  bool truncated = false;
  std::size_t line = 0;  // where it stands in the file; 0: where the trace does
};

struct Trace {
  Origin origin = Origin::Guess;
  std::string id;
  formats::SourcePlace place;
  std::string problem, proof;
  bool proof_truncated = false;  // its origin says so
  std::string self_evaluation;
  std::vector<TraceVote> votes;
  bool votes_in_order = false;        // the last one was given last
  std::vector<std::string> comments;  // reports that were asked for no score
  std::optional<std::size_t> requested, returned, parsed;
  std::optional<std::size_t> quorum;     // counted votes without which nothing is accepted
  std::optional<double> mean;            // as stated
  std::optional<bool> accepted;          // as stated
  std::string rule;                      // of acceptance: a name of pipeline/rules.h, or "mean>=T"
  std::optional<double> rule_threshold;  // of the rule "mean"
};

struct Traces {
  Origin origin = Origin::Guess;
  std::size_t records = 0;  // in the file; each is in `traces` or in `errors`, some in both
  std::vector<Trace> traces;
  std::vector<formats::RowError> errors;
};

inline constexpr std::size_t kVotesMax = 10'000;  // of one trace
inline constexpr std::size_t kLogProofsMax = 2'000;

// Reads JSON Lines, or a JSON array, of one origin; `Guess` tells it by the first record that has
// the names of one:
//   elenchus           "schema": "elenchus.trace/1" (trace_file.cpp says what stands in it)
//   deepseek-outputs   "model_prediction": one proof with the mean of its votes
//   deepseek-pool      "score2ratings": one proof with all its votes
//   momus              "role" and "request": one call. Calls that speak of the same proof make one
//                      trace: a grader's is a vote on the solution in its prompt, a solver's is a
//                      proof, a processor's a comment. A proof ends the solver's answer it is from.
// Throws formats::FormatError if no record is of a known origin, or past a limit.
Traces read_traces(std::string_view bytes, const std::string& file, Origin origin = Origin::Guess);

// One line of our own format, with its line end. Reading it gives the same trace, place aside.
std::string write_trace(const Trace& trace);

// The grade of a Momus report: "n / m" behind the last line that starts with "Final Grade", in the
// spellings "**Final Grade: 7 / 7**", "**Final Grade:**" and "**(0 / 7)**" below it, "7/7",
// "7 out of 7". Nothing if there is none, if n > m, or if two such lines differ.
struct Grade {
  std::string text;  // "7 / 7"
  double fraction = 0;
};
std::optional<Grade> read_final_grade(std::string_view report);

}  // namespace audit
