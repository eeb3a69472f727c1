#include "training/documents.h"

#include <stdexcept>
#include <utility>

namespace training {

DocumentWriter::DocumentWriter(const prompts::TemplateSet& templates,
                               const model::Tokenizer& tokenizer, const model::ChatFormat& chat)
    : templates_(templates), tokenizer_(tokenizer), chat_(chat) {
  // The end token is what an assistant's turn ends in.
  const model::Tokens turn =
      chat.encode({{.role = model::Turn::Role::User, .content = {}, .reasoning = {}},
                   {.role = model::Turn::Role::Assistant, .content = {}, .reasoning = {}}},
                  model::Thinking::Off);
  end_ = turn.back();
  if (!chat.is_end(end_)) throw std::logic_error("a turn of the assistant's does not end");
}

model::Tokens DocumentWriter::prompt(std::string_view template_name,
                                     const std::vector<prompts::Part>& parts) const {
  // Templates of models in this process have no fences, so the secret does not matter.
  model::Turn turn;
  for (prompts::Segment& segment : prompts::render(templates_.at(template_name), parts, "secret"))
    turn.content.push_back({std::move(segment.text), segment.trust == prompts::Trust::Template
                                                         ? model::Trust::Trusted
                                                         : model::Trust::Untrusted});
  return chat_.encode({std::move(turn)}, model::Thinking::Off);
}

Document DocumentWriter::write(std::string_view template_name,
                               const std::vector<prompts::Part>& parts,
                               const std::vector<Passage>& answer) const {
  Document document = write_open(template_name, parts, answer);
  document.tokens.push_back(end_);
  document.weight.push_back(answer.empty() ? 1.0F : answer.back().weight);
  return document;
}

Document DocumentWriter::write_open(std::string_view template_name,
                                    const std::vector<prompts::Part>& parts,
                                    const std::vector<Passage>& answer) const {
  return begun(prompt(template_name, parts), answer);
}

Document DocumentWriter::sheet(const std::vector<Passage>& passages) const {
  return begun(chat_.encode({model::Turn()}, model::Thinking::Off), passages);
}

Document DocumentWriter::begun(model::Tokens prompt, const std::vector<Passage>& answer) const {
  Document document;
  document.answer = prompt.size();
  document.tokens = std::move(prompt);
  document.weight.assign(document.tokens.size(), 0.0F);
  for (const Passage& passage : answer) {
    const model::Tokens tokens = tokenizer_.encode(passage.text, model::Trust::Untrusted);
    document.tokens.insert(document.tokens.end(), tokens.begin(), tokens.end());
    document.weight.resize(document.tokens.size(), passage.weight);
  }
  return document;
}

}  // namespace training
