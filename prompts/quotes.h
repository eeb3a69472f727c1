#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

namespace prompts {

// Where a quoted passage stands in a proof: bytes [begin, end) of the proof as it was written.
struct Passage {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Looks the passage up, in time linear in both. Blanks, line ends, TeX spacing (\, \; \quad ~ {} $
// \( \) \left \big & \\ and the like), marks of fence.h, Markdown emphasis (also the underscore of
// an index), blockquote marks and quotation marks around the whole quote count for nothing;
// spellings of one sign (<= of TeX and of Unicode, \dfrac and \frac, straight and curly quotation
// marks) count as equal.
//
// An ellipsis ("...", "…", \dots, also in brackets) that does not stand in the proof as it stands
// in the quote stands for anything in between, in order. One of the pieces around it must have
// kQuoteLettersMin characters that count; a passage with fewer is never found: it could be
// anywhere. Letter case and every other character count.
std::optional<Passage> find_quote(std::string_view proof, std::string_view quote);

// The same proof made ready once for many look-ups: all the votes on it quote the same text.
struct PlainText;
class QuotedProof {
 public:
  explicit QuotedProof(std::string_view proof);
  std::optional<Passage> find(std::string_view quote) const;

 private:
  std::shared_ptr<const PlainText> plain_;  // null: longer than kQuotedProofBytesMax
};

inline constexpr std::size_t kQuoteLettersMin = 4;

// A longer quote is not found, nor one in a longer proof (the limit of gates.h).
inline constexpr std::size_t kQuoteBytesMax = 64 << 10;
inline constexpr std::size_t kQuotedProofBytesMax = 4 << 20;

}  // namespace prompts
