#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace theorems {

// A proof is a list of numbered lines and an end:
//
//   1. 37*24 = 888 = 52*17+4 [calc]
//   2. 8*9 = 72 = 4*17+4 [calc]
//   3. 4+4 = 8 [add 1 2]
//   4. goal [3]
//   QED
//
// A line is its number, a dot, a body and a rule in brackets: a word, then the numbers of the lines
// that it uses. Either may be missing there ("[3]", "[calc]"), but not the brackets.
struct Line {
  int number = 0;
  std::string body = {};
  std::string rule = {};  // "" if none is named
  std::vector<int> refs = {};
  std::string text = {};  // the line as it stands
};

struct Proof {
  std::vector<Line> lines;
};

struct Unreadable {
  int line = 0;  // of the text, from 1
  std::string reason;
};

inline constexpr std::size_t kProofLinesMax = 200;
inline constexpr std::size_t kLineBytesMax = 400;

// Numbers must run 1, 2, 3, ... and the last line must be QED; blank lines and blanks at the ends
// of lines are free. Whether the lines are true is not looked at.
std::variant<Proof, Unreadable> read_proof(std::string_view text);

// The line's text from its parts: "3. 4+4 = 8 [add 1 2]".
std::string line_text(const Line& line);
// Numbers the lines anew from 1 is the caller's business; ends in "QED\n".
std::string to_text(const Proof& proof);

}  // namespace theorems
