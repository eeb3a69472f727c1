#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace model {

// What tokenizer.json says, checked part by part but not yet built into anything.
struct TokenizerFile {
  static constexpr std::size_t kDepthMax = 16;        // of JSON
  static constexpr std::size_t kValuesMax = 4 << 20;  // of JSON; GLM-4's file has 1.3 million
  static constexpr std::size_t kMergesMax = 1 << 21;
  static constexpr std::size_t kStagesMax = 16;
  static constexpr std::size_t kPatternBytesMax = 16 << 10;
  static constexpr std::size_t kAddedBytesMax = 1024;  // of one added token

  struct Entry {
    std::string symbols;  // as tokenizer_bytes.h writes bytes, or any text for added tokens
    int32_t id = 0;
  };
  struct Merge {
    std::string left;
    std::string right;
  };
  struct Added {
    std::string text;
    int32_t id = 0;
    bool special = false;
    bool single_word = false;  // not beside a letter, digit or mark
    bool left_strip = false;   // takes the spaces on its left along
    bool right_strip = false;
    bool normalized = false;  // looked for after those that are not
  };
  // Cuts every piece at the matches of a pattern.
  struct Stage {
    enum class Behaviour { Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous };
    enum class Pattern { Regex, Literal };
    std::string pattern;
    Pattern kind = Pattern::Regex;
    Behaviour behaviour = Behaviour::Isolated;
    bool inverted = false;  // what does not match counts as the match
  };

  std::vector<Entry> vocabulary;
  std::vector<Merge> merges;  // the earlier, the sooner
  std::vector<Added> added;
  std::vector<Stage> before_prefix;  // pre-tokenizers before ByteLevel
  bool prefix_space = false;         // ByteLevel puts a space before pieces that begin with none
  std::vector<Stage> after_prefix;   // ByteLevel's own pattern, if it uses it
  bool whole_words = false;          // ignore_merges: a word of the vocabulary is taken whole
};

// Throws Refused.
TokenizerFile read_tokenizer_file(std::string_view json);

}  // namespace model
