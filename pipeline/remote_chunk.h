#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "pipeline/chat.h"

namespace pipeline {

// One JSON object of an OpenAI-compatible answer, whatever its server's dialect: an event of a
// stream or a whole answer. Nothing in it is trusted to have the type that it should have.

struct ServerError {
  std::string message;
  std::string code;  // `code` and `type`, with a blank between them, in lower case
  int status = 0;    // `code` where it is an HTTP status
};

// The names under which servers send reasoning: vLLM has used the first two, one after the other.
inline constexpr std::array kReasoningFields{"reasoning_content", "reasoning", "thinking"};

struct ReplyChunk {
  std::optional<ServerError> error;
  bool has_choice = false;        // one with index 0, the only one that we ask for
  bool has_other_choice = false;  // one with another index
  std::string text;               // invalid UTF-8 as it was received
  std::array<std::string, kReasoningFields.size()> reasoning;
  bool has_reasoning_field = false;  // even if it is empty: then the text holds no reasoning
  std::string finish_reason;         // empty: none
  std::string model;
  Usage usage;  // members that are missing, not whole numbers or out of all reason stay empty
};

// Bombs are refused before anything is built of them.
inline constexpr std::size_t kJsonDepthMax = 64;
inline constexpr std::size_t kJsonValuesMax = 500'000;
inline constexpr int64_t kUsageTokensMax = int64_t(1) << 40;

// Where the text of a choice stands.
enum class ChunkForm { Delta, Message };

// The string says why it is not such an object.
std::variant<ReplyChunk, std::string> read_chunk(std::string_view json, ChunkForm form);

// The error that the body of an error answer tells of: {"error": {...}}, {"error": "..."},
// {"object": "error", ...}, {"detail": ...}, {"message": ...}; anything else: its beginning.
ServerError read_error_body(std::string_view body);

// The beginning of a text from outside, as one line of valid UTF-8 for a message.
std::string excerpt(std::string_view bytes, std::size_t bytes_max = 300);

}  // namespace pipeline
