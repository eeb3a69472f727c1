#include "tests/support/endpoint_faults.h"

#include <array>
#include <ctime>
#include <utility>

namespace support {

bool applies(const Fault& fault, bool stream) {
  switch (fault.kind) {
    case FaultKind::Silence:
    case FaultKind::NoDone:
    case FaultKind::TwoFinishes:
    case FaultKind::Sse:
      return stream;
    default:
      return true;
  }
}

// Bytes that are not UTF-8, or characters that many programs cannot bear.
static std::string bad_bytes(std::string_view kind) {
  if (kind == "cut") return "\xE2\x82";
  if (kind == "overlong") return "\xC0\xAF";
  if (kind == "surrogate") return "\xED\xA0\x80";
  if (kind == "nul") return std::string(1, '\0');
  if (kind == "fffe") return "\xEF\xBF\xBE";
  if (kind == "beyond") return "\xF4\x90\x80\x80";
  return "\x80";
}

static std::string usage_value(const std::string& value) {
  if (value == "missing") return "";
  const std::string number = value == "zero"       ? "0"
                             : value == "negative" ? "-5"
                             : value == "huge"     ? "9223372036854775808"
                                                   : "\"12\"";
  return "{\"prompt_tokens\":" + number + ",\"completion_tokens\":" + number +
         ",\"total_tokens\":" + number + "}";
}

static ContentShape shape_of(const std::string& value) {
  if (value == "missing") return ContentShape::Missing;
  if (value == "parts") return ContentShape::Parts;
  if (value == "number") return ContentShape::Number;
  return value == "empty" ? ContentShape::Text : ContentShape::Null;
}

void deform(AnswerFrame& frame, std::vector<ScriptedAnswer>& answers, const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::NoDone:
      frame.done = false;
      break;
    case FaultKind::NoFinish:
      frame.finish.clear();
      frame.done = false;
      break;
    case FaultKind::TwoFinishes:
      frame.finishes = 2;
      break;
    case FaultKind::BadUtf8:
      // Behind the first word of the second line, where the form of an answer does not mind.
      for (ScriptedAnswer& answer : answers)
        answer.content.insert(std::min(answer.content.find("the "), answer.content.size()),
                              bad_bytes(fault.text("kind", "lone")));
      break;
    case FaultKind::Index:
      frame.first_index = fault.number("value", 7);
      break;
    case FaultKind::Content:
      frame.shape = shape_of(fault.text("value", "null"));
      if (fault.text("value") == "empty")
        for (ScriptedAnswer& answer : answers) answer.content.clear();
      break;
    case FaultKind::Finish: {
      const std::string reason = fault.text("reason", "length");
      frame.finish = reason == "null" ? reason : "\"" + reason + "\"";
      break;
    }
    case FaultKind::Usage:
      frame.usage = usage_value(fault.text("value", "missing"));
      break;
    default:
      break;
  }
}

static std::string http_date(std::time_t time) {
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 64> text{};
  // No locale is set in our programs, so that the names are English.
  const std::size_t size =
      std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

static std::string waiting_fields(const Fault& fault) {
  std::string fields;
  if (fault.values.contains("retry-after")) {
    std::string value = fault.text("retry-after");
    if (value.starts_with("date"))
      value = http_date(std::time(nullptr) + std::atoll(value.substr(4).c_str()));
    fields += "Retry-After: " + value + "\r\n";
  }
  if (fault.values.contains("retry-after-ms"))
    fields += "Retry-After-Ms: " + fault.text("retry-after-ms") + "\r\n";
  if (fault.values.contains("location")) fields += "Location: " + fault.text("location") + "\r\n";
  return fields;
}

static constexpr std::string_view kLoginPage =
    "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n"
    "<body><h1>Sign in to continue</h1><form method=\"post\" action=\"/login\"></form></body>"
    "</html>\n";

static SimpleResponse status_response(const Fault& fault, std::string_view authorization) {
  SimpleResponse response{.status = fault.status, .fields = waiting_fields(fault)};
  const std::string code = fault.text("code", fault.status == 429   ? "rate_limit_exceeded"
                                              : fault.status == 401 ? "invalid_api_key"
                                              : fault.status == 404 ? "model_not_found"
                                              : fault.status >= 500 ? "server_error"
                                                                    : "invalid_request_error");
  const std::string message = "Scripted fault: " + std::string(reason_of(fault.status)) + ".";
  const std::string body = fault.text("body", "json");
  if (body == "json") {
    response.body = error_body(message, fault.status >= 500 ? "server_error" : code, code);
  } else if (body == "echo") {
    response.body = error_body("Refused: " + std::string(authorization), code, code);
  } else if (body == "string") {
    response.body = "{\"error\":";
    append_json_string(response.body, message);
    response.body += '}';
  } else if (body == "html") {
    response.type = "text/html";
    response.body = "<html><body><h1>" + message + "</h1></body></html>\n";
  } else if (body != "empty") {
    response.body = body;
  }
  return response;
}

std::optional<SimpleResponse> replacement(const Fault& fault, std::string_view authorization,
                                          bool stream) {
  switch (fault.kind) {
    case FaultKind::Status:
      return status_response(fault, authorization);
    case FaultKind::Html:
      return SimpleResponse{.type = "text/html; charset=utf-8", .body = std::string(kLoginPage)};
    case FaultKind::Empty:
      return SimpleResponse{};
    case FaultKind::Body:
      return SimpleResponse{.type = fault.text("type", "application/json"),
                            .body = fault.text("text")};
    case FaultKind::OnlyDone:
      if (stream) return std::nullopt;
      return SimpleResponse{.body = "{\"object\":\"chat.completion\",\"choices\":[]}"};
    case FaultKind::ErrorEvent:
      if (stream) return std::nullopt;
      return SimpleResponse{.body = error_body("Scripted fault.", "server_error", "server_error")};
    default:
      return std::nullopt;
  }
}

std::string sse_event(std::string_view data, std::string_view style) {
  std::string text = style == "tight" ? "data:" : "data: ";
  const std::size_t comma = data.find(',');
  if (style == "multiline" && comma != std::string_view::npos)
    text.append(data.substr(0, comma + 1)).append("\ndata: ").append(data.substr(comma + 1));
  else
    text += data;
  text += "\n\n";
  if (style == "named") text = "event: message\nid: 1\nretry: 1000\n" + text;
  if (style == "comments") text = ": ping\n\n" + text;
  if (style != "crlf" && style != "cr") return text;
  std::string converted;
  for (const char c : text) {
    if (c == '\n')
      converted += style == "crlf" ? "\r\n" : "\r";
    else
      converted += c;
  }
  return converted;
}

std::string_view reason_of(int status) {
  static constexpr std::array<std::pair<int, std::string_view>, 25> kReasons = {{
      {200, "OK"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {402, "Payment Required"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {411, "Length Required"},
      {413, "Content Too Large"},
      {415, "Unsupported Media Type"},
      {422, "Unprocessable Content"},
      {425, "Too Early"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {529, "Site is overloaded"},
  }};
  for (const auto& [number, reason] : kReasons)
    if (number == status) return reason;
  return "Other";
}

}  // namespace support
