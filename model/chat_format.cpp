#include "model/chat_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "text/utf8.h"

namespace model {
namespace {

// Two spellings of one token: DeepSeek's, with U+FF5C and U+2581, and the plain one of some copies.
struct Control {
  std::string_view text;
  std::string_view plain;
};
constexpr Control kBegin = {"<｜begin▁of▁sentence｜>", "<|begin_of_sentence|>"};
constexpr Control kEnd = {"<｜end▁of▁sentence｜>", "<|end_of_sentence|>"};
constexpr Control kUser = {"<｜User｜>", "<|User|>"};
constexpr Control kAssistant = {"<｜Assistant｜>", "<|Assistant|>"};
constexpr Control kThink = {"<think>", "<think>"};
constexpr Control kEndThink = {"</think>", "</think>"};
constexpr int32_t kNone = -1;

int32_t find(const Tokenizer& tokenizer, const Control& control) {
  for (const std::string_view text : {control.text, control.plain})
    if (const auto id = tokenizer.find(text)) return *id;
  return kNone;
}

// A control token must be what its text becomes if we write it, and never if a stranger does.
int32_t find_safe(const Tokenizer& tokenizer, const Control& control) {
  const int32_t id = find(tokenizer, control);
  if (id == kNone) return kNone;
  const std::string_view text = tokenizer.bytes(id);
  if (tokenizer.encode(text, Trust::Trusted) != Tokens{id})
    throw Refused(fmt::format("the tokenizer has {}, but not as an added token", text));
  if (std::ranges::count(tokenizer.encode(text, Trust::Untrusted), id) != 0)
    throw Refused(fmt::format("the tokenizer makes {} of plain text", text));
  return id;
}

int32_t find_needed(const Tokenizer& tokenizer, const Control& control) {
  const int32_t id = find_safe(tokenizer, control);
  if (id == kNone)
    throw Refused(fmt::format("the tokenizer has no {}, so how the model is spoken to is not known",
                              control.text));
  return id;
}

// Control tokens, and between them texts that are encoded as one.
class Prompt {
 public:
  explicit Prompt(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  void add(int32_t control) {
    if (control == kNone) return;
    close();
    tokens_.push_back(control);
  }
  void add(const std::vector<Piece>& pieces) {
    text_.insert(text_.end(), pieces.begin(), pieces.end());
  }
  Tokens finish() {
    close();
    return std::move(tokens_);
  }

 private:
  void close() {
    const Tokens text = tokenizer_.encode(text_);
    tokens_.insert(tokens_.end(), text.begin(), text.end());
    text_.clear();
  }

  const Tokenizer& tokenizer_;
  Tokens tokens_;
  std::vector<Piece> text_;
};

}  // namespace

ChatFormat::ChatFormat(const Tokenizer& tokenizer, const Config& config)
    : tokenizer_(&tokenizer),
      begin_(find_needed(tokenizer, kBegin)),
      user_(find_needed(tokenizer, kUser)),
      assistant_(find_needed(tokenizer, kAssistant)),
      think_(find_safe(tokenizer, kThink)),
      end_think_(find_safe(tokenizer, kEndThink)),
      end_(find_needed(tokenizer, kEnd)),
      ends_(config.end_tokens) {
  if (config.begin_token && *config.begin_token != begin_)
    throw Refused(fmt::format("config.json says that texts begin with token {}, but {} is {}",
                              *config.begin_token, tokenizer.bytes(begin_), begin_));
  const int32_t largest = std::max({begin_, user_, assistant_, think_, end_think_, end_});
  if (largest >= config.vocabulary)
    throw Refused(fmt::format("the model knows {} tokens, but {} is token {}", config.vocabulary,
                              tokenizer.bytes(largest), largest));
  if (!is_end(end_)) ends_.push_back(end_);
  if (think_ == kNone || end_think_ == kNone) think_ = end_think_ = kNone;
}

bool ChatFormat::is_end(int32_t token) const {
  return std::ranges::find(ends_, token) != ends_.end();
}

bool ChatFormat::can_think() const { return think_ != kNone; }

Tokens ChatFormat::encode(const std::vector<Turn>& turns, Thinking thinking) const {
  const bool thinks = thinking == Thinking::On && can_think();
  const auto last = std::ranges::find(turns.rbegin(), turns.rend(), Turn::Role::User, &Turn::role);
  const auto after_last_user = std::size_t(turns.rend() - last);  // 0: no user spoke

  Prompt prompt(*tokenizer_);
  prompt.add(begin_);
  for (std::size_t i = 0; i < turns.size(); ++i) {
    const Turn& turn = turns[i];
    switch (turn.role) {
      case Turn::Role::System:
        prompt.add(turn.content);
        break;
      case Turn::Role::User:
        prompt.add(user_);
        prompt.add(turn.content);
        prompt.add(assistant_);
        prompt.add(thinks && i + 1 == after_last_user ? think_ : end_think_);
        break;
      case Turn::Role::Assistant:
        if (thinks && i >= after_last_user) {
          if (turn.reasoning.empty())
            throw std::invalid_argument("an assistant's turn has no reasoning to go on from");
          prompt.add({{turn.reasoning, Trust::Untrusted}});
          prompt.add(end_think_);
        }
        prompt.add(turn.content);
        prompt.add(end_);
        break;
    }
  }
  return prompt.finish();
}

Answer read_answer(const Tokenizer& tokenizer, const Tokens& tokens, Thinking thinking) {
  const int32_t think = find(tokenizer, kThink);
  const int32_t end_think = find(tokenizer, kEndThink);
  const auto ends = [&](int32_t token) {
    return tokenizer.is_control(token) && token != think && token != end_think;
  };
  const auto text_of = [&](auto begin, auto end) {
    return text::repair_utf8(tokenizer.decode(Tokens(begin, end)));
  };
  auto begin = tokens.begin();
  const auto end = std::find_if(begin, tokens.end(), ends);
  Answer answer;
  if (thinking == Thinking::On && think != kNone && end_think != kNone) {
    // The prompt has opened the thinking already; some models do it once more.
    if (begin != end && *begin == think) ++begin;
    const auto closed = std::find(begin, end, end_think);
    answer.reasoning = text_of(begin, closed);
    answer.reasoning_open = closed == end;
    begin = closed == end ? end : closed + 1;
  }
  answer.content = text_of(begin, end);
  return answer;
}

}  // namespace model
