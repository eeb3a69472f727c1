#include "http/sse.h"

#include <algorithm>

namespace http {

namespace {

// Buffers that grew beyond this for one long event are given back after it: thousands of parsers
// live at once.
constexpr std::size_t kKeptBufferBytes = 4 << 10;

void empty(std::string& buffer) {
  if (buffer.capacity() > kKeptBufferBytes)
    std::string().swap(buffer);
  else
    buffer.clear();
}

}  // namespace

SseParser::SseParser(std::size_t line_bytes_max, std::size_t event_bytes_max)
    : line_bytes_max_(line_bytes_max), event_bytes_max_(event_bytes_max) {}

SseParser::State SseParser::feed(std::string_view bytes,
                                 const std::function<void(const Event&)>& sink) {
  while (state_ == State::Reading && !bytes.empty()) {
    if (after_cr_) {
      // The CR has already ended the line; an LF right after it belongs to it.
      after_cr_ = false;
      if (bytes.front() == '\n') {
        bytes.remove_prefix(1);
        continue;
      }
    }
    const auto end =
        std::find_if(bytes.begin(), bytes.end(), [](char c) { return c == '\n' || c == '\r'; });
    const auto length = std::size_t(end - bytes.begin());
    if (length > line_bytes_max_ - line_.size()) {
      state_ = State::LineTooLong;
      break;
    }
    line_.append(bytes.substr(0, length));
    bytes.remove_prefix(length);
    if (bytes.empty()) break;
    after_cr_ = bytes.front() == '\r';
    bytes.remove_prefix(1);
    take_line(sink);
    empty(line_);
  }
  return state_;
}

void SseParser::take_line(const std::function<void(const Event&)>& sink) {
  std::string_view line = line_;
  if (first_line_ && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  first_line_ = false;

  if (line.empty()) {
    if (has_data_) sink(event_);
    has_data_ = false;
    empty(event_.name);
    empty(event_.data);
    return;
  }
  const std::size_t colon = std::min(line.find(':'), line.size());
  const std::string_view field = line.substr(0, colon);
  std::string_view value = line.substr(std::min(colon + 1, line.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (colon == 0) {
    ++comments_;
  } else if (field == "data") {
    if (event_.data.size() + value.size() + event_.name.size() + 1 > event_bytes_max_) {
      state_ = State::EventTooLong;
      return;
    }
    if (has_data_) event_.data += '\n';
    event_.data += value;
    has_data_ = true;
  } else if (field == "event") {
    if (event_.data.size() + value.size() > event_bytes_max_) {
      state_ = State::EventTooLong;
      return;
    }
    event_.name = value;
  }
}

}  // namespace http
