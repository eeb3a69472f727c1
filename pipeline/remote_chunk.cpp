#include "pipeline/remote_chunk.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "text/json_size.h"
#include "text/utf8.h"
#include "text/words.h"

namespace pipeline {
namespace {

using nlohmann::json;

constexpr std::size_t kMessageBytesMax = 2000;

// A byte b that is not UTF-8 travels through the JSON parser, which would refuse it, as the
// private character U+10FE00 + b, and becomes b again in the strings that are taken out.
constexpr std::string_view kMaskStart = "\xF4\x8F";  // then BA or BB, then one more byte

// Not if there are characters that look like ours, plain or escaped: then U+FFFD must do.
bool can_be_masked(std::string_view bytes) {
  return bytes.find(kMaskStart) == bytes.npos && bytes.find("\\ud") == bytes.npos &&
         bytes.find("\\uD") == bytes.npos;
}

std::string masked(std::string_view bytes) {
  std::string result;
  while (const auto bad = text::find_invalid_utf8(bytes)) {
    result += bytes.substr(0, *bad);
    text::append_character(result, char32_t(0x10FE00 + uint8_t(bytes[*bad])));
    bytes.remove_prefix(*bad + 1);
  }
  result += bytes;
  return result;
}

std::string unmasked(std::string text) {
  std::size_t from = text.find(kMaskStart);
  if (from == text.npos) return text;
  std::string result;
  std::size_t done = 0;
  for (; from != text.npos; from = text.find(kMaskStart, from + 1)) {
    const uint8_t third = from + 3 < text.size() ? uint8_t(text[from + 2]) : 0;
    if (third != 0xBA && third != 0xBB) continue;
    result += text.substr(done, from - done);
    result += char((third == 0xBA ? 0x80 : 0xC0) + (uint8_t(text[from + 3]) & 0x3F));
    done = from + 4;
  }
  return result + text.substr(done);
}

// The UTF-16 unit of an escape \uXXXX at the beginning of `text`.
std::optional<unsigned> escaped_unit(std::string_view text) {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return std::nullopt;
  unsigned unit = 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + 6, unit, 16);
  if (error != std::errc() || end != text.data() + 6) return std::nullopt;
  return unit;
}

bool is_high_surrogate(std::optional<unsigned> unit) { return unit && *unit >> 10 == 0xD800 >> 10; }
bool is_low_surrogate(std::optional<unsigned> unit) { return unit && *unit >> 10 == 0xDC00 >> 10; }

// JavaScript servers cut strings between the halves of a pair, and escape each half alone.
std::string without_lone_surrogates(std::string_view bytes) {
  std::string result(bytes);
  for (std::size_t i = 0; i + 1 < result.size(); ++i) {
    if (result[i] != '\\') continue;
    const std::string_view rest = std::string_view(result).substr(i);
    const auto unit = escaped_unit(rest);
    if (is_high_surrogate(unit) && is_low_surrogate(escaped_unit(rest.substr(6)))) {
      i += 11;
    } else if (is_high_surrogate(unit) || is_low_surrogate(unit)) {
      result.replace(i + 2, 4, "fffd");
      i += 5;
    } else {
      ++i;  // what is escaped is no backslash of its own
    }
  }
  return result;
}

struct Parsed {
  json document;        // discarded if it is not JSON
  bool masked = false;  // its strings hold masked bytes
};

Parsed parse(std::string_view bytes) {
  if (text::find_json_excess(bytes, {.depth = kJsonDepthMax, .values = kJsonValuesMax}))
    return {.document = json(json::value_t::discarded)};
  Parsed parsed;
  std::string copy;
  if (text::find_invalid_utf8(bytes)) {
    parsed.masked = can_be_masked(bytes);
    bytes = copy = parsed.masked ? masked(bytes) : text::repair_utf8(bytes);
  }
  parsed.document = json::parse(bytes, nullptr, false);
  if (parsed.document.is_discarded() && bytes.find("\\u") != bytes.npos)
    parsed.document = json::parse(without_lone_surrogates(bytes), nullptr, false);
  return parsed;
}

// The member of that name; null if there is none or `object` is none.
const json& member(const json& object, const char* name) {
  static const json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

std::string string_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

enum class Least { Zero, One };
std::optional<int64_t> tokens_of(const json& value, Least least) {
  if (!value.is_number_integer()) return std::nullopt;
  if (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t(kUsageTokensMax))
    return std::nullopt;
  const int64_t tokens = value.get<int64_t>();
  if (tokens < (least == Least::One ? 1 : 0) || tokens > kUsageTokensMax) return std::nullopt;
  return tokens;
}

Usage usage_of(const json& value) {
  Usage usage;
  usage.prompt = tokens_of(member(value, "prompt_tokens"), Least::One);
  usage.output = tokens_of(member(value, "completion_tokens"), Least::One);
  usage.cached =
      tokens_of(member(member(value, "prompt_tokens_details"), "cached_tokens"), Least::Zero);
  if (!usage.cached)  // DeepSeek's own servers
    usage.cached = tokens_of(member(value, "prompt_cache_hit_tokens"), Least::Zero);
  usage.reasoning = tokens_of(
      member(member(value, "completion_tokens_details"), "reasoning_tokens"), Least::Zero);
  return usage;
}

std::string scalar_text(const json& value) {
  if (value.is_string()) return string_of(value);
  return value.is_number_integer() ? value.dump() : std::string();
}

ServerError error_of(const json& value) {
  ServerError error;
  if (value.is_string()) {
    error.message = string_of(value);
  } else if (value.is_object()) {
    error.message = string_of(member(value, "message"));
    const json& code = member(value, "code");
    const std::string code_text = scalar_text(code), type = scalar_text(member(value, "type"));
    error.code =
        text::lower_ascii(code_text + (code_text.empty() || type.empty() ? "" : " ") + type);
    // vLLM and llama.cpp put the HTTP status into `code`, some as a number and some as text.
    if (code_text.size() == 3 && '1' <= code_text[0] && code_text[0] <= '5' &&
        code_text.find_first_not_of("0123456789") == code_text.npos)
      error.status = (code_text[0] - '0') * 100 + (code_text[1] - '0') * 10 + (code_text[2] - '0');
  }
  if (error.message.empty())
    error.message = value.dump(-1, ' ', false, json::error_handler_t::replace);
  error.message = excerpt(error.message, kMessageBytesMax);
  return error;
}

// Whether an `error` member tells of one: null, false, "" and 0 stand for none.
bool tells_of_error(const json& value) {
  return value.is_object() || value.is_array() ||
         (value.is_string() && !value.get_ref<const std::string&>().empty());
}

void take_content(const json& content, ReplyChunk& chunk) {
  if (content.is_string()) chunk.text += string_of(content);
  if (!content.is_array()) return;
  for (const json& part : content) {
    const std::string type = string_of(member(part, "type"));
    if (part.is_string()) {
      chunk.text += string_of(part);
    } else if (type == "thinking") {  // Mistral's: a list of text parts of its own
      chunk.has_reasoning_field = true;
      const json& inner = member(part, "thinking");
      if (inner.is_string()) chunk.reasoning[0] += string_of(inner);
      if (inner.is_array())
        for (const json& piece : inner) chunk.reasoning[0] += string_of(member(piece, "text"));
    } else if (type.empty() || type == "text" || type == "output_text") {
      chunk.text += string_of(member(part, "text"));
    }
  }
}

// What is wrong with it; empty: nothing.
std::string take_choice(const json& choice, ChunkForm form, ReplyChunk& chunk) {
  const json& index = member(choice, "index");
  if (!choice.is_object()) return "a choice is not an object";
  if (!index.is_null() && !(index.is_number_integer() && index.get<int64_t>() == 0)) {
    chunk.has_other_choice = true;
    return "";
  }
  if (chunk.has_choice) return "choice 0 comes twice";
  chunk.has_choice = true;

  if (tells_of_error(member(choice, "error"))) chunk.error = error_of(member(choice, "error"));
  const json& message = member(choice, form == ChunkForm::Delta ? "delta" : "message");
  take_content(member(message, "content"), chunk);
  for (std::size_t i = 0; i < kReasoningFields.size(); ++i) {
    const json& reasoning = member(message, kReasoningFields[i]);
    if (!reasoning.is_string()) continue;
    chunk.has_reasoning_field = true;
    chunk.reasoning[i] += string_of(reasoning);
  }
  const json& finish = member(choice, "finish_reason");
  if (!finish.is_null() && !finish.is_string()) return "finish_reason is not a string";
  chunk.finish_reason = string_of(finish);
  if (form == ChunkForm::Message && !message.is_object()) return "the choice holds no message";
  return "";
}

}  // namespace

std::string excerpt(std::string_view bytes, std::size_t bytes_max) {
  const bool cut = bytes.size() > bytes_max;
  std::string line = text::repair_utf8(bytes.substr(0, bytes_max));
  for (char& c : line)
    if (uint8_t(c) < 0x20 || c == 0x7F) c = ' ';
  return cut ? line + " ..." : line;
}

std::variant<ReplyChunk, std::string> read_chunk(std::string_view bytes, ChunkForm form) {
  const auto [document, was_masked] = parse(bytes);
  if (!document.is_object()) return "not a JSON object: " + excerpt(bytes, 120);

  ReplyChunk chunk;
  if (tells_of_error(member(document, "error")))
    chunk.error = error_of(member(document, "error"));
  else if (string_of(member(document, "object")) == "error")
    chunk.error = error_of(document);
  chunk.model = string_of(member(document, "model"));
  chunk.usage = usage_of(member(document, "usage"));
  if (chunk.error) return chunk;

  const json& choices = member(document, "choices");
  if (!choices.is_null() && !choices.is_array()) return "`choices` is not a list";
  for (const json& choice : choices) {
    std::string wrong = take_choice(choice, form, chunk);
    if (!wrong.empty()) return wrong;
  }
  if (was_masked) {
    chunk.text = unmasked(std::move(chunk.text));
    for (std::string& reasoning : chunk.reasoning) reasoning = unmasked(std::move(reasoning));
  }
  return chunk;
}

ServerError read_error_body(std::string_view body) {
  const json document = parse(body).document;
  if (document.is_object()) {
    for (const char* name : {"error", "detail"})
      if (tells_of_error(member(document, name))) return error_of(member(document, name));
    return error_of(document);
  }
  ServerError error;
  error.message = body.empty() ? "an empty answer" : excerpt(body);
  return error;
}

}  // namespace pipeline
