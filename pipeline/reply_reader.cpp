#include "pipeline/reply_reader.h"

#include <algorithm>
#include <utility>

#include "prompts/verdict.h"
#include "text/words.h"

namespace pipeline {
namespace {

constexpr std::string_view kBlank = " \t\r\n";

bool contains_word(std::string_view text, std::string_view word) {
  return text.find(word) != text.npos;
}

Finish finish_of(std::string_view reason) {
  if (reason == "stop") return Finish::Stop;
  if (reason == "length") return Finish::Length;
  if (reason == "content_filter") return Finish::ContentFilter;
  return Finish::Other;
}

// Finish reasons by which a server says that it did not finish: "abort" (vLLM, SGLang), "error"
// (vLLM, OpenRouter), "insufficient_system_resource" (DeepSeek).
bool means_broken_off(std::string_view reason) {
  return reason == "abort" || reason == "error" || reason == "insufficient_system_resource";
}

}  // namespace

ReplyReader::ReplyReader(ReplyLimits limits)
    : limits_(limits), events_(limits.event_bytes_max, limits.event_bytes_max) {}

void ReplyReader::fail(std::string outcome, std::string message) {
  if (failed_) return;
  failed_.emplace();
  failed_->outcome = std::move(outcome);
  failed_->message = std::move(message);
}

http::Receiver::Said ReplyReader::head(const http::ResponseHead& head) {
  has_head_ = true;
  cause_.status = status_ = head.status;
  cause_.should_retry = text::lower_ascii(head.field("x-should-retry"));
  cause_.retry_after_ms = std::string(head.field("retry-after-ms"));
  cause_.retry_after = std::string(head.field("retry-after"));
  delimited_ = !head.field("content-length").empty() ||
               contains_word(text::lower_ascii(head.field("transfer-encoding")), "chunked");
  content_type_ = text::lower_ascii(head.field("content-type"));

  if (head.status != 200) {
    form_ = Form::Error;
    const std::string_view location = head.field("location");
    if (head.status >= 300 && head.status < 400)
      fail("http " + std::to_string(head.status),
           "the server redirects to '" + excerpt(location) + "'; redirects are not followed");
  } else if (contains_word(content_type_, "event-stream")) {
    form_ = Form::Stream;
  } else if (!content_type_.empty() && !contains_word(content_type_, "json") &&
             !contains_word(content_type_, "text/plain")) {
    form_ = Form::Error;  // read its beginning for the message
  }
  return Said::Nothing;
}

http::Receiver::Said ReplyReader::data(std::string_view bytes) {
  progressed_ = false;
  if (form_ == Form::Undecided || form_ == Form::Whole || form_ == Form::Error) {
    if (form_ == Form::Whole || form_ == Form::Undecided)
      progressed_ = bytes.find_first_not_of(kBlank) != bytes.npos;
    const std::size_t bytes_max =
        form_ == Form::Error ? limits_.error_bytes_max : limits_.whole_bytes_max;
    body_ += bytes.substr(0, bytes_max - std::min(bytes_max, body_.size()));
    if (body_.size() == bytes_max) {
      if (form_ == Form::Error) return Said::Stop;
      cause_.source = AttemptFailure::Source::Limit;
      fail("too large", "an answer of more than " + std::to_string(bytes_max) + " bytes");
    }
    if (form_ == Form::Undecided) decide_form();
  } else {
    take_stream(bytes);
  }
  if (failed_) return Said::Stop;
  return progressed_ ? Said::Progress : Said::Nothing;
}

// Some servers send a stream as application/json, or an object although a stream was asked for.
void ReplyReader::decide_form() {
  const std::size_t start = body_.find_first_not_of(kBlank);
  if (start == body_.npos) {
    body_.clear();
    return;
  }
  if (body_[start] == '{' || body_[start] == '[') {
    form_ = Form::Whole;
    return;
  }
  form_ = Form::Stream;
  const std::string bytes = std::exchange(body_, std::string());
  progressed_ = false;
  take_stream(bytes);
}

void ReplyReader::take_stream(std::string_view bytes) {
  using State = http::SseParser::State;
  const State state = events_.feed(bytes, [this](const auto& event) { take_event(event); });
  if (state == State::Reading) return;
  if (!failed_) cause_.source = AttemptFailure::Source::Limit;
  fail("too large", std::string(state == State::LineTooLong ? "a line" : "an event") +
                        " of more than " + std::to_string(limits_.event_bytes_max) +
                        " bytes in the stream");
}

void ReplyReader::take_event(const http::SseParser::Event& event) {
  if (failed_) return;
  if (event.name == "error") {
    const ServerError error = read_error_body(event.data);
    cause_.source = AttemptFailure::Source::Server;
    cause_.status = error.status;
    cause_.error_code = error.code;
    fail("error", "the server says within its stream: " + error.message);
    return;
  }
  const std::size_t start = event.data.find_first_not_of(kBlank);
  if (start == event.data.npos) return;
  const std::size_t end = event.data.find_last_not_of(kBlank) + 1;
  if (std::string_view(event.data).substr(start, end - start) == "[DONE]") {
    done_ = true;
    return;
  }
  // Events of other names are pings, unless they hold an object as well.
  if (!event.name.empty() && event.name != "message" && event.data[start] != '{') return;

  auto read = read_chunk(event.data, ChunkForm::Delta);
  if (const auto* wrong = std::get_if<std::string>(&read)) {
    fail("malformed", "an event of the stream is " + *wrong);
    return;
  }
  take_chunk(std::move(std::get<ReplyChunk>(read)));
}

void ReplyReader::take_chunk(ReplyChunk chunk) {
  if (chunk.error) {
    cause_.source = AttemptFailure::Source::Server;
    cause_.status = chunk.error->status;
    cause_.error_code = chunk.error->code;
    return fail("error", "the server says within its answer: " + chunk.error->message);
  }
  has_choice_ |= chunk.has_choice;
  has_other_choice_ |= chunk.has_other_choice;
  has_reasoning_field_ |= chunk.has_reasoning_field;
  if (reply_.model.empty()) reply_.model = std::move(chunk.model);
  if (chunk.usage.prompt) reply_.usage.prompt = chunk.usage.prompt;
  if (chunk.usage.cached) reply_.usage.cached = chunk.usage.cached;
  if (chunk.usage.output) reply_.usage.output = chunk.usage.output;
  if (chunk.usage.reasoning) reply_.usage.reasoning = chunk.usage.reasoning;

  // A server that sends its reasoning under two names sends it twice: the first name counts.
  for (std::size_t i = 0; i < kReasoningFields.size() && !reasoning_field_; ++i)
    if (!chunk.reasoning[i].empty()) reasoning_field_ = i;
  const std::string reasoning =
      reasoning_field_ ? std::move(chunk.reasoning[*reasoning_field_]) : std::string();

  const bool has_tokens = !chunk.text.empty() || !reasoning.empty();
  if ((has_tokens && finished_) || (done_ && (has_tokens || !chunk.finish_reason.empty())))
    return fail("malformed", "more came after the end that the server had announced");
  if (reply_.text.size() + reply_.reasoning.size() + chunk.text.size() + reasoning.size() >
      limits_.answer_bytes_max) {
    cause_.source = AttemptFailure::Source::Limit;
    return fail("too large",
                "an answer of more than " + std::to_string(limits_.answer_bytes_max) + " bytes");
  }
  reply_.text += chunk.text;
  reply_.reasoning += reasoning;
  progressed_ |= has_tokens || !chunk.finish_reason.empty();

  if (chunk.finish_reason.empty()) return;
  if (finished_ && reply_.finish_reason != chunk.finish_reason)
    return fail("malformed", "two finish reasons: '" + excerpt(reply_.finish_reason) + "' and '" +
                                 excerpt(chunk.finish_reason) + "'");
  finished_ = true;
  reply_.finish_reason = std::move(chunk.finish_reason);
  if (means_broken_off(reply_.finish_reason))
    fail("error", "the server broke off: finish_reason is '" + reply_.finish_reason + "'");
}

// True if the body is an answer; otherwise failed_ says why not.
bool ReplyReader::take_whole() {
  auto read = read_chunk(body_, ChunkForm::Message);
  body_ = {};
  if (const auto* wrong = std::get_if<std::string>(&read)) {
    fail("malformed", "the answer is " + *wrong);
    return false;
  }
  take_chunk(std::move(std::get<ReplyChunk>(read)));
  return !failed_;
}

// What keeps a text from being an answer; empty: nothing.
std::string_view ReplyReader::why_not_finished(const std::optional<http::Failure>& broken) const {
  if (!has_choice_ && has_other_choice_) return "only choices that were not asked for came";
  if (!has_choice_) return "no choice came";
  if (!finished_) return "no finish_reason came";
  if (form_ == Form::Stream && !done_ && broken) return "the stream was cut before [DONE]";
  if (form_ == Form::Stream && !done_ && !delimited_)
    return "the stream ended with the connection and without [DONE]: it may have been cut";
  return "";
}

ReplyReader::Unanswered ReplyReader::error_answer() {
  Unanswered result;
  cause_.source = AttemptFailure::Source::Server;
  if (cause_.status == 200) {
    cause_.source = AttemptFailure::Source::Transport;
    result.outcome = "malformed";
    result.message = "content type '" + excerpt(content_type_, 100) +
                     "' instead of JSON or an event stream: " + excerpt(body_);
    return result;
  }
  const ServerError error = read_error_body(body_);
  cause_.error_code = error.code;
  result.outcome = "http " + std::to_string(cause_.status);
  result.message = "status " + std::to_string(cause_.status) + ": " + error.message;
  return result;
}

std::variant<ChatReply, ReplyReader::Unanswered> ReplyReader::finish(
    const std::optional<http::Failure>& broken) {
  Unanswered failure;
  if (!failed_ && form_ == Form::Whole && !broken) take_whole();
  if (failed_) {
    failure = std::move(*failed_);
    if (form_ == Form::Error) cause_.source = AttemptFailure::Source::Server;  // a redirect
  } else if (has_head_ && form_ == Form::Error) {
    failure = error_answer();
  } else if (broken && !(form_ == Form::Stream && finished_ && done_ && has_choice_)) {
    failure.outcome = std::string(http::to_text(broken->kind));
    failure.message = broken->message;
    if (broken->kind == http::Failure::Kind::TooLarge)
      cause_.source = AttemptFailure::Source::Limit;
  } else if (const std::string_view why = why_not_finished(broken); !why.empty()) {
    failure.outcome = has_choice_ ? "cut" : "malformed";
    failure.message = form_ == Form::Undecided ? "an empty answer" : std::string(why);
  } else {
    reply_.finish = finish_of(reply_.finish_reason);
    if (!has_reasoning_field_ && contains_word(reply_.text, "think>")) {
      prompts::SplitAnswer split = prompts::split_reasoning(reply_.text);
      reply_.text = std::move(split.content);
      reply_.reasoning = std::move(split.reasoning);
    }
    return std::move(reply_);
  }
  failure.partial_text = std::move(reply_.text);
  failure.cause = std::move(cause_);
  return failure;
}

}  // namespace pipeline
