#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/config.h"
#include "model/tokenizer.h"

namespace model {

// How DeepSeek-V3.2 is spoken to (its encoding_dsv32): who speaks is told by control tokens, with
// no line ends between.
//
//   begin, system text, then for each turn
//     user:       user, text, assistant, and think if it is the last user's turn and thinking is
//                 on, end_think otherwise
//     assistant:  [reasoning, end_think, if thinking is on and no user spoke since] text, end

struct Turn {
  enum class Role { System, User, Assistant } role = Role::User;
  std::vector<Piece> content;
  std::string reasoning;  // of an assistant's turn; dropped before the last user's turn
};

enum class Thinking { Off, On };

// Which control tokens a model's tokenizer has; families without the think tokens are spoken to
// plainly. Throws Refused if begin, user, assistant or end tokens cannot be found, are not what
// config.json says, or could be written by a stranger.
class ChatFormat {
 public:
  ChatFormat(const Tokenizer& tokenizer, const Config& config);

  // The tokens up to where the assistant is to speak. If the last turn is the assistant's, up to
  // its end. Throws std::invalid_argument if thinking is on and an assistant's turn after the last
  // user's has no reasoning.
  Tokens encode(const std::vector<Turn>& turns, Thinking thinking) const;

  bool is_end(int32_t token) const;
  bool can_think() const;

 private:
  const Tokenizer* tokenizer_;
  int32_t begin_ = -1, user_ = -1, assistant_ = -1, think_ = -1, end_think_ = -1, end_ = -1;
  std::vector<int32_t> ends_;
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
