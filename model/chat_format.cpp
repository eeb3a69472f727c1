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
constexpr Control kGlmMask = {"[gMASK]", "[gMASK]"};
constexpr Control kGlmBegin = {"<sop>", "<sop>"};
constexpr Control kGlmSystem = {"<|system|>", "<|system|>"};
constexpr Control kGlmUser = {"<|user|>", "<|user|>"};
constexpr Control kGlmAssistant = {"<|assistant|>", "<|assistant|>"};
constexpr Control kGlmEnd = {"<|endoftext|>", "<|endoftext|>"};
constexpr Control kGlmObservation = {"<|observation|>", "<|observation|>"};
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

// How many turns there are up to the last user's; 0: no user spoke.
std::size_t turns_to_last_user(const std::vector<Turn>& turns) {
  const auto last = std::ranges::find(turns.rbegin(), turns.rend(), Turn::Role::User, &Turn::role);
  return std::size_t(turns.rend() - last);
}

// Without the blanks around the whole: what Python's strip() takes off of ASCII.
std::vector<Piece> stripped(std::vector<Piece> pieces) {
  constexpr std::string_view kBlanks = " \t\n\v\f\r\x1c\x1d\x1e\x1f";
  for (Piece& piece : pieces) {
    piece.text.erase(0, std::min(piece.text.find_first_not_of(kBlanks), piece.text.size()));
    if (!piece.text.empty()) break;
  }
  for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) {
    piece->text.erase(piece->text.find_last_not_of(kBlanks) + 1);
    if (!piece->text.empty()) break;
  }
  return pieces;
}

}  // namespace

ChatFormat::ChatFormat(const Tokenizer& tokenizer, const Config& config)
    : tokenizer_(&tokenizer),
      think_(find_safe(tokenizer, kThink)),
      end_think_(find_safe(tokenizer, kEndThink)),
      ends_(config.end_tokens) {
  const bool glm = find(tokenizer, kGlmMask) != kNone ||
                   (config.family == Family::GlmMoeDsa && find(tokenizer, kBegin) == kNone);
  style_ = glm ? Style::Glm : Style::DeepSeek;
  if (glm)
    find_glm();
  else
    find_deepseek(config);
  const int32_t largest =
      std::max({std::ranges::max(begin_), system_, user_, assistant_, think_, end_think_, end_});
  if (largest >= config.vocabulary)
    throw Refused(fmt::format("the model knows {} tokens, but {} is token {}", config.vocabulary,
                              tokenizer.bytes(largest), largest));
  if (think_ == kNone || end_think_ == kNone) think_ = end_think_ = kNone;
}

void ChatFormat::find_deepseek(const Config& config) {
  const int32_t begin = find_needed(*tokenizer_, kBegin);
  begin_ = {begin};
  user_ = find_needed(*tokenizer_, kUser);
  assistant_ = find_needed(*tokenizer_, kAssistant);
  end_ = find_needed(*tokenizer_, kEnd);
  if (!is_end(end_)) ends_.push_back(end_);
  if (config.begin_token && *config.begin_token != begin)
    throw Refused(fmt::format("config.json says that texts begin with token {}, but {} is {}",
                              *config.begin_token, tokenizer_->bytes(begin), begin));
}

// Of the published end tokens the first ends texts, the others are the next speaker's.
void ChatFormat::find_glm() {
  begin_ = {find_needed(*tokenizer_, kGlmMask), find_needed(*tokenizer_, kGlmBegin)};
  system_ = find_needed(*tokenizer_, kGlmSystem);
  user_ = find_needed(*tokenizer_, kGlmUser);
  assistant_ = find_needed(*tokenizer_, kGlmAssistant);
  end_ = find_needed(*tokenizer_, kGlmEnd);
  for (const int32_t end : {end_, user_, find_safe(*tokenizer_, kGlmObservation)})
    if (end != kNone && !is_end(end)) ends_.push_back(end);
}

bool ChatFormat::is_end(int32_t token) const {
  return std::ranges::find(ends_, token) != ends_.end();
}

bool ChatFormat::can_think() const { return think_ != kNone; }

Tokens ChatFormat::encode(const std::vector<Turn>& turns, Thinking thinking) const {
  return style_ == Style::Glm ? encode_glm(turns, thinking) : encode_deepseek(turns, thinking);
}

Tokens ChatFormat::encode_deepseek(const std::vector<Turn>& turns, Thinking thinking) const {
  const bool thinks = thinking == Thinking::On && can_think();
  const std::size_t after_last_user = turns_to_last_user(turns);

  Prompt prompt(*tokenizer_);
  for (const int32_t token : begin_) prompt.add(token);
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

Tokens ChatFormat::encode_glm(const std::vector<Turn>& turns, Thinking thinking) const {
  const std::size_t after_last_user = turns_to_last_user(turns);

  Prompt prompt(*tokenizer_);
  for (const int32_t token : begin_) prompt.add(token);
  for (std::size_t i = 0; i < turns.size(); ++i) {
    const Turn& turn = turns[i];
    switch (turn.role) {
      case Turn::Role::System:
        prompt.add(system_);
        prompt.add(turn.content);
        break;
      case Turn::Role::User:
        prompt.add(user_);
        prompt.add(turn.content);
        break;
      case Turn::Role::Assistant:
        prompt.add(assistant_);
        if (can_think() && i >= after_last_user && !turn.reasoning.empty()) {
          prompt.add(think_);
          prompt.add({{turn.reasoning, Trust::Untrusted}});
        }
        prompt.add(end_think_);
        prompt.add(stripped(turn.content));
        break;
    }
  }
  if (turns.empty() || turns.back().role != Turn::Role::Assistant) {
    prompt.add(assistant_);
    prompt.add(thinking == Thinking::On ? think_ : end_think_);
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
