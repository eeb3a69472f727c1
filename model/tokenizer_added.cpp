#include "model/tokenizer_added.h"

#include <algorithm>
#include <string>
#include <utility>

#include "text/utf8.h"

namespace model {
namespace {

using Added = TokenizerFile::Added;

// \w of Rust's regular expressions (Unicode's UTS 18, annex C).
constexpr std::string_view kWord = R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200c}\x{200d}])";

// White_Space.
bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

std::size_t previous_character(std::string_view text, std::size_t offset) {
  do {
    --offset;
  } while (offset > 0 && (text[offset] & 0xC0) == 0x80);
  return offset;
}

std::size_t without_spaces_before(std::string_view text, std::size_t end, std::size_t begin) {
  while (end > begin) {
    const std::size_t at = previous_character(text, end);
    std::size_t next = at;
    if (at < begin || !is_space(text::next_character(text, next))) break;
    end = at;
  }
  return end;
}

std::size_t past_spaces(std::string_view text, std::size_t begin) {
  while (begin < text.size()) {
    std::size_t next = begin;
    if (!is_space(text::next_character(text, next))) break;
    begin = next;
  }
  return begin;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<Added> tokens)
    : word_({std::string(kWord), false}, "the pattern of single words") {
  std::ranges::sort(tokens, {}, &Added::text);
  for (Added& token : tokens) {
    Set& set = token.normalized ? normalized_ : plain_;
    set.begins[static_cast<unsigned char>(token.text[0])] = true;
    set.tokens.push_back(std::move(token));
  }
}

const Added* AddedTokens::Set::longest_at(std::string_view text) const {
  auto low = tokens.begin();
  auto high = tokens.end();
  const Added* longest = nullptr;
  for (std::size_t depth = 0; low != high; ++depth) {
    if (low->text.size() == depth) {
      longest = &*low;
      if (++low == high) break;
    }
    if (depth == text.size()) break;
    const auto byte = static_cast<unsigned char>(text[depth]);
    const auto at = [depth](const Added& token) {
      return static_cast<unsigned char>(token.text[depth]);
    };
    low = std::partition_point(low, high, [&](const Added& token) { return at(token) < byte; });
    high = std::partition_point(low, high, [&](const Added& token) { return at(token) == byte; });
  }
  return longest;
}

bool AddedTokens::stands_alone(std::string_view text, std::size_t begin, std::size_t end,
                               Regex::Work& work) const {
  if (begin > 0) {
    const std::size_t from = previous_character(text, begin);
    if (word_.find(text.substr(from, begin - from), 0, work)) return false;
  }
  if (end == text.size()) return true;
  std::size_t next = end;
  text::next_character(text, next);
  return !word_.find(text.substr(end, next - end), 0, work);
}

void AddedTokens::find(const Search& search, std::string_view text, std::size_t offset) const {
  if (search.set.tokens.empty()) return;
  std::size_t taken = 0;  // up to where the last match reaches
  for (std::size_t at = 0; at < text.size();) {
    const bool begins = search.set.begins[static_cast<unsigned char>(text[at])];
    const Added* token = begins ? search.set.longest_at(text.substr(at)) : nullptr;
    if (token == nullptr) {
      ++at;
      continue;
    }
    std::size_t begin = at;
    std::size_t end = at + token->text.size();
    at = end;
    if (token->single_word && !stands_alone(text, begin, end, search.work)) continue;
    if (token->left_strip) begin = without_spaces_before(text, begin, taken);
    if (token->right_strip) end = past_spaces(text, end);
    search.matches.push_back({offset + begin, offset + end, token->id});
    taken = end;
  }
}

std::vector<AddedTokens::Match> AddedTokens::find(std::string_view text, Regex::Work& work) const {
  std::vector<Match> plain;
  find({plain_, work, plain}, text, 0);
  if (normalized_.tokens.empty()) return plain;

  std::vector<Match> all;
  const Search search{normalized_, work, all};
  std::size_t at = 0;
  for (const Match& match : plain) {
    if (at < match.begin) find(search, text.substr(at, match.begin - at), at);
    all.push_back(match);
    at = match.end;
  }
  find(search, text.substr(at), at);
  return all;
}

}  // namespace model
