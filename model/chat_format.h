#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/config.h"
#include "model/tokenizer.h"

namespace model {

// How a model is spoken to: who speaks is told by control tokens, with no line ends between.
//
// DeepSeek-V3.2 (its encoding_dsv32):
//   begin, system text, then for each turn
//     user:       user, text, assistant, and think if it is the last user's turn and thinking is
//                 on, end_think otherwise
//     assistant:  [reasoning, end_think, if thinking is on and no user spoke since] text, end
//
// GLM-5, and GLM-4.7 before it (their chat_template.jinja; GLM-4.5 and 4.6 set line ends and
// /nothink, and are not spoken to):
//   [gMASK] <sop>, then for each turn
//     system:     <|system|> text
//     user:       <|user|> text
//     assistant:  <|assistant|> [think, reasoning, if there is one and no user spoke since]
//                 end_think, text without blanks around it
//   and unless the last turn is the assistant's: <|assistant|>, then think if thinking is on, else
//   end_think. A turn ends where the next one begins, so <|user|> also ends an answer.

struct Turn {
  enum class Role { System, User, Assistant } role = Role::User;
  std::vector<Piece> content;
  std::string reasoning;  // of an assistant's turn; dropped before the last user's turn
};

enum class Thinking { Off, On };

// Which control tokens a model's tokenizer has tells whose format it is: GLM's if it has [gMASK],
// or has no begin of DeepSeek's and config.json names GLM. Families without the think tokens are
// spoken to plainly. Throws Refused if begin, user, assistant or end tokens cannot be found, are
// not what config.json says, or could be written by a stranger.
class ChatFormat {
 public:
  ChatFormat(const Tokenizer& tokenizer, const Config& config);

  // The tokens up to where the assistant is to speak. If the last turn is the assistant's, up to
  // its end. Throws std::invalid_argument if, in DeepSeek's format, thinking is on and an
  // assistant's turn after the last user's has no reasoning.
  Tokens encode(const std::vector<Turn>& turns, Thinking thinking) const;

  bool is_end(int32_t token) const;
  const std::vector<int32_t>& ends() const { return ends_; }
  bool can_think() const;
  int32_t think_end() const { return end_think_; }  // REQUIRES: can_think()

 private:
  enum class Style { DeepSeek, Glm };
  void find_deepseek(const Config& config);
  void find_glm();
  Tokens encode_deepseek(const std::vector<Turn>& turns, Thinking thinking) const;
  Tokens encode_glm(const std::vector<Turn>& turns, Thinking thinking) const;

  const Tokenizer* tokenizer_;
  Style style_ = Style::DeepSeek;
  Tokens begin_;
  int32_t system_ = -1, user_ = -1, assistant_ = -1, think_ = -1, end_think_ = -1, end_ = -1;
  std::vector<int32_t> ends_;  // config.json's first
};

// What the model said, in its two parts. `thinking` as it was asked for.
struct Answer {
  std::string reasoning;
  std::string content;
  bool reasoning_open = false;  // it never stopped thinking: there is no content
};

// Reads up to the first special token. Bytes that are no UTF-8 become U+FFFD.
Answer read_answer(const Tokenizer& tokenizer, const Tokens& tokens, Thinking thinking);

}  // namespace model
