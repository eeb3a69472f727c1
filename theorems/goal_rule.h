#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "theorems/proof.h"
#include "theorems/report.h"

namespace theorems {

// The goal of a proof by parts (cases; base and step) follows when one line is cited for each part.
struct PartsOfGoal {
  std::string_view rule;   // "cases"
  int count = 0;           // parts 0 ... count - 1
  std::vector<int> lines;  // for each line of the proof the part that it claims, or -1
};

struct GoalReading {
  Status status = Status::Ok;  // Ok, Gap or Wrong; whether the lines used are right is left open
  Defect defect = Defect::None;
  std::vector<int> chosen;  // the line for each part, 0: none
  std::vector<int> found;   // parts whose line is there, but not cited
  std::vector<int> absent;  // parts without a line
  int later = 0;            // a cited line that is not before this one, 0: none
};

// A part that is not cited is looked for among the lines before the goal. Nothing cited of what is
// needed makes the goal Forced, a part without a line makes it Missing.
GoalReading read_goal(const Line& goal, const PartsOfGoal& parts);

// The goal's line as it would be if it stood behind the proof without references.
Line absent_goal(const Proof& proof, std::string_view rule);

// "goal [cases 1 2 3]"
std::string goal_text(std::string_view rule, const std::vector<int>& chosen);

// An Ok line that uses wrong lines, or lines that depend on wrong ones, Depends on them. The lines
// used must be judged before.
void inherit(LineReport& report, const std::vector<int>& uses,
             const std::vector<LineReport>& reports);

// What is said about a goal whose line is missing is borne by the last line: a Gap if all is there
// (`right` is then the line to add), else it is Wrong as `whole` is.
void bear_absent_goal(LineReport& last, const LineReport& whole, const std::string& right);

}  // namespace theorems
