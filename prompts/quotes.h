#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace prompts {

// Where a quoted passage stands in a proof: bytes [begin, end) of the proof as it was written.
struct Passage {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Looks the passage up. Blanks, line ends, TeX spacing (\, \; \quad ~ {} $ \( \) and the like),
// marks of fence.h, Markdown emphasis and quotation marks around the whole count for nothing; an
// ellipsis ("...", "…", \dots between blanks) stands for anything in between, in order. A passage
// with fewer than kQuoteLettersMin characters that count is never found: it could be anywhere.
std::optional<Passage> find_quote(std::string_view proof, std::string_view quote);

inline constexpr std::size_t kQuoteLettersMin = 4;

}  // namespace prompts
