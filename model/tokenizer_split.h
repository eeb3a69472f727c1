#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "model/tokenizer_file.h"
#include "model/tokenizer_regex.h"

namespace model {

// Cuts a text into the words that are then encoded one by one.
class PreTokenizer {
 public:
  // Throws Refused: a pattern that is wrong or not supported.
  explicit PreTokenizer(const TokenizerFile& file);

  using Sink = std::function<void(std::string_view word)>;

  // Gives the words in order. REQUIRES: `text` is UTF-8. Throws what Regex::find throws.
  void split(std::string_view text, Regex::Work& work, const Sink& sink) const;

 private:
  struct Stage {
    Regex regex;
    TokenizerFile::Stage::Behaviour behaviour;
    bool inverted;
  };
  class Cuts;
  class Cutter;
  std::vector<Stage> stages_;
  std::size_t prefix_at_ = 0;  // before this stage
  bool prefix_space_ = false;
};

}  // namespace model
