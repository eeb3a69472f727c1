#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace http {

// A parser of server-sent events (WHATWG HTML, section 9.2.6): CR, LF and CRLF line ends, a byte
// order mark, comments, several data lines, `data:` with or without a blank, split anywhere.
// Pure: bytes go in, events come out.
class SseParser {
 public:
  struct Event {
    std::string name;  // of the `event:` field; empty: "message"
    std::string data;  // the data lines joined by LF
  };
  enum class State { Reading, LineTooLong, EventTooLong };

  // A line or an event longer than its limit ends the parsing for good.
  explicit SseParser(std::size_t line_bytes_max, std::size_t event_bytes_max);

  // Feeds bytes; `sink` is called for every complete event.
  State feed(std::string_view bytes, const std::function<void(const Event&)>& sink);

  std::size_t comments() const { return comments_; }

 private:
  void take_line(const std::function<void(const Event&)>& sink);

  std::size_t line_bytes_max_;
  std::size_t event_bytes_max_;
  std::string line_;
  Event event_;
  State state_ = State::Reading;
  bool has_data_ = false;
  bool first_line_ = true;
  bool after_cr_ = false;
  std::size_t comments_ = 0;
};

}  // namespace http
