#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tests/support/chat_wire.h"
#include "tests/support/fault_script.h"

namespace support {

// The faults that need no connection: pure functions from an answer to a worse one.

// Whether a fault can show in an answer of that kind; `no-done`, for one, needs a stream.
bool applies(const Fault& fault, bool stream);

// Changes what the fault says of the frame and the text.
void deform(AnswerFrame& frame, std::vector<ScriptedAnswer>& answers, const Fault& fault);

// A response that is no chat answer.
struct SimpleResponse {
  int status = 200;
  std::string type = "application/json";
  std::string fields = {};  // whole lines, each with its CRLF
  std::string body = {};
};

// What a fault sends in place of any answer: a status, a page, nothing.
std::optional<SimpleResponse> replacement(const Fault& fault, std::string_view authorization,
                                          bool stream);

// One event of a stream in one of the spellings that the standard allows.
std::string sse_event(std::string_view data, std::string_view style);

std::string_view reason_of(int status);  // "Not Found"

}  // namespace support
