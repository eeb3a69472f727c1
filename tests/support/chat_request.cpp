#include <charconv>
#include <cmath>

#include "tests/support/chat_wire.h"
#include "text/utf8.h"

namespace support {

namespace {

constexpr int kDepthMax = 64;

// A reader of JSON that keeps nothing it is not asked for. After an error every call does nothing.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  bool failed() const { return failed_; }
  bool at_end() {
    skip_space();
    return at_ == text_.size();
  }

  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool take(char c) {
    if (failed_ || peek() != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!take(c)) failed_ = true;
  }

  // Calls member(name) at each value, which it must read or skip.
  template <class Member>
  void object(Member member) {
    expect('{');
    if (take('}')) return;
    do {
      const std::string name = string();
      expect(':');
      if (!failed_) member(name);
    } while (!failed_ && take(','));
    expect('}');
  }

  template <class Element>
  void array(Element element) {
    expect('[');
    if (take(']')) return;
    do {
      element();
    } while (!failed_ && take(','));
    expect(']');
  }

  std::string string() {
    std::string out;
    append_string(out);
    return out;
  }

  void append_string(std::string& out) {
    expect('"');
    while (!failed_) {
      const std::size_t plain = text_.find_first_of("\"\\", at_);
      if (plain == std::string_view::npos) {
        failed_ = true;
        return;
      }
      out += text_.substr(at_, plain - at_);
      at_ = plain + 1;
      if (text_[plain] == '"') return;
      append_escape(out);
    }
  }

  std::optional<int64_t> integer() {
    const std::string_view token = word();
    double number = 0;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), number);
    if (error != std::errc{} || end != token.data() + token.size()) {
      failed_ = failed_ || token != "null";
      return std::nullopt;
    }
    if (std::abs(number) < 0x1p53) return int64_t(number);
    failed_ = true;
    return std::nullopt;
  }

  bool boolean() {
    const std::string_view token = word();
    failed_ = failed_ || (token != "true" && token != "false" && token != "null");
    return token == "true";
  }

  void skip(int depth = 0) {
    if (depth > kDepthMax) failed_ = true;
    if (failed_) return;
    const char c = peek();
    if (c == '{')
      object([&](const std::string&) { skip(depth + 1); });
    else if (c == '[')
      array([&] { skip(depth + 1); });
    else if (c == '"')
      skip_string();
    else if (word().empty())
      failed_ = true;
  }

 private:
  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
      ++at_;
  }

  // A number, true, false or null.
  std::string_view word() {
    skip_space();
    const std::size_t end = std::min(text_.find_first_of(",]} \t\r\n", at_), text_.size());
    const std::string_view token = text_.substr(at_, end - at_);
    at_ = end;
    return token;
  }

  void skip_string() {
    expect('"');
    while (!failed_) {
      at_ = text_.find_first_of("\"\\", at_);
      if (at_ >= text_.size() || (text_[at_] == '\\' && at_ + 1 >= text_.size())) {
        at_ = text_.size();
        failed_ = true;
      } else if (text_[at_++] == '"') {
        return;
      } else {
        ++at_;
      }
    }
  }

  unsigned code_unit() {
    unsigned unit = 0;
    const std::string_view digits = text_.substr(std::min(at_, text_.size()), 4);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
    if (error != std::errc{} || end != digits.data() + 4) failed_ = true;
    at_ += 4;
    return unit;
  }

  void append_escape(std::string& out) {
    const char c = at_ < text_.size() ? text_[at_++] : '\0';
    constexpr std::string_view letters = "\"\\/bfnrt";
    const std::size_t index = letters.find(c);
    if (index != std::string_view::npos && c != '\0') {
      out += "\"\\/\b\f\n\r\t"[index];
      return;
    }
    if (c != 'u') {
      failed_ = true;
      return;
    }
    char32_t character = code_unit();
    if (character >= 0xD800 && character < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      at_ += 2;
      const unsigned low = code_unit();
      const bool pair = low >= 0xDC00 && low < 0xE000;
      character = pair ? 0x10000 + ((character - 0xD800) << 10) + (low - 0xDC00) : 0xFFFD;
    }
    if (character >= 0xD800 && character < 0xE000) character = 0xFFFD;
    if (!failed_) text::append_character(out, character);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

// A string, or a list of {"type": "text", "text": ...}.
void read_content(JsonReader& reader, std::string& prompt) {
  if (reader.peek() == '"') {
    reader.append_string(prompt);
  } else if (reader.peek() == '[') {
    reader.array([&] {
      reader.object([&](const std::string& name) {
        if (name == "text")
          reader.append_string(prompt);
        else
          reader.skip();
      });
    });
  } else {
    reader.skip();
  }
}

void read_messages(JsonReader& reader, WireRequest& request) {
  bool first = true;
  reader.array([&] {
    if (!first) request.prompt += "\n\n";
    first = false;
    reader.object([&](const std::string& name) {
      if (name == "content")
        read_content(reader, request.prompt);
      else
        reader.skip();
    });
  });
}

void read_member(JsonReader& reader, const std::string& name, WireRequest& request) {
  if (name == "messages")
    read_messages(reader, request);
  else if (name == "model")
    request.model = reader.string();
  else if (name == "seed")
    request.seed = reader.integer().value_or(0);
  else if (name == "n")
    request.choices = reader.integer().value_or(1);
  else if (name == "max_tokens" || name == "max_completion_tokens")
    request.max_tokens = reader.integer();
  else if (name == "stream")
    request.stream = reader.boolean();
  else if (name == "stream_options" && reader.peek() == '{')
    reader.object([&](const std::string& option) {
      if (option == "include_usage")
        request.include_usage = reader.boolean();
      else
        reader.skip();
    });
  else
    reader.skip();
}

}  // namespace

std::variant<WireRequest, std::string> read_chat_request(std::string_view body) {
  JsonReader reader(body);
  WireRequest request;
  bool messages = false;
  if (reader.peek() != '{') return "the body is not a JSON object";
  reader.object([&](const std::string& name) {
    messages = messages || name == "messages";
    read_member(reader, name, request);
  });
  if (reader.failed() || !reader.at_end()) return "the body is not JSON of the expected form";
  if (!messages) return "messages are missing";
  if (request.choices < 1 || request.choices > kChoicesMax)
    return "n is not between 1 and " + std::to_string(kChoicesMax);
  if (request.stream && request.choices != 1) return "n must be 1 in a stream";
  if (request.max_tokens && *request.max_tokens < 1) return "max_tokens is less than 1";
  return request;
}

}  // namespace support
