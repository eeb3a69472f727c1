#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/tokenizer.h"

namespace engine {

// Forces what a sample may say next. One object follows one sample.
class Grammar {
 public:
  virtual ~Grammar() = default;
  // The tokens that may come next, ascending; nullptr: any. Valid until the next accept().
  virtual const std::vector<int32_t>* allowed() const = 0;
  // REQUIRES: `token` is allowed.
  virtual void accept(int32_t token) = 0;
};

// Free text until a line begins with `opener`; from there exactly one of `choices`, then the end.
// With opener "Verdict: " and choices "0", "0.5", "1" an answer that ends at all ends with a
// verdict line. A sample that may speak `free_tokens_max` tokens without beginning the line is made
// to begin it. A line begins at the sample's begin and after '\n'.
struct ClosingLine {
  std::string opener;
  std::vector<std::string> choices;
  int32_t free_tokens_max = 0;              // 0: it is never forced to begin
  std::vector<int32_t> barred_tokens = {};  // never said, neither in the line nor before it
};

// Compiled once per tokenizer and line; thread-safe afterwards. The tokenizer outlives it and what
// it starts.
class ClosingLineGrammar {
 public:
  static constexpr std::size_t kLineBytesMax = 128;  // of the opener and all choices together

  // Throws std::invalid_argument: an opener or choice that is empty or has a line end, no choices,
  // no end tokens, too many bytes, or a tokenizer whose tokens cannot write the line.
  ClosingLineGrammar(const model::Tokenizer& tokenizer, ClosingLine line,
                     std::vector<int32_t> end_tokens);
  ~ClosingLineGrammar();
  std::unique_ptr<Grammar> start() const;

 private:
  class Impl;
  std::shared_ptr<const Impl> impl_;
};

// Lets anything be said up to the first `marker`, and holds `inner` to what follows: for models
// that think before they answer.
std::unique_ptr<Grammar> grammar_after(int32_t marker, std::unique_ptr<Grammar> inner);

}  // namespace engine
