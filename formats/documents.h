#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/record.h"

namespace formats {

// Problems that stand in a text for people.

struct Document {
  std::string statement;
  std::string proof;     // empty if there is none
  std::size_t line = 1;  // where the statement starts
};

// Markdown and plain text: one problem. The first heading "Proof" or "Solution" (1 to 6 '#', any
// case, a colon or emphasis around it allowed, outside of code blocks) parts the statement above it
// from the proof below it. Both are trimmed and otherwise untouched.
Document split_markdown(std::string_view text);

// TeX: the problem environments, each with the first proof environment between its end and the next
// problem; or, if there is none, one document of what stands between \begin{document} and
// \end{document} (else everything), less the first proof environment. Comments are not searched.
// Throws FormatError at an environment that is not closed.
std::vector<Document> split_tex(std::string_view text, const std::string& file);

inline constexpr std::size_t kTexProblemsMax = 10'000;

}  // namespace formats
