#include "http/response_parser.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using http::ResponseParser;
using Event = ResponseParser::Event;

struct Parsed {
  Event last = Event::NeedMore;  // what the last byte, or the end, has led to
  int status = 0;
  std::string body;
  std::string left;
  std::string problem;
  bool keep_alive = false;
  bool until_close = false;
};

// Feeds the pieces; `Ended` adds the end of the stream.
enum class Stream { Open, Ended };
Parsed parse(const std::vector<std::string_view>& pieces, Stream stream = Stream::Open,
             ResponseParser::Limits limits = {},
             ResponseParser::Request request = ResponseParser::Request::Ordinary) {
  ResponseParser parser(request, limits);
  Parsed parsed;
  for (std::string_view piece : pieces) {
    if (parsed.last != Event::NeedMore) {
      parsed.left += piece;
      continue;
    }
    while ((parsed.last = parser.next(piece)) <= Event::Data && parsed.last != Event::NeedMore) {
      if (parsed.last == Event::Head) parsed.status = parser.head().status;
      if (parsed.last == Event::Data) parsed.body += parser.data();
    }
    parsed.left += piece;
  }
  if (stream == Stream::Ended && parsed.last == Event::NeedMore) parsed.last = parser.end();
  parsed.problem = parser.problem();
  parsed.keep_alive = parser.keep_alive();
  parsed.until_close = parser.until_close();
  return parsed;
}

Parsed parse(std::string_view bytes, Stream stream = Stream::Open,
             ResponseParser::Limits limits = {}) {
  return parse(std::vector<std::string_view>{bytes}, stream, limits);
}

const std::string kOk = "HTTP/1.1 200 OK\r\n";

