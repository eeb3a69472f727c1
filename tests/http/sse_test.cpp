#include "http/sse.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using Events = std::vector<std::pair<std::string, std::string>>;  // name, data

struct Parsed {
  Events events;
  http::SseParser::State state = http::SseParser::State::Reading;
  std::size_t comments = 0;
};

Parsed parse(const std::vector<std::string_view>& pieces, std::size_t line_max = 1 << 20,
             std::size_t event_max = 1 << 20) {
  http::SseParser parser(line_max, event_max);
  Parsed parsed;
  for (const std::string_view piece : pieces)
    parsed.state = parser.feed(piece, [&](const http::SseParser::Event& event) {
      parsed.events.emplace_back(event.name, event.data);
    });
  parsed.comments = parser.comments();
  return parsed;
}

// The specification's text, step by step, on the whole stream at once.
Events reference_parse(std::string stream) {
  if (stream.compare(0, 3, "\xEF\xBB\xBF") == 0) stream.erase(0, 3);
  std::vector<std::string> lines(1);
  for (std::size_t i = 0; i < stream.size(); ++i) {
    if (stream[i] == '\r' || stream[i] == '\n') {
      if (stream[i] == '\r' && i + 1 < stream.size() && stream[i + 1] == '\n') ++i;
      lines.emplace_back();
    } else {
      lines.back() += stream[i];
    }
  }
  lines.pop_back();  // what is not ended is no line
  Events events;
  std::string data, type;
  for (const std::string& line : lines) {
    if (line.empty()) {
      if (!data.empty()) {
        data.pop_back();
        events.emplace_back(type, data);
      }
      data.clear();
      type.clear();
      continue;
    }
    if (line[0] == ':') continue;
    std::string field = line, value;
    if (const std::size_t colon = line.find(':'); colon != std::string::npos) {
      field = line.substr(0, colon);
      value = line.substr(colon + 1);
      if (!value.empty() && value[0] == ' ') value.erase(0, 1);
    }
    if (field == "event") type = value;
    if (field == "data") data += value + '\n';
  }
  return events;
}

// A stream of a few events in one dialect; about 60 to 200 bytes.
std::string random_stream(std::mt19937& random) {
  const auto one_in = [&](unsigned n) { return random() % n == 0; };
  const char* const ends[] = {"\n", "\r", "\r\n"};
  const bool mixed = one_in(4);
  const std::string fixed = ends[random() % 3];
  const auto end = [&] { return mixed ? std::string(ends[random() % 3]) : fixed; };
  const char* const words[] = {"a", "", " b", "x:y", "\xC3\xA9", "data", "{\"k\": 1}", ":", "  "};
  std::string stream = one_in(3) ? "\xEF\xBB\xBF" : "";
  const int events = 2 + int(random() % 4);
  for (int i = 0; i < events; ++i) {
    if (one_in(3)) stream += ": ping" + end() + (one_in(2) ? end() : "");
    if (one_in(3)) stream += "event: kind" + end();
    if (one_in(6)) stream += "id: 7" + end() + "retry: 10" + end() + "datum: no" + end();
    const int lines = int(random() % 4);
    for (int line = 0; line < lines; ++line)
      stream +=
          (one_in(8) ? "data" : std::string(one_in(2) ? "data:" : "data: ") + words[random() % 9]) +
          end();
    if (!one_in(6)) stream += end();  // else the blank line is missing and events run together
    if (one_in(6)) stream += end();
  }
  return stream;
}

TEST_SUITE("http/sse") {
  TEST_CASE("an event is its data lines joined, and its name") {
    const Parsed parsed = parse({"event: add\ndata: 1\ndata:2\n\ndata: x\n\n"});

    CHECK(parsed.events == Events{{"add", "1\n2"}, {"", "x"}});
  }

  TEST_CASE("comments are counted and make no event") {
    const Parsed parsed = parse({": ping\n\n:\n\ndata: 1\n\n"});

    CHECK(parsed.comments == 2);
    CHECK(parsed.events == Events{{"", "1"}});
  }

  TEST_CASE("only one blank after the colon is taken away") {
    CHECK(parse({"data:  x\n\n"}).events == Events{{"", " x"}});
  }

  TEST_CASE("a data line without a value makes an event with empty data") {
    CHECK(parse({"data\n\n"}).events == Events{{"", ""}});
    CHECK(parse({"data:\n\n"}).events == Events{{"", ""}});
    CHECK(parse({"event: x\n\n"}).events.empty());
  }

  TEST_CASE("an event without its blank line is not complete") {
    CHECK(parse({"data: 1\n\ndata: 2\n"}).events == Events{{"", "1"}});
  }

  TEST_CASE("CR LF split between two pieces is one line end") {
    CHECK(parse({"data: 1\r", "\ndata: 2\r", "\n\r", "\n"}).events == Events{{"", "1\n2"}});
  }

  TEST_CASE("every dialect split at every byte gives the reference's events") {
    std::mt19937 random(20240607);
    int splits = 0;
    std::size_t events = 0;
    while (splits < 50'000) {
      const std::string stream = random_stream(random);
      const std::string_view all = stream;
      const Events expected = reference_parse(stream);
      events += expected.size();
      for (std::size_t at = 0; at <= stream.size(); ++at, ++splits)
        if (parse({all.substr(0, at), all.substr(at)}).events != expected) {
          CAPTURE(stream);
          CAPTURE(at);
          FAIL("the split stream gives other events");
        }
      std::vector<std::string_view> single;
      for (std::size_t at = 0; at < stream.size(); ++at) single.push_back(all.substr(at, 1));
      REQUIRE(parse(single).events == expected);
    }
    CHECK(events > 1000);
  }

  TEST_CASE("a line may be as long as its limit and no longer") {
    const std::string fits = "data: 45678";  // 11 bytes

    CHECK(parse({fits, "\n\n"}, 11).state == http::SseParser::State::Reading);
    const Parsed parsed = parse({fits, "9\n\ndata: 1\n\n"}, 11);
    CHECK(parsed.state == http::SseParser::State::LineTooLong);
    CHECK(parsed.events.empty());
  }

  TEST_CASE("a line without an end is stopped at its limit") {
    http::SseParser parser(1000, 1000);
    const std::string piece(300, 'x');
    int fed = 0;
    while (parser.feed(piece, [](const auto&) {}) == http::SseParser::State::Reading) ++fed;

    CHECK(fed == 3);
  }

  TEST_CASE("an event of many short lines is stopped at its limit for good") {
    std::string stream;
    for (int i = 0; i < 100; ++i) stream += "data: 0123456789\n";

    const Parsed parsed = parse({stream, "\n\n", "data: 1\n\n"}, 100, 500);

    CHECK(parsed.state == http::SseParser::State::EventTooLong);
    CHECK(parsed.events.empty());
  }
}

}  // namespace
