#include "pipeline/call_book.h"

#include <utility>

#include "text/sha256.h"

namespace pipeline {

std::shared_ptr<const Prompt> make_prompt(const prompts::Template& source,
                                          std::vector<prompts::Part> parts,
                                          std::string_view secret) {
  auto prompt = std::make_shared<Prompt>();
  auto segments =
      std::make_shared<const std::vector<prompts::Segment>>(prompts::render(source, parts, secret));
  const std::string bytes = prompts::joined(*segments);

  auto row = std::make_shared<storage::PromptRow>();
  row->template_name = source.name;
  row->template_text = source.text;
  row->sha256 = text::sha256_hex(bytes);
  std::string content = source.sha256;
  for (const prompts::Part& part : parts)
    content += '|' + part.name + '=' + text::sha256_hex(part.text);
  prompt->fingerprint = text::sha256_hex(content).substr(0, 8);
  for (prompts::Part& part : parts)
    row->parts.push_back({std::move(part.name), std::move(part.text)});

  prompt->segments = std::move(segments);
  prompt->row = std::move(row);
  prompt->bytes = bytes.size();
  return prompt;
}

int64_t call_seed(int64_t run_seed, const CallSpec& spec) {
  const text::Digest digest = text::sha256(std::to_string(run_seed) + '/' + spec.key);
  return static_cast<int64_t>(text::leading_number(digest) >> 33);  // 31 bits: what servers take
}

}  // namespace pipeline
