#include "tests/support/prompt_parts.h"

#include <cctype>
#include <optional>

#include "prompts/fence.h"
#include "text/words.h"

namespace support {

namespace {

constexpr std::size_t kNonceDigits = 32;

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// The first run of exactly 32 hexadecimal digits.
std::string_view nonce_in(std::string_view line) {
  std::size_t begin = 0;
  while (begin < line.size()) {
    std::size_t end = begin;
    while (end < line.size() && is_hex(line[end])) ++end;
    if (end - begin == kNonceDigits) return line.substr(begin, kNonceDigits);
    begin = end + 1;
  }
  return {};
}

std::string_view line_at(std::string_view text, std::size_t place) {
  const std::size_t before = text.rfind('\n', place);
  const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
  return text.substr(begin, text.find('\n', place) - begin);
}

// What stands between BEGIN and the nonce, without punctuation around it.
std::string label_of(std::string_view line, std::string_view nonce) {
  const std::size_t begin = line.find("BEGIN") + 5;
  const std::size_t end = std::size_t(nonce.data() - line.data());
  if (end <= begin) return {};
  std::string_view label = line.substr(begin, end - begin);
  while (!label.empty() && !std::isalnum(static_cast<unsigned char>(label.front())))
    label.remove_prefix(1);
  while (!label.empty() && !std::isalnum(static_cast<unsigned char>(label.back())))
    label.remove_suffix(1);
  return text::lower_ascii(label);
}

struct Passage {
  PromptParts::Fenced part;
  std::size_t begin = 0;  // of the BEGIN line
  std::size_t end = 0;    // behind the END line
};

std::optional<Passage> next_passage(std::string_view prompt, std::size_t from) {
  for (std::size_t place = prompt.find("BEGIN", from); place != std::string_view::npos;
       place = prompt.find("BEGIN", place + 1)) {
    const std::string_view opening = line_at(prompt, place);
    const std::string_view nonce = nonce_in(opening);
    if (nonce.empty() || nonce.data() < prompt.data() + place) continue;
    const std::size_t text_begin = std::size_t(opening.data() + opening.size() - prompt.data()) + 1;
    if (text_begin > prompt.size()) return std::nullopt;
    const std::size_t close = prompt.find(nonce, text_begin);
    if (close == std::string_view::npos) continue;
    const std::string_view closing = line_at(prompt, close);
    const std::size_t text_end = std::size_t(closing.data() - prompt.data());
    if (text_end < text_begin) continue;
    std::string_view text = prompt.substr(text_begin, text_end - text_begin);
    if (text.ends_with('\n')) text.remove_suffix(1);
    return Passage{{label_of(opening, nonce), prompts::restored(text)},
                   std::size_t(opening.data() - prompt.data()),
                   text_end + closing.size()};
  }
  return std::nullopt;
}

}  // namespace

const PromptParts::Fenced* PromptParts::find(std::string_view word) const {
  for (const Fenced& part : fenced)
    if (part.label.find(word) != std::string::npos) return &part;
  return nullptr;
}

PromptParts read_prompt(std::string_view prompt) {
  PromptParts parts;
  bool asks_for_solution = false;
  std::size_t from = 0;
  while (parts.fenced.size() < kFencedMax) {
    std::optional<Passage> passage = next_passage(prompt, from);
    const std::size_t end = passage ? passage->begin : prompt.size();
    const std::string_view ours = prompt.substr(from, end - from);
    asks_for_solution |= ours.find("## Solution") != std::string_view::npos;
    if (!passage) break;
    from = passage->end;
    parts.fenced.push_back(std::move(passage->part));
  }

  if (parts.fenced.empty()) {
    parts.fenced.push_back({"problem", std::string(prompt)});
  } else if (!asks_for_solution && parts.find("evaluation")) {
    parts.task = PromptParts::Task::MetaVerify;
  } else if (parts.find("candidate")) {
    parts.task = PromptParts::Task::Refine;
  } else if (parts.find("proof")) {
    parts.task = asks_for_solution ? PromptParts::Task::Refine : PromptParts::Task::Verify;
  }
  return parts;
}

}  // namespace support
