#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "model/tokenizer.h"

namespace engine {

// Forces what a sample may say next. One object follows one sample.
class Grammar {
 public:
  virtual ~Grammar() = default;
  // The tokens that may come next, ascending; nullptr: any.
  virtual const std::vector<int32_t>* allowed() const = 0;
  virtual void accept(int32_t token) = 0;
};

// Free text until a line begins with `opener`; from there exactly one of `choices`, then the end.
// With opener "Verdict: " and choices "0", "0.5", "1" an answer that ends at all ends with a
// verdict line. A sample that may speak `free_tokens_max` tokens without beginning the line is made
// to begin it.
struct ClosingLine {
  std::string opener;
  std::vector<std::string> choices;
  int32_t free_tokens_max = 0;  // 0: it is never forced to begin
};

// Compiled once per tokenizer and line; thread-safe afterwards.
class ClosingLineGrammar {
 public:
  ClosingLineGrammar(const model::Tokenizer& tokenizer, ClosingLine line,
                     std::vector<int32_t> end_tokens);
  ~ClosingLineGrammar();
  std::unique_ptr<Grammar> start() const;

 private:
  class Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace engine
