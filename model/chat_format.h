#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer.h"

namespace model {

// How DeepSeek-V3.2 is spoken to (its encoding_dsv32): who speaks is told by control tokens, with
// no line ends between.

struct Turn {
  enum class Role { System, User, Assistant } role = Role::User;
  std::vector<Piece> content;
  std::string reasoning;  // of an assistant's turn; dropped before the last user's turn
};

enum class Thinking { Off, On };

// Which control tokens a model's tokenizer has; families without the think tokens are spoken to
// plainly. Throws Refused if begin, user or assistant tokens cannot be found.
class ChatFormat {
 public:
  ChatFormat(const Tokenizer& tokenizer, const Config& config);

  // The tokens up to where the assistant is to speak.
  Tokens encode(const std::vector<Turn>& turns, Thinking thinking) const;

  bool is_end(int32_t token) const;
  bool can_think() const;

 private:
  const Tokenizer* tokenizer_;
  int32_t begin_ = -1, user_ = -1, assistant_ = -1, think_ = -1, end_think_ = -1;
  std::vector<int32_t> ends_;
};

// What the model said, in its two parts. `thinking` as it was asked for.
struct Answer {
  std::string reasoning;
  std::string content;
  bool reasoning_open = false;  // it never stopped thinking: there is no content
};
Answer read_answer(const Tokenizer& tokenizer, const Tokens& tokens, Thinking thinking);

}  // namespace model
