#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/support/raw_client.h"
#include "tests/support/scripted_answers.h"
#include "tests/support/scripted_endpoint.h"
#include "text/utf8.h"

using namespace support;  // the room under test
using nlohmann::json;

namespace {

constexpr std::string_view kPrompt = "Prove that two and two are four.";
enum class Kind { Plain, Stream };

// One exchange with an endpoint whose first request meets `action`; the second one meets nothing.
struct Exchange {
  explicit Exchange(const std::string& action, Kind kind = Kind::Plain)
      : endpoint(options_for(action)), client(endpoint.port()) {
    ask(kind);
    answer = client.receive();
  }

  void ask(Kind kind) {
    client.send(chat_request(kPrompt, 1, kind == Kind::Stream ? ",\"stream\":true" : ""));
  }

  // Whether the connection still works after the answer.
  bool usable() {
    ask(Kind::Plain);
    return client.receive().whole;
  }

  static EndpointOptions options_for(const std::string& action) {
    EndpointOptions options;
    options.faults = FaultScript("nth=1 -> " + action + "\n");
    return options;
  }

  ScriptedEndpoint endpoint;
  RawClient client;
  RawClient::Answer answer;
};

std::size_t count_of(const std::string& text, std::string_view word) {
  std::size_t count = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1))
    ++count;
  return count;
}

bool holds(const std::string& text, std::string_view word) { return count_of(text, word) > 0; }

}  // namespace

