#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "http/client.h"
#include "http/sse.h"
#include "pipeline/chat.h"
#include "pipeline/remote_chunk.h"
#include "pipeline/retry.h"

namespace pipeline {

struct ReplyLimits {
  std::size_t answer_bytes_max = 16 << 20;   // text and reasoning together
  std::size_t event_bytes_max = 4 << 20;     // one event of a stream, and one line of it
  std::size_t whole_bytes_max = 24 << 20;    // an answer that comes as one JSON object
  std::size_t error_bytes_max = 64 << 10;    // of an error answer; the rest is not read
  std::size_t stream_bytes_max = 256 << 20;  // all events together, for the client
};

// Reads one answer of an OpenAI-compatible server as it arrives. Pure: bytes go in.
//
// The rule that everything else serves: a text counts as an answer only if the server said that
// it is finished. A stream needs a finish_reason and, after it, either [DONE] or the orderly end
// of a delimited body. A stream whose body ends with the connection needs [DONE], since nothing
// else tells its end from a cut. A plain JSON object proves its own end.
class ReplyReader final : public http::Receiver {
 public:
  explicit ReplyReader(ReplyLimits limits);

  // Progress: tokens, or a finish. Neither roles nor keep-alives count.
  Said head(const http::ResponseHead& head) override;
  Said data(std::string_view bytes) override;

  struct Unanswered {
    std::string
        outcome;  // as in Attempt: "http 503", "cut", "error", "malformed", "too large", ...
    std::string message;
    std::string partial_text;
    AttemptFailure cause;
  };
  // What has arrived, once nothing more comes: `broken` says why if that was not in order.
  // `endpoint` and `attempts` of the reply are left to the caller. To be called once.
  std::variant<ChatReply, Unanswered> finish(const std::optional<http::Failure>& broken);

  // Whether any token of an answer has come. Bytes of a whole answer may still be an error.
  bool has_tokens() const { return !reply_.text.empty() || !reply_.reasoning.empty(); }
  // Under which of kReasoningFields its reasoning came; empty: none came.
  std::string_view reasoning_field() const {
    return reasoning_field_ ? kReasoningFields[*reasoning_field_] : "";
  }
  int status() const { return status_; }  // of HTTP; 0: there was no answer

 private:
  enum class Form { Undecided, Stream, Whole, Error };

  void take_stream(std::string_view bytes);
  void take_event(const http::SseParser::Event& event);
  void take_chunk(ReplyChunk chunk);
  bool take_whole();
  void decide_form();
  void fail(std::string outcome, std::string message);
  std::string_view why_not_finished(const std::optional<http::Failure>& broken) const;
  Unanswered error_answer();

  ReplyLimits limits_;
  http::SseParser events_;
  Form form_ = Form::Undecided;
  int status_ = 0;
  bool has_head_ = false;
  bool delimited_ = false;  // the body has an end of its own, other than the connection's
  bool done_ = false;       // [DONE]
  bool finished_ = false;   // a finish_reason came in an earlier event
  bool has_choice_ = false;
  bool has_other_choice_ = false;
  bool has_reasoning_field_ = false;
  bool progressed_ = false;
  std::optional<std::size_t> reasoning_field_;  // the first of kReasoningFields that held any
  std::string content_type_;
  std::string body_;  // of a whole answer or an error
  AttemptFailure cause_;
  std::optional<Unanswered> failed_;
  ChatReply reply_;
};

}  // namespace pipeline
