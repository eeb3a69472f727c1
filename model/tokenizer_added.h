#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "model/tokenizer_file.h"
#include "model/tokenizer_regex.h"

namespace model {

// Finds added tokens in text as `tokenizers` does: the leftmost first, of those that begin at one
// place the longest, first those that are not `normalized`, then the others in what is left.
class AddedTokens {
 public:
  explicit AddedTokens(std::vector<TokenizerFile::Added> tokens);

  struct Match {
    std::size_t begin = 0;  // with the spaces that the token takes along
    std::size_t end = 0;
    int32_t id = 0;
  };
  // In order. A match may begin before the last one's end, where it begins with spaces that the
  // last one took along: then there is no text between them. REQUIRES: `text` is UTF-8.
  std::vector<Match> find(std::string_view text, Regex::Work& work) const;

 private:
  // Sorted by text, so that a prefix is a range.
  struct Set {
    std::vector<TokenizerFile::Added> tokens;
    std::array<bool, 256> begins = {};  // by first byte
    const TokenizerFile::Added* longest_at(std::string_view text) const;
  };
  struct Search {
    const Set& set;
    Regex::Work& work;
    std::vector<Match>& matches;
  };
  void find(const Search& search, std::string_view text, std::size_t offset) const;
  bool stands_alone(std::string_view text, std::size_t begin, std::size_t end,
                    Regex::Work& work) const;

  Set plain_;
  Set normalized_;
  Regex word_;
};

}  // namespace model
