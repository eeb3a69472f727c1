#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace theorems {

// What the exact checker says of a proof. It is a judge for tests, rewards and plots.

enum class Status : uint8_t {
  Ok,
  Gap,      // sound, but something is missing or slips without effect
  Wrong,    // false, or not what its rule allows
  Depends,  // right in itself, but built on a line that is wrong
};
std::string_view to_text(Status status);  // "ok", "gap", "wrong", "depends"

enum class Defect : uint8_t {
  None,
  // Gaps.
  NoIntermediate,  // a value that the rule wants shown is left out: 37*24 = 52*17+4
  Reference,       // rule or references are missing or not the right ones, but the line follows
  Slip,            // a wrong number that nothing uses: 37*24 = 889 = 52*17+4
  Merged,          // two steps in one line
  NoGoal,          // all is there but the last line
  // Errors.
  Value,      // a wrong number that counts
  Operand,    // what is taken over from another line is not what stands there
  Rule,       // the rule does not allow this
  Missing,    // a term, a case or a base is missing
  Forced,     // asserts the goal, which does not follow
  Order,      // uses itself or a later line
  Other,      // proves something else
  Witness,    // the witness does not do it
  Unreadable  // cannot be read
};
std::string_view to_text(Defect defect);  // "value", "operand", ...

struct LineReport {
  Status status = Status::Ok;
  Defect defect = Defect::None;
  std::vector<int> because = {};  // of Depends: the lines, in ascending order
  bool needed = false;            // the goal uses it

  // What a careful reader writes down to find this out, in steps of single digits, without the
  // line's number and verdict: "37*20=740 37*4=148 740+148=888; 52*10=520 52*7=364 520+364=884
  // 884+4=888". Never empty.
  std::string working = {};
  // Of Gap and Wrong: further steps that lead to the right line, and its body with its rule as it
  // should be: "50*17=850 888-850=38 2*17=34 38-34=4" and "37*24 = 888 = 52*17+4 [calc]". Either
  // may be empty.
  std::string repair = {};
  std::string remedy = {};
};

// 0, 0.5, 1 as halves, as everywhere in this program.
struct Report {
  int halves = 0;
  std::vector<LineReport> lines;  // one for each line of the proof
  std::optional<int> first_flaw;  // number of the first line that is Wrong or Gap
  std::string unreadable = {};    // why nothing was checked; then there are no lines
};

// The score that follows: 0 if a line that the goal needs is Wrong (what is missing makes the
// goal's line Wrong), 0.5 if any other line is Wrong or any line a Gap, else 1.
int halves_of(const std::vector<LineReport>& lines);

}  // namespace theorems
