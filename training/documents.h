#pragma once

#include <string>
#include <vector>

#include "model/chat_format.h"
#include "model/tokenizer.h"
#include "prompts/template.h"
#include "training/answers.h"

namespace training {

// Prompt and answer as tokens. The engine makes the same tokens of the same texts.
struct Document {
  model::Tokens tokens;
  std::vector<float> weight;  // of each token as a target; 0 of the prompt's
  std::size_t answer = 0;     // where the answer begins
};

// A part of an answer, and what it counts in the loss.
struct Passage {
  std::string text;
  float weight = 1;
};

// Writes prompts as the pipeline renders them and the engine encodes them.
class DocumentWriter {
 public:
  // All three outlive it.
  DocumentWriter(const prompts::TemplateSet& templates, const model::Tokenizer& tokenizer,
                 const model::ChatFormat& chat);

  model::Tokens prompt(std::string_view template_name,
                       const std::vector<prompts::Part>& parts) const;

  // Ends in the end-of-answer token, which weighs as the last passage does. Passages must be cut at
  // the ends of lines.
  Document write(std::string_view template_name, const std::vector<prompts::Part>& parts,
                 const std::vector<Passage>& answer) const;
  // The same, cut off before the end.
  Document write_open(std::string_view template_name, const std::vector<prompts::Part>& parts,
                      const std::vector<Passage>& answer) const;
  // Passages that answer nothing, cut off before the end.
  Document sheet(const std::vector<Passage>& passages) const;

 private:
  Document begun(model::Tokens prompt, const std::vector<Passage>& answer) const;

  const prompts::TemplateSet& templates_;
  const model::Tokenizer& tokenizer_;
  const model::ChatFormat& chat_;
  int32_t end_ = -1;
};

}  // namespace training
