#include "tests/support/chat_wire.h"

#include <algorithm>

namespace support {

// Constant, so that answers are equal from run to run.
static constexpr std::string_view kCreated = "1700000000";

std::optional<Dialect> dialect_of(std::string_view name) {
  if (name == "reasoning_content") return Dialect::ReasoningContent;
  if (name == "reasoning") return Dialect::Reasoning;
  if (name == "inline") return Dialect::Inline;
  if (name == "none") return Dialect::None;
  return std::nullopt;
}

// Bytes from 0x80 on go through as they are, even if they are not UTF-8: some tests want that.
void append_json_string(std::string& out, std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  out += '"';
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out += text.substr(copied, i - copied);
    copied = i + 1;
    out += '\\';
    if (c == '"' || c == '\\') {
      out += char(c);
    } else if (c == '\n') {
      out += 'n';
    } else {
      out += "u00";
      out += kDigits[c >> 4];
      out += kDigits[c & 15];
    }
  }
  out += text.substr(copied);
  out += '"';
}

static std::string in_json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

// Content and reasoning as the fields of a dialect.
static ScriptedAnswer in_dialect(const ScriptedAnswer& answer, Dialect dialect) {
  if (dialect == Dialect::None) return {"", answer.content};
  if (dialect == Dialect::Inline)
    return {"", "<think>\n" + answer.reasoning + "\n</think>\n\n" + answer.content};
  return answer;
}

static void append_content(std::string& out, std::string_view content, ContentShape shape) {
  switch (shape) {
    case ContentShape::Missing:
      return;
    case ContentShape::Null:
      out += ",\"content\":null";
      return;
    case ContentShape::Number:
      out += ",\"content\":1";
      return;
    case ContentShape::Parts:
      out += ",\"content\":[{\"type\":\"text\",\"text\":";
      append_json_string(out, content);
      out += "}]";
      return;
    case ContentShape::Text:
      out += ",\"content\":";
      append_json_string(out, content);
  }
}

static std::string_view reasoning_field(Dialect dialect) {
  return dialect == Dialect::Reasoning ? "reasoning" : "reasoning_content";
}

std::string usage_json(std::string_view prompt, const std::vector<ScriptedAnswer>& answers) {
  int64_t reasoning = 0;
  int64_t output = 0;
  for (const ScriptedAnswer& answer : answers) {
    reasoning += tokens_of(answer.reasoning);
    output += tokens_of(answer.reasoning) + tokens_of(answer.content);
  }
  const int64_t input = tokens_of(prompt);
  return "{\"prompt_tokens\":" + std::to_string(input) +
         ",\"completion_tokens\":" + std::to_string(output) +
         ",\"total_tokens\":" + std::to_string(input + output) +
         ",\"prompt_tokens_details\":{\"cached_tokens\":0}"
         ",\"completion_tokens_details\":{\"reasoning_tokens\":" +
         std::to_string(reasoning) + "}}";
}

std::string plain_answer(const AnswerFrame& frame, const std::vector<ScriptedAnswer>& answers) {
  std::string out = "{\"id\":" + in_json(frame.id) + ",\"object\":\"chat.completion\",\"created\":";
  out.append(kCreated).append(",\"model\":").append(in_json(frame.model)).append(",\"choices\":[");
  int64_t index = frame.first_index;
  for (const ScriptedAnswer& each : answers) {
    const ScriptedAnswer answer = in_dialect(each, frame.dialect);
    if (index != frame.first_index) out += ',';
    out += "{\"index\":" + std::to_string(index++) + ",\"message\":{\"role\":\"assistant\"";
    append_content(out, answer.content, frame.shape);
    if (!answer.reasoning.empty()) {
      out.append(",\"").append(reasoning_field(frame.dialect)).append("\":");
      append_json_string(out, answer.reasoning);
    }
    out += "},\"logprobs\":null";
    if (!frame.finish.empty()) out += ",\"finish_reason\":" + frame.finish;
    out += '}';
  }
  out += ']';
  if (!frame.usage.empty()) out += ",\"usage\":" + frame.usage;
  return out + "}";
}

