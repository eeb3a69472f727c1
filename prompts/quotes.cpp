#include "prompts/quotes.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "prompts/plain_text.h"
#include "text/words.h"

namespace prompts {
namespace {

// Characters that count in a plain text: not the continuation bytes of UTF-8, not an ellipsis.
std::size_t letters_of(std::string_view plain) {
  return static_cast<std::size_t>(std::count_if(plain.begin(), plain.end(), [](char c) {
    return c != kEllipsis && (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

// Knuth, Morris, Pratt: the first place of `piece` in `text` at or behind `from`, in linear time
// for the worst of texts.
std::size_t find_piece(std::string_view text, std::string_view piece, std::size_t from) {
  std::vector<std::size_t> border(piece.size() + 1, 0);
  for (std::size_t i = 1, k = 0; i < piece.size(); ++i) {
    while (k > 0 && piece[i] != piece[k]) k = border[k];
    if (piece[i] == piece[k]) ++k;
    border[i + 1] = k;
  }
  for (std::size_t i = from, k = 0; i < text.size(); ++i) {
    while (k > 0 && text[i] != piece[k]) k = border[k];
    if (text[i] == piece[k]) ++k;
    if (k == piece.size()) return i + 1 - k;
  }
  return std::string_view::npos;
}

std::optional<Passage> passage_of(const PlainText& proof, std::size_t begin, std::size_t end) {
  return Passage{proof.sources[begin].begin, proof.sources[end - 1].end};
}

std::vector<std::string_view> pieces_of(std::string_view plain) {
  std::vector<std::string_view> pieces;
  while (!plain.empty()) {
    const std::size_t end = std::min(plain.find(kEllipsis), plain.size());
    if (end > 0) pieces.push_back(plain.substr(0, end));
    plain.remove_prefix(std::min(end + 1, plain.size()));
  }
  return pieces;
}

// The pieces in order, with anything between them. The leftmost place of each leaves the most room
// for the next ones, so one pass decides.
std::optional<Passage> find_in_order(const PlainText& proof, std::string_view plain) {
  const std::vector<std::string_view> pieces = pieces_of(plain);
  const bool telling = std::any_of(pieces.begin(), pieces.end(), [](std::string_view piece) {
    return letters_of(piece) >= kQuoteLettersMin;
  });
  if (!telling) return std::nullopt;
  std::size_t first = 0;
  std::size_t at = 0;
  for (const std::string_view piece : pieces) {
    const std::size_t found = find_piece(proof.bytes, piece, at);
    if (found == std::string_view::npos) return std::nullopt;
    if (piece.data() == pieces.front().data()) first = found;
    at = found + piece.size();
  }
  return passage_of(proof, first, at);
}

// "[...]" and "(…)" are an ellipsis like the bare one.
std::string without_ellipsis_brackets(std::string plain) {
  std::string result;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const bool bracketed = (plain[i] == '[' || plain[i] == '(') && i + 2 < plain.size() &&
                           plain[i + 1] == kEllipsis &&
                           (plain[i + 2] == ']' || plain[i + 2] == ')');
    if (bracketed) {
      result += kEllipsis;
      i += 2;
    } else {
      result += plain[i];
    }
  }
  return result;
}

std::optional<Passage> find_plain(const PlainText& proof, const std::string& quote) {
  if (letters_of(quote) < kQuoteLettersMin) return std::nullopt;
  const std::size_t found = find_piece(proof.bytes, quote, 0);
  if (found != std::string_view::npos) return passage_of(proof, found, found + quote.size());
  const std::string loose = without_ellipsis_brackets(quote);
  if (loose.find(kEllipsis) == std::string::npos) return std::nullopt;
  return find_in_order(proof, loose);
}

// A quote of which every line begins with '>', without these marks.
std::optional<std::string> without_blockquote(std::string_view quote) {
  std::string result;
  for (const std::string_view line : text::lines_of(quote)) {
    const std::string_view bare = text::trim(line);
    if (bare.empty()) continue;
    if (!bare.starts_with('>')) return std::nullopt;
    result.append(bare.substr(1)).append("\n");
  }
  return result;
}

// Without the quotation marks around the whole, if it has a pair.
std::optional<std::string> without_quotation_marks(const std::string& plain) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 7> pairs{
      {{"\"", "\""},
       {"'", "'"},
       {"''", "''"},
       {"\u00AB", "\u00BB"},
       {"\u300C", "\u300D"},
       {"\u00BB", "\u00AB"},
       {"\u201A", "'"}}};
  for (const auto& [open, close] : pairs)
    if (plain.size() > open.size() + close.size() && plain.starts_with(open) &&
        plain.ends_with(close))
      return plain.substr(open.size(), plain.size() - open.size() - close.size());
  return std::nullopt;
}

}  // namespace

std::optional<Passage> find_quote(std::string_view proof, std::string_view quote) {
  return QuotedProof(proof).find(quote);
}

QuotedProof::QuotedProof(std::string_view proof)
    : plain_(proof.size() > kQuotedProofBytesMax
                 ? nullptr
                 : std::make_shared<const PlainText>(plain_text(proof))) {}

std::optional<Passage> QuotedProof::find(std::string_view quote) const {
  if (quote.size() > kQuoteBytesMax || plain_ == nullptr) return std::nullopt;
  std::vector<std::string> readings{plain_text(quote).bytes};
  if (const auto bare = without_blockquote(quote)) readings.push_back(plain_text(*bare).bytes);
  for (std::size_t i = 0, written = readings.size(); i < written; ++i)
    if (auto bare = without_quotation_marks(readings[i])) readings.push_back(std::move(*bare));

  for (const std::string& reading : readings)
    if (const auto passage = find_plain(*plain_, reading)) return passage;
  return std::nullopt;
}

}  // namespace prompts
