#include "http/response_parser.h"

#include <algorithm>
#include <optional>

#include "http/syntax.h"
#include "text/words.h"

namespace http {

namespace {

constexpr std::size_t kChunkLineBytesMax = 1024;  // size and extensions
constexpr std::size_t kFieldsMax = 512;
constexpr int kInterimMax = 8;  // 1xx responses before the real one

// Nothing below may overflow: 18 decimal and 15 hexadecimal digits fit into 63 bits.
constexpr std::size_t kLengthDigitsMax = 18;
constexpr std::size_t kChunkDigitsMax = 15;

std::optional<std::uint64_t> read_decimal(std::string_view text) {
  if (text.empty() || text.size() > kLengthDigitsMax) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + std::uint64_t(c - '0');
  }
  return value;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool lists_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (text::lower_ascii(text::trim(list.substr(0, comma))) == token) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

}  // namespace

ResponseParser::Event ResponseParser::fail(Event event, std::string problem) {
  state_ = State::Failed;
  problem_ = std::move(problem);
  return event;
}

ResponseParser::Event ResponseParser::next(std::string_view& bytes) {
  for (;;) {
    switch (state_) {
      case State::Complete:
        return Event::Complete;
      case State::Failed:
        return Event::Malformed;
      case State::Body:
      case State::ToClose:
      case State::ChunkData:
        return take_data(bytes);
      default: {
        if (bytes.empty()) return Event::NeedMore;
        const Event event = take_line(bytes);
        if (event != Event::NeedMore) return event;
      }
    }
  }
}

// Completes line_ from `bytes` and acts on it.
ResponseParser::Event ResponseParser::take_line(std::string_view& bytes) {
  const bool in_chunks = state_ == State::ChunkSize || state_ == State::ChunkEnd;
  const std::size_t end = bytes.find('\n');
  const std::size_t taken = end == std::string_view::npos ? bytes.size() : end + 1;
  if (in_chunks) {
    if (line_.size() + taken > kChunkLineBytesMax)
      return fail(Event::TooLarge, "the line of a chunk's size is longer than " +
                                       std::to_string(kChunkLineBytesMax) + " bytes");
  } else {
    line_block_bytes_ += taken;
    if (line_block_bytes_ > limits_.header_bytes_max)
      return fail(Event::TooLarge,
                  std::string("the ") + (state_ == State::Trailers ? "trailers are" : "head is") +
                      " longer than " + std::to_string(limits_.header_bytes_max) + " bytes");
  }
  line_.append(bytes.substr(0, taken));
  bytes.remove_prefix(taken);
  if (end == std::string_view::npos) return Event::NeedMore;

  if (!line_.ends_with("\r\n")) return fail(Event::Malformed, "a line does not end with CR LF");
  line_.resize(line_.size() - 2);
  Event event = Event::NeedMore;
  switch (state_) {
    case State::Status:
      event = take_status();
      break;
    case State::Field:
      event = line_.empty() ? finish_head() : take_field();
      break;
    case State::ChunkSize:
      event = take_chunk_size();
      break;
    case State::ChunkEnd:
      if (!line_.empty())
        event = fail(Event::Malformed, "a chunk is longer than its announced size");
      else
        state_ = State::ChunkSize;
      break;
    default:
      event = take_trailer();
  }
  line_.clear();
  // A head may have been long; what follows are lines of a few bytes.
  if (event == Event::Head) line_.shrink_to_fit();
  return event;
}

ResponseParser::Event ResponseParser::take_status() {
  const std::string_view line = line_;
  http_1_0_ = line.starts_with("HTTP/1.0 ");
  if (!http_1_0_ && !line.starts_with("HTTP/1.1 ")) {
    const bool tls = line.size() > 1 && (line[0] == 0x15 || line[0] == 0x16) && line[1] == 0x03;
    return fail(Event::Malformed, tls ? "the server speaks TLS on this port"
                                      : "the first line is not one of HTTP/1.0 or HTTP/1.1");
  }
  const std::string_view digits = line.substr(9, 3);
  const std::optional<std::uint64_t> status = read_decimal(digits);
  if (digits.size() != 3 || !status || *status < 100 || *status > 599 ||
      (line.size() > 12 && line[12] != ' '))
    return fail(Event::Malformed, "the status is not a number from 100 to 599");
  if (!is_field_value(line.substr(12)))
    return fail(Event::Malformed, "the status line holds a control character");
  head_.status = int(*status);
  state_ = State::Field;
  keep_alive_ = !http_1_0_;
  return Event::NeedMore;
}

ResponseParser::Event ResponseParser::take_field() {
  const std::string_view line = line_;
  if (line.front() == ' ' || line.front() == '\t')
    return fail(Event::Malformed, "a field is folded over two lines");
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return fail(Event::Malformed, "a line of the head is not a field 'name: value'");
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim_blanks(line.substr(colon + 1));
  if (!is_field_value(value))
    return fail(Event::Malformed, "a field's value holds a control character");
  if (head_.fields.size() == kFieldsMax)
    return fail(Event::TooLarge,
                "the head has more than " + std::to_string(kFieldsMax) + " fields");
  if (const Event event = take_framing_field(text::lower_ascii(name), value);
      event != Event::NeedMore)
    return event;
  head_.fields.emplace_back(name, value);
  return Event::NeedMore;
}

// The fields that say where the body ends and what it is.
ResponseParser::Event ResponseParser::take_framing_field(std::string_view name,
                                                         std::string_view value) {
  if (name == "content-length") {
    const std::optional<std::uint64_t> length = read_decimal(value);
    if (!length) return fail(Event::Malformed, "Content-Length is not a number");
    if (has_length_ && *length != length_)
      return fail(Event::Malformed, "there are two different Content-Length fields");
    has_length_ = true;
    length_ = *length;
  } else if (name == "transfer-encoding") {
    if (chunked_ || text::lower_ascii(value) != "chunked")
      return fail(Event::Malformed, "Transfer-Encoding is not just 'chunked'");
    if (http_1_0_) return fail(Event::Malformed, "HTTP/1.0 has no Transfer-Encoding");
    chunked_ = true;
  } else if (name == "content-encoding") {
    if (!value.empty() && text::lower_ascii(value) != "identity")
      return fail(Event::Malformed, "the body has a Content-Encoding, though none was asked for");
  } else if (name == "connection") {
    if (lists_token(value, "close")) keep_alive_ = false;
  }
  return Event::NeedMore;
}

ResponseParser::Event ResponseParser::finish_head() {
  if (chunked_ && has_length_)
    return fail(Event::Malformed, "both Content-Length and Transfer-Encoding are present");
  if (head_.status < 200) {
    if (head_.status == 101)
      return fail(Event::Malformed, "the server switches protocols, though nobody asked it to");
    if (++interim_ > kInterimMax)
      return fail(Event::TooLarge,
                  "more than " + std::to_string(kInterimMax) + " interim responses");
    head_ = {};
    has_length_ = chunked_ = false;
    length_ = 0;
    state_ = State::Status;  // line_block_bytes_ goes on: the limit is for all of them
    return Event::NeedMore;
  }
  const bool no_body = request_ == Request::Head || head_.status == 204 || head_.status == 304 ||
                       (request_ == Request::Connect && head_.status < 300);
  if (no_body) {
    state_ = State::Complete;
  } else if (chunked_) {
    state_ = State::ChunkSize;
  } else if (has_length_) {
    if (length_ > limits_.body_bytes_max)
      return fail(Event::TooLarge, "the body is announced with " + std::to_string(length_) +
                                       " bytes, the limit is " +
                                       std::to_string(limits_.body_bytes_max));
    state_ = length_ == 0 ? State::Complete : State::Body;
  } else {
    until_close_ = true;
    keep_alive_ = false;
    state_ = State::ToClose;
  }
  return Event::Head;
}

ResponseParser::Event ResponseParser::take_data(std::string_view& bytes) {
  if (bytes.empty()) return Event::NeedMore;
  std::size_t taken = bytes.size();
  if (state_ != State::ToClose) taken = std::size_t(std::min<std::uint64_t>(taken, length_));
  if (taken > limits_.body_bytes_max - body_bytes_)
    return fail(Event::TooLarge,
                "the body is longer than " + std::to_string(limits_.body_bytes_max) + " bytes");
  data_ = bytes.substr(0, taken);
  bytes.remove_prefix(taken);
  body_bytes_ += taken;
  if (state_ == State::ToClose) return Event::Data;
  length_ -= taken;
  if (length_ == 0) state_ = state_ == State::Body ? State::Complete : State::ChunkEnd;
  return Event::Data;
}

ResponseParser::Event ResponseParser::take_chunk_size() {
  const std::string_view line = line_;
  std::size_t digits = 0;
  length_ = 0;
  while (digits < line.size() && hex_digit(line[digits]) >= 0) {
    if (digits == kChunkDigitsMax)
      return fail(Event::Malformed, "a chunk's size has too many digits");
    length_ = length_ * 16 + std::uint64_t(hex_digit(line[digits++]));
  }
  const std::string_view extension = trim_blanks(line.substr(digits));
  if (digits == 0 || (!extension.empty() && extension.front() != ';') || !is_field_value(extension))
    return fail(Event::Malformed, "a chunk's size is not a hexadecimal number");
  if (length_ > limits_.body_bytes_max - body_bytes_)
    return fail(Event::TooLarge,
                "the body is longer than " + std::to_string(limits_.body_bytes_max) + " bytes");
  state_ = length_ == 0 ? State::Trailers : State::ChunkData;
  line_block_bytes_ = 0;
  return Event::NeedMore;
}

// Trailers are checked and dropped: nothing in them may change what the head said.
ResponseParser::Event ResponseParser::take_trailer() {
  if (line_.empty()) {
    state_ = State::Complete;
    return Event::NeedMore;
  }
  const std::size_t colon = std::min(line_.find(':'), line_.size());
  if (colon == line_.size() || !is_token(std::string_view(line_).substr(0, colon)) ||
      !is_field_value(std::string_view(line_).substr(colon + 1)))
    return fail(Event::Malformed, "a trailer is not a field 'name: value'");
  return Event::NeedMore;
}

ResponseParser::Event ResponseParser::end() {
  if (state_ == State::Complete) return Event::Complete;
  if (state_ == State::ToClose) {
    state_ = State::Complete;
    return Event::Complete;
  }
  if (state_ == State::Failed) return Event::Malformed;
  std::string problem;
  if (in_head())
    problem = "the stream ended within the head of the answer";
  else if (chunked_)
    problem = "the stream ended after " + std::to_string(body_bytes_) +
              " bytes of a chunked body, without its last chunk";
  else
    problem = "the stream ended after " + std::to_string(body_bytes_) + " of " +
              std::to_string(body_bytes_ + length_) + " bytes of the body";
  return fail(Event::Cut, std::move(problem));
}

}  // namespace http