TEST_SUITE("http/response_parser") {
  TEST_CASE("a body of known length ends with its last byte") {
    const Parsed parsed = parse(kOk + "Content-Length: 3\r\n\r\nabcREST");

    CHECK(parsed.last == Event::Complete);
    CHECK(parsed.status == 200);
    CHECK(parsed.body == "abc");
    CHECK(parsed.left == "REST");
    CHECK(parsed.keep_alive);
  }

  TEST_CASE("a chunked body ends with its last chunk and the blank line") {
    const Parsed parsed =
        parse(kOk +
              "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\nA ; x=\"y\"\r\n0123456789\r\n"
              "00\r\nX-Trailer: 1\r\n\r\nREST");

    CHECK(parsed.last == Event::Complete);
    CHECK(parsed.body == "abc0123456789");
    CHECK(parsed.left == "REST");
  }

  TEST_CASE("a body without a length ends with the stream and says so") {
    const Parsed parsed = parse(kOk + "\r\nabc", Stream::Ended);

    CHECK(parsed.last == Event::Complete);
    CHECK(parsed.body == "abc");
    CHECK(parsed.until_close);
    CHECK_FALSE(parsed.keep_alive);
  }

  TEST_CASE("answers that have no body end with their head") {
    for (const char* status : {"204 No Content", "304 Not Modified"}) {
      const Parsed parsed =
          parse("HTTP/1.1 " + std::string(status) + "\r\nContent-Length: 5\r\n\r\nREST");
      CHECK(parsed.last == Event::Complete);
      CHECK(parsed.left == "REST");
    }
    const Parsed head =
        parse({kOk, "Content-Length: 5\r\n\r\n"}, Stream::Open, {}, ResponseParser::Request::Head);
    CHECK(head.last == Event::Complete);
    const Parsed tunnel = parse({kOk, "\r\n"}, Stream::Open, {}, ResponseParser::Request::Connect);
    CHECK(tunnel.last == Event::Complete);
    CHECK(parse(kOk + "Content-Length: 0\r\n\r\n").last == Event::Complete);
  }

  TEST_CASE("interim responses are skipped") {
    const Parsed parsed = parse(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n"
        "Content-Length: 9\r\n\r\n" +
        kOk + "Content-Length: 1\r\n\r\na");

    CHECK(parsed.last == Event::Complete);
    CHECK(parsed.status == 200);
    CHECK(parsed.body == "a");
  }

  TEST_CASE("the connection is offered again only by HTTP/1.1 without close") {
    const std::string end = "Content-Length: 0\r\n\r\n";
    CHECK(parse("HTTP/1.1 200\r\n" + end).keep_alive);
    CHECK_FALSE(parse("HTTP/1.1 200\r\nConnection: foo , Close\r\n" + end).keep_alive);
    CHECK_FALSE(parse("HTTP/1.0 200 OK\r\n" + end).keep_alive);
  }

  TEST_CASE("a response split at every byte is the same response") {
    const std::string bytes = "HTTP/1.1 100 Continue\r\n\r\n" + kOk +
                              "X: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
                              "2;e\r\nde\r\n0\r\nT: 1\r\n\r\n";
    const std::string_view all = bytes;
    for (std::size_t at = 0; at <= all.size(); ++at) {
      CAPTURE(at);
      const Parsed parsed = parse({all.substr(0, at), all.substr(at)});
      CHECK(parsed.last == Event::Complete);
      CHECK(parsed.body == "abcde");
    }
    for (std::size_t at = 0; at < all.size(); ++at) {
      CAPTURE(at);
      CHECK(parse(all.substr(0, at), Stream::Ended).last == Event::Cut);
    }
  }

  TEST_CASE("what HTTP does not allow is refused with the reason") {
    struct Case {
      std::string bytes;
      std::string reason;
    };
    const std::string chunked = kOk + "Transfer-Encoding: chunked\r\n\r\n";
    const Case cases[] = {
        {"HTTP/2 200 OK\r\n", "HTTP/1.1"},
        {"HTTP/1.2 200 OK\r\n", "HTTP/1.1"},
        {"http/1.1 200 OK\r\n", "HTTP/1.1"},
        {"\r\nHTTP/1.1 200 OK\r\n", "HTTP/1.1"},
        {"SSH-2.0-OpenSSH\r\n", "HTTP/1.1"},
        {"\x15\x03\x01 alert\r\n", "TLS"},
        {"HTTP/1.1 20 OK\r\n", "status"},
        {"HTTP/1.1 2000 OK\r\n", "status"},
        {"HTTP/1.1 099 OK\r\n", "status"},
        {"HTTP/1.1 600 OK\r\n", "status"},
        {"HTTP/1.1 -20 OK\r\n", "status"},
        {"HTTP/1.1  200 OK\r\n", "status"},
        {std::string("HTTP/1.1 200 O\0K\r\n", 18), "control"},
        {"HTTP/1.1 200 O\rK\r\n", "control"},
        {"HTTP/1.1 101 Switching\r\n\r\n", "protocols"},
        {"HTTP/1.1 200 OK\n", "CR LF"},
        {kOk + "X: 1\n", "CR LF"},
        {kOk + " X: 1\r\n", "folded"},
        {kOk + "X: 1\r\n\ty\r\n", "folded"},
        {kOk + "X : 1\r\n", "name: value"},
        {kOk + ": 1\r\n", "name: value"},
        {kOk + "X\r\n", "name: value"},
        {kOk + "X(: 1\r\n", "name: value"},
        {kOk + std::string("X: a\0b\r\n", 8), "control"},
        {kOk + "X: a\rb\r\n", "control"},
        {kOk + "Content-Length: 1\r\nContent-Length: 2\r\n", "two different"},
        {kOk + "Content-Length: 1, 1\r\n", "Content-Length"},
        {kOk + "Content-Length: +1\r\n", "Content-Length"},
        {kOk + "Content-Length: -1\r\n", "Content-Length"},
        {kOk + "Content-Length: 0x1\r\n", "Content-Length"},
        {kOk + "Content-Length:\r\n", "Content-Length"},
        {kOk + "Content-Length: 99999999999999999999\r\n", "Content-Length"},
        {kOk + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "both"},
        {kOk + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", "both"},
        {kOk + "Transfer-Encoding: gzip\r\n", "Transfer-Encoding"},
        {kOk + "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding"},
        {kOk + "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding"},
        {kOk + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding"},
        {kOk + "Transfer-Encoding:\r\n", "Transfer-Encoding"},
        {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n", "HTTP/1.0"},
        {kOk + "Content-Encoding: gzip\r\n", "Content-Encoding"},
        {kOk + "Content-Encoding: identity, gzip\r\n", "Content-Encoding"},
        {chunked + "\r\n", "chunk"},
        {chunked + "g\r\n", "chunk"},
        {chunked + "-2\r\n", "chunk"},
        {chunked + "0x5\r\n", "chunk"},
        {chunked + " 5\r\n", "chunk"},
        {chunked + "5 5\r\n", "chunk"},
        {chunked + "5\n", "CR LF"},
        {chunked + "1111111111111111\r\n", "digits"},
        {chunked + "3\r\nabcd\r\n", "chunk"},
        {chunked + "3\r\nabc\n", "CR LF"},
        {chunked + "0\r\nno trailer\r\n", "trailer"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.bytes);
      const Parsed parsed = parse(c.bytes);
      CHECK(parsed.last == Event::Malformed);
      CAPTURE(parsed.problem);
      CHECK(parsed.problem.find(c.reason) != std::string::npos);
    }
  }

  TEST_CASE("odd but honest responses are taken") {
    CHECK(parse("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n").last == Event::Complete);
    CHECK(parse("HTTP/1.1 200 \xC3\xA9t\xC3\xA9\r\nContent-Length: 0\r\n\r\n").last ==
          Event::Complete);
    CHECK(parse(kOk + "content-length:\t 1 \t\r\n\r\na").last == Event::Complete);
    CHECK(parse(kOk + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na").last == Event::Complete);
    CHECK(parse(kOk + "Content-Encoding: Identity\r\nX:\r\nContent-Length: 0\r\n\r\n").last ==
          Event::Complete);
  }

  TEST_CASE("head, trailers, fields and interim responses have a limit each") {
    const ResponseParser::Limits limits{.header_bytes_max = 100, .body_bytes_max = 10};
    const std::string filler(60, 'x');
    // 17 + 66 + 2 bytes of head are below the limit, one more field is above.
    CHECK(parse(kOk + "a: " + filler + "\r\n\r\n", Stream::Ended, limits).last == Event::Complete);
    CHECK(parse(kOk + "a: " + filler + "\r\nb: " + filler, Stream::Open, limits).last ==
          Event::TooLarge);
    CHECK(parse(std::string(101, 'x'), Stream::Open, limits).last == Event::TooLarge);
    const std::string trailers =
        kOk + "Transfer-Encoding: chunked\r\n\r\n0\r\na: " + filler + "\r\n";
    CHECK(parse(trailers + "\r\n", Stream::Open, limits).last == Event::Complete);
    CHECK(parse(trailers + "b: " + filler, Stream::Open, limits).last == Event::TooLarge);

    std::string fields = kOk;
    for (int i = 0; i < 513; ++i) fields += "a: b\r\n";
    CHECK(parse(fields).last == Event::TooLarge);
    std::string interim;
    for (int i = 0; i < 8; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
    CHECK(parse(interim + kOk + "Content-Length: 0\r\n\r\n").last == Event::Complete);
    CHECK(parse(interim + "HTTP/1.1 100 Continue\r\n\r\n").last == Event::TooLarge);
  }

  TEST_CASE("a body may be as long as its limit and no longer, however it is framed") {
    const ResponseParser::Limits limits{.header_bytes_max = 1000, .body_bytes_max = 10};
    const std::string chunked = kOk + "Transfer-Encoding: chunked\r\n\r\n";

    CHECK(parse(kOk + "Content-Length: 10\r\n\r\n0123456789", Stream::Open, limits).last ==
          Event::Complete);
    CHECK(parse(kOk + "Content-Length: 11\r\n\r\n", Stream::Open, limits).last == Event::TooLarge);
    CHECK(parse(kOk + "\r\n0123456789", Stream::Ended, limits).last == Event::Complete);
    CHECK(parse(kOk + "\r\n0123456789X", Stream::Open, limits).last == Event::TooLarge);
    CHECK(parse(chunked + "a\r\n0123456789\r\n0\r\n\r\n", Stream::Open, limits).last ==
          Event::Complete);
    CHECK(parse(chunked + "a\r\n0123456789\r\n1\r\n", Stream::Open, limits).last ==
          Event::TooLarge);
    CHECK(parse(chunked + "fffffffffffffff\r\n", Stream::Open, limits).last == Event::TooLarge);
  }

  TEST_CASE("a chunk's extensions have a limit") {
    const std::string chunked = kOk + "Transfer-Encoding: chunked\r\n\r\n1;";

    CHECK(parse(chunked + std::string(1000, 'x') + "\r\na\r\n0\r\n\r\n").last == Event::Complete);
    CHECK(parse(chunked + std::string(1030, 'x')).last == Event::TooLarge);
  }
}

}  // namespace