TEST_SUITE("endpoint/endpoint_faults") {
  TEST_CASE("a status comes with its fields and its kind of body") {
    Exchange limited("429 retry-after=2");
    CHECK(limited.answer.status == 429);
    CHECK(holds(limited.answer.head, "Retry-After: 2\r\n"));
    CHECK(json::parse(limited.answer.body)["error"]["code"] == "rate_limit_exceeded");
    CHECK(limited.usable());

    CHECK(holds(Exchange("503 retry-after=NaN").answer.head, "Retry-After: NaN\r\n"));
    CHECK(holds(Exchange("503 retry-after-ms=50").answer.head, "Retry-After-Ms: 50\r\n"));
    CHECK(holds(Exchange("503 retry-after=date+5").answer.head, " GMT\r\n"));
    CHECK_FALSE(holds(Exchange("503").answer.head, "Retry-After"));
    CHECK(json::parse(Exchange("500 body=string").answer.body)["error"].is_string());
    CHECK(holds(Exchange("502 body=html").answer.body, "<html>"));
    CHECK(Exchange("504 body=empty").answer.body.empty());
    CHECK(Exchange("500 body=\"no body\"").answer.body == "no body");
    CHECK(holds(Exchange("302 location=http://127.0.0.1:1/").answer.head, "Location: http://"));
    CHECK(json::parse(Exchange("insufficient_quota").answer.body)["error"]["code"] ==
          "insufficient_quota");
    CHECK(Exchange("context_length_exceeded").answer.status == 400);
  }

  TEST_CASE("whole bodies are replaced") {
    CHECK(holds(Exchange("html").answer.head, "text/html"));
    CHECK(Exchange("empty").answer.body.empty());
    CHECK(Exchange("body text=[]").answer.body == "[]");
    CHECK(Exchange("body text={\"choices\":null}", Kind::Stream).answer.status == 200);
    CHECK(json::parse(Exchange("only-done").answer.body)["choices"].empty());
  }

  TEST_CASE("a body is cut at the byte, by an end or by a reset") {
    for (const int at : {0, 1, 100}) {
      CAPTURE(at);
      const std::string where = "cut at=" + std::to_string(at);
      Exchange plain(where + " how=fin");
      CHECK_FALSE(plain.answer.whole);
      CHECK(plain.answer.body.size() == std::size_t(at));
      CHECK(plain.client.wait_for_end() == RawClient::End::Fin);
      Exchange stream(where + " how=fin", Kind::Stream);
      CHECK_FALSE(stream.answer.whole);
      CHECK(stream.answer.body.size() == std::size_t(at));
      CHECK(Exchange(where + " how=rst", Kind::Stream).client.wait_for_end() ==
            RawClient::End::Rst);
    }
  }

  TEST_CASE("a clean cut looks complete to HTTP") {
    for (const Kind kind : {Kind::Plain, Kind::Stream}) {
      for (const int at : {0, 1, 300}) {
        Exchange exchange("cut how=clean at=" + std::to_string(at), kind);
        CHECK(exchange.answer.whole);
        CHECK(exchange.answer.body.size() == std::size_t(at));
        CHECK(exchange.usable());
      }
    }
  }

  TEST_CASE("a cut behind the end is none") {
    Exchange exchange("cut at=1000000 how=rst", Kind::Stream);
    CHECK(exchange.answer.whole);
    CHECK(exchange.usable());
    CHECK(exchange.endpoint.counts().sent == 2);
  }

  TEST_CASE("a connection is closed without an answer, or right behind one") {
    CHECK(Exchange("close how=fin").client.wait_for_end() == RawClient::End::Fin);
    CHECK(Exchange("close how=rst").client.wait_for_end() == RawClient::End::Rst);
    Exchange exchange("then-close");
    CHECK(exchange.answer.whole);
    CHECK_FALSE(holds(exchange.answer.head, "Connection: close"));
    CHECK(exchange.client.wait_for_end() == RawClient::End::Fin);
  }

  TEST_CASE("streams lack or double their end") {
    CHECK_FALSE(holds(Exchange("no-done", Kind::Stream).answer.body, "[DONE]"));
    const std::string unfinished = Exchange("no-finish", Kind::Stream).answer.body;
    CHECK_FALSE(holds(unfinished, "\"stop\""));
    CHECK_FALSE(holds(unfinished, "[DONE]"));
    CHECK(count_of(Exchange("two-finishes", Kind::Stream).answer.body, "\"stop\"") == 2);
    CHECK(Exchange("only-done", Kind::Stream).answer.body == "data: [DONE]\n\n");
  }

  TEST_CASE("an error comes in mid-stream, before or after text") {
    const std::string early = Exchange("error-event tokens=0", Kind::Stream).answer.body;
    CHECK(early.starts_with("data: {\"error\":"));
    const std::string late = Exchange("error-event tokens=10", Kind::Stream).answer.body;
    CHECK(holds(late, "reasoning_content"));
    CHECK(holds(late, "data: {\"error\":"));
    CHECK_FALSE(holds(late, "[DONE]"));
  }

  TEST_CASE("silence lasts until the client goes") {
    for (const std::string action : {"hang", "hang-after-head", "silence tokens=10"}) {
      CAPTURE(action);
      ScriptedEndpoint endpoint(Exchange::options_for(action));
      {
        RawClient client(endpoint.port());
        client.send(chat_request(kPrompt, 1, ",\"stream\":true"));
        CHECK(client.wait_for_end(60) == RawClient::End::Open);
        CHECK(client.rest().empty() == (action == "hang"));
        CHECK_FALSE(holds(client.rest(), "[DONE]"));
      }
      REQUIRE(wait_until([&] { return endpoint.counts().open_connections == 0; }));
      CHECK(endpoint.counts().sent == 0);
    }
  }

  TEST_CASE("a dripping answer is whole in the end") {
    EndpointOptions options = Exchange::options_for("drip ms=1");
    options.rates.steps = 1;
    ScriptedEndpoint endpoint(options);
    RawClient client(endpoint.port());
    client.send(chat_request(kPrompt, 1));
    CHECK(client.receive().whole);
    CHECK(endpoint.counts().sent == 1);
  }

  TEST_CASE("bytes that are no UTF-8 stand in the text") {
    for (const std::string kind : {"cut", "overlong", "surrogate", "lone", "beyond"}) {
      CAPTURE(kind);
      CHECK(text::find_invalid_utf8(Exchange("bad-utf8 kind=" + kind).answer.body));
    }
    CHECK(holds(Exchange("bad-utf8 kind=nul").answer.body, "\\u0000"));
    CHECK(holds(Exchange("bad-utf8 kind=fffe").answer.body, "\xEF\xBF\xBE"));
  }

  TEST_CASE("a line can be long and events many") {
    const std::string line = Exchange("long-line bytes=1000000", Kind::Stream).answer.body;
    CHECK(line.find('\n') == 7 + 1'000'000 + 1);  // data: "..."
    CHECK(Exchange("long-line bytes=1000000").answer.body.size() == 1'000'002);
    Exchange storm("storm count=20000", Kind::Stream);
    CHECK(count_of(storm.answer.body, ": ping\n\n") == 20'000);
    CHECK(storm.answer.body.ends_with("data: [DONE]\n\n"));
    CHECK(json::accept(Exchange("storm count=20000").answer.body));
    CHECK(count_of(Exchange("headers count=500").answer.head, "X-Filler-") == 500);
  }

  TEST_CASE("fields of the answer have values that nobody asked for") {
    const auto choice = [](const std::string& action) {
      return json::parse(Exchange(action).answer.body)["choices"][0];
    };
    CHECK(choice("index value=7")["index"] == 7);
    CHECK(choice("content value=null")["message"]["content"].is_null());
    CHECK_FALSE(choice("content value=missing")["message"].contains("content"));
    CHECK(choice("content value=parts")["message"]["content"][0]["type"] == "text");
    CHECK(choice("content value=number")["message"]["content"] == 1);
    CHECK(choice("content value=empty")["message"]["content"] == "");
    CHECK(choice("finish reason=content_filter")["finish_reason"] == "content_filter");
    CHECK(choice("finish reason=null")["finish_reason"].is_null());
    CHECK_FALSE(choice("no-finish").contains("finish_reason"));
    CHECK(holds(Exchange("usage value=huge").answer.body, ":9223372036854775808"));
    CHECK(holds(Exchange("usage value=negative").answer.body, ":-5"));
    CHECK(holds(Exchange("usage value=string").answer.body, ":\"12\""));
    CHECK_FALSE(holds(Exchange("usage value=missing").answer.body, "usage"));
  }

  TEST_CASE("Content-Length is too long or too short") {
    Exchange longer("length by=5");
    CHECK_FALSE(longer.answer.whole);
    Exchange shorter("length by=-5");
    CHECK(shorter.answer.whole);
    CHECK_FALSE(json::accept(shorter.answer.body));
    CHECK_FALSE(Exchange("length", Kind::Stream).answer.whole);  // the last chunk is missing
  }

  TEST_CASE("the answer of another call is given, and bytes behind an answer") {
    EndpointOptions options;
    options.faults = FaultScript("nth=2 -> swap\n");
    ScriptedEndpoint endpoint(options);
    RawClient client(endpoint.port());
    client.send(chat_request(kPrompt, 1));
    client.send(chat_request(kPrompt, 2));
    const json first = json::parse(client.receive().body);
    CHECK(first["id"] == json::parse(client.receive().body)["id"]);

    Exchange exchange("extra");
    CHECK(exchange.answer.whole);
    CHECK(exchange.client.receive().body == "{}");  // nobody asked
  }

  TEST_CASE("the spellings of events differ as the standard allows") {
    const auto body = [](const std::string& style) {
      return Exchange("sse style=" + style, Kind::Stream).answer.body;
    };
    CHECK(body("crlf").ends_with("data: [DONE]\r\n\r\n"));
    CHECK_FALSE(holds(body("cr"), "\n"));
    CHECK(
        body("bom").starts_with("\xEF\xBB\xBF"
                                "data: "));
    CHECK(holds(body("tight"), "\ndata:{"));
    CHECK(holds(body("named"), "event: message\n"));
    CHECK(holds(body("comments"), ": ping\n"));
    CHECK(holds(body("multiline"), ",\ndata: "));
  }

  TEST_CASE("with mixed faults every second attempt succeeds") {
    EndpointOptions options;
    options.fault_rate = 1;
    ScriptedEndpoint endpoint(options);
    for (int i = 0; i < 40; ++i) {
      const std::string key = "call/" + std::to_string(i);
      RawClient first(endpoint.port());
      first.send(chat_request(kPrompt, i, ",\"stream\":true", key + "#1"));
      CHECK_FALSE(holds(first.receive().body, "\"stop\""));
      RawClient second(endpoint.port());
      second.send(chat_request(kPrompt, i, ",\"stream\":true", key + "#2"));
      CHECK(second.receive().body.ends_with("data: [DONE]\n\n"));
    }
    CHECK(endpoint.counts().faults == 40);
    CHECK(endpoint.counts().sent == 40);
  }
}
