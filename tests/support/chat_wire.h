#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tests/support/scripted_answers.h"

namespace support {

// The chat-completions API as bytes: requests read by one pass over the JSON, answers written as
// text, so that a bench measures the client and not this side.

struct WireRequest {
  std::string prompt;  // the contents of all messages, joined by a blank line
  std::string model;
  int64_t seed = 0;
  int64_t choices = 1;
  std::optional<int64_t> max_tokens;
  bool stream = false;
  bool include_usage = false;
};
inline constexpr int64_t kChoicesMax = 128;

// The string says what is wrong.
std::variant<WireRequest, std::string> read_chat_request(std::string_view body);

// Where reasoning stands in an answer: what servers differ in.
enum class Dialect { ReasoningContent, Reasoning, Inline, None };
std::optional<Dialect> dialect_of(std::string_view name);  // "reasoning_content", "inline", ...

// The value of `content`: anything but Text is a deviation that real servers have shown.
enum class ContentShape { Text, Null, Missing, Parts, Number };

// All of an answer but its text.
struct AnswerFrame {
  std::string id;
  std::string model;
  Dialect dialect = Dialect::ReasoningContent;
  ContentShape shape = ContentShape::Text;
  int64_t first_index = 0;
  std::string finish = "\"stop\"";  // JSON; empty: no finish_reason at all
  int finishes = 1;                 // how many events of a stream say it
  std::string usage;                // JSON; empty: none
  bool done = true;                 // whether a stream ends with [DONE]
};

std::string usage_json(std::string_view prompt, const std::vector<ScriptedAnswer>& answers);
std::string plain_answer(const AnswerFrame& frame, const std::vector<ScriptedAnswer>& answers);
std::string error_body(std::string_view message, std::string_view type, std::string_view code);
std::string models_body(std::string_view model);
void append_json_string(std::string& out, std::string_view text);

// A streamed answer, event by event: the role, reasoning, content, the finish, the usage, [DONE].
class AnswerEvents {
 public:
  // `frame` and `answer` outlive it.
  AnswerEvents(const AnswerFrame& frame, const ScriptedAnswer& answer, std::size_t chunk_tokens);

  // The data of the next event; nothing after the last.
  std::optional<std::string> next();

  // Of the text that has been given out.
  int64_t tokens() const { return int64_t((reasoning_at_ + content_at_) / kTokenBytes); }
  bool gave_text() const { return gave_text_; }  // whether the last event held some

 private:
  std::string event(std::string_view delta, std::string_view finish, std::string_view usage) const;
  std::string text_event(std::string_view field, const std::string& text, std::size_t& at);

  const AnswerFrame& frame_;
  std::string reasoning_;
  std::string content_;
  std::size_t chunk_bytes_;
  std::size_t reasoning_at_ = 0;
  std::size_t content_at_ = 0;
  enum { Role, Reasoning, Content, Finish, Usage, Done, End } next_ = Role;
  int finishes_left_;
  bool gave_text_ = false;
};

}  // namespace support