std::string error_body(std::string_view message, std::string_view type, std::string_view code) {
  return "{\"error\":{\"message\":" + in_json(message) + ",\"type\":" + in_json(type) +
         ",\"param\":null,\"code\":" + in_json(code) + "}}";
}

std::string models_body(std::string_view model) {
  return "{\"object\":\"list\",\"data\":[{\"id\":" + in_json(model) +
         ",\"object\":\"model\",\"created\":" + std::string(kCreated) +
         ",\"owned_by\":\"elenchus\",\"max_model_len\":131072}]}";
}

AnswerEvents::AnswerEvents(const AnswerFrame& frame, const ScriptedAnswer& answer,
                           std::size_t chunk_tokens)
    : frame_(frame),
      chunk_bytes_(std::max<std::size_t>(chunk_tokens, 1) * kTokenBytes),
      finishes_left_(frame.finishes) {
  ScriptedAnswer parts = in_dialect(answer, frame.dialect);
  reasoning_ = std::move(parts.reasoning);
  if (frame.shape == ContentShape::Text || frame.shape == ContentShape::Parts)
    content_ = std::move(parts.content);
}

std::string AnswerEvents::event(std::string_view delta, std::string_view finish,
                                std::string_view usage) const {
  std::string out =
      "{\"id\":" + in_json(frame_.id) + ",\"object\":\"chat.completion.chunk\",\"created\":";
  out.append(kCreated).append(",\"model\":").append(in_json(frame_.model)).append(",\"choices\":[");
  if (usage.empty()) {
    out += "{\"index\":" + std::to_string(frame_.first_index) + ",\"delta\":{";
    out.append(delta).append("},\"finish_reason\":").append(finish).append("}");
  }
  out += ']';
  if (!usage.empty()) out.append(",\"usage\":").append(usage);
  return out + "}";
}

// The next piece of `text`, never ending inside a character.
std::string AnswerEvents::text_event(std::string_view field, const std::string& text,
                                     std::size_t& at) {
  std::size_t end = std::min(at + chunk_bytes_, text.size());
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  const std::string_view piece = std::string_view(text).substr(at, end - at);
  at = end;
  gave_text_ = true;
  std::string delta;
  if (field == "content") {
    append_content(delta, piece, frame_.shape);
    return event(delta.substr(1), "null", "");  // without the comma
  }
  delta.append("\"").append(field).append("\":");
  append_json_string(delta, piece);
  return event(delta, "null", "");
}

std::optional<std::string> AnswerEvents::next() {
  gave_text_ = false;
  if (next_ == Role) {
    next_ = Reasoning;
    return event("\"role\":\"assistant\",\"content\":\"\"", "null", "");
  }
  if (next_ == Reasoning) {
    if (reasoning_at_ < reasoning_.size())
      return text_event(reasoning_field(frame_.dialect), reasoning_, reasoning_at_);
    next_ = Content;
  }
  if (next_ == Content) {
    if (content_at_ < content_.size()) return text_event("content", content_, content_at_);
    next_ = Finish;
    if (frame_.shape == ContentShape::Null) return event("\"content\":null", "null", "");
    if (frame_.shape == ContentShape::Number) return event("\"content\":1", "null", "");
  }
  if (next_ == Finish) {
    if (!frame_.finish.empty() && finishes_left_-- > 0) return event("", frame_.finish, "");
    next_ = Usage;
  }
  if (next_ == Usage) {
    next_ = Done;
    if (!frame_.usage.empty()) return event("", "", frame_.usage);
  }
  if (next_ == Done) {
    next_ = End;
    if (frame_.done) return "[DONE]";
  }
  return std::nullopt;
}

}  // namespace support
