#include "pipeline/reply_reader.h"

#include <doctest/doctest.h>

#include <random>
#include <vector>

using namespace pipeline;

namespace {

using Unanswered = ReplyReader::Unanswered;
using Result = std::variant<ChatReply, Unanswered>;
using Said = http::Receiver::Said;

const http::Fields kChunkedStream{{"Content-Type", "text/event-stream; charset=utf-8"},
                                  {"Transfer-Encoding", "chunked"}};
const http::Fields kUntilClose{{"Content-Type", "text/event-stream"}};
const http::Fields kJson{{"Content-Type", "application/json"}, {"Content-Length", "1"}};

http::Failure cut() { return {http::Failure::Kind::Cut, "the answer ended before its end"}; }

Result read(std::string_view body, const http::Fields& fields = kChunkedStream, int status = 200,
            std::optional<http::Failure> broken = {}, ReplyLimits limits = {}) {
  ReplyReader reader(limits);
  http::ResponseHead head{status, fields};
  if (reader.head(head) != Said::Stop) reader.data(body);
  return reader.finish(broken);
}

ChatReply reply(const Result& result) {
  const auto* failure = std::get_if<Unanswered>(&result);
  INFO(std::string(failure ? failure->message : ""));
  REQUIRE(failure == nullptr);
  return std::get<ChatReply>(result);
}

Unanswered failure(const Result& result) {
  REQUIRE(std::holds_alternative<Unanswered>(result));
  return std::get<Unanswered>(result);
}

std::string event(std::string_view json) { return "data: " + std::string(json) + "\n\n"; }
std::string delta(std::string_view members, std::string_view finish = "null") {
  return event(R"({"choices":[{"index":0,"delta":{)" + std::string(members) +
               R"(},"finish_reason":)" + std::string(finish) + "}]}");
}
std::string whole(std::string_view message, std::string_view finish = R"("stop")") {
  return R"({"model":"m","choices":[{"index":0,"message":)" + std::string(message) +
         R"(,"finish_reason":)" + std::string(finish) + "}]}";
}
const std::string kDone = "data: [DONE]\n\n";
const std::string kStop = delta("", R"("stop")");

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

}  // namespace

TEST_SUITE("pipeline/reply_reader") {
  TEST_CASE("a stream is read into text, reasoning, finish, usage and model") {
    const std::string body =
        event(R"({"model":"deepseek","choices":[{"index":0,"delta":{"role":"assistant"}}]})") +
        delta(R"("reasoning_content":"let me ")") + delta(R"("reasoning_content":"think")") +
        delta(R"("content":"VERDICT")") + delta(R"("content":": 1")", R"("stop")") +
        event(R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":7,)"
              R"("prompt_tokens_details":{"cached_tokens":0},)"
              R"("completion_tokens_details":{"reasoning_tokens":3}}})") +
        kDone;

    const ChatReply answer = reply(read(body));

    CHECK(answer.text == "VERDICT: 1");
    CHECK(answer.reasoning == "let me think");
    CHECK(answer.finish == Finish::Stop);
    CHECK(answer.finish_reason == "stop");
    CHECK(answer.model == "deepseek");
    CHECK(answer.usage.prompt == 9);
    CHECK(answer.usage.output == 7);
    CHECK(answer.usage.cached == 0);
    CHECK(answer.usage.reasoning == 3);
  }

  TEST_CASE("a JSON object is read alike") {
    const ChatReply answer =
        reply(read(whole(R"({"role":"assistant","content":"4","reasoning":"2+2"})"), kJson));
    CHECK(answer.text == "4");
    CHECK(answer.reasoning == "2+2");
    CHECK(answer.model == "m");
    CHECK_FALSE(answer.usage.prompt);
  }

  TEST_CASE("every dialect of content and reasoning is understood") {
    struct Row {
      const char* message;
      const char* text;
      const char* reasoning;
    };
    const std::vector<Row> table{
        {R"("content":"a")", "a", ""},
        {R"("content":"a","reasoning":"r")", "a", "r"},
        {R"("content":"a","reasoning_content":"r")", "a", "r"},
        {R"("content":"a","thinking":"r")", "a", "r"},
        {R"("content":"a","reasoning":"r","reasoning_content":"r")", "a", "r"},
        {R"("content":"a","reasoning":null,"reasoning_content":"r")", "a", "r"},
        {R"("content":"a","reasoning":{"effort":"high"}})", nullptr, nullptr},  // not JSON
        {R"("content":"a","reasoning":{"effort":"high"})", "a", ""},
        {R"("content":null,"reasoning":"r")", "", "r"},
        {R"("reasoning":"r")", "", "r"},
        {R"("content":null)", "", ""},
        {R"("content":7)", "", ""},
        {R"("content":"<think>r</think>a")", "a", "r"},
        {R"("content":"r</think>a")", "a", "r"},
        {R"("content":"<think>never closed")", "", "never closed"},
        {R"("content":"x </think> y","reasoning":"r")", "x </think> y", "r"},
        {R"("content":"x </think> y","reasoning":"")", "x </think> y", ""},
        {R"("content":[{"type":"text","text":"a"},{"type":"text","text":"b"}])", "ab", ""},
        {R"("content":[{"type":"thinking","thinking":[{"type":"text","text":"r"}]},)"
         R"({"type":"text","text":"a"}])",
         "a", "r"},
        {R"("content":[{"type":"image_url","image_url":{"url":"x"}},"a"])", "a", ""},
        {R"("content":"a","tool_calls":[],"unknown":{"deep":[1,{"x":null}]})", "a", ""},
    };
    for (const Row& row : table) {
      const std::string message(row.message);
      CAPTURE(message);
      const Result streamed = read(delta(message) + kStop + kDone);
      const Result at_once = read(whole("{" + message + "}"), kJson);
      if (!row.text) {
        failure(streamed);
        failure(at_once);
        continue;
      }
      for (const Result& result : {streamed, at_once}) {
        CHECK(reply(result).text == row.text);
        CHECK(reply(result).reasoning == row.reasoning);
      }
    }
  }

  TEST_CASE("the name that first brings reasoning is the one that counts") {
    const ChatReply answer =
        reply(read(delta(R"("reasoning":"a","reasoning_content":"a")") +
                   delta(R"("reasoning":"b","reasoning_content":"b")") + kStop + kDone));
    CHECK(answer.reasoning == "ab");
  }

  TEST_CASE("a <think> that is cut over chunks is still split off") {
    const ChatReply answer = reply(read(delta(R"("content":"rea</th")") +
                                        delta(R"("content":"ink>VERDICT: 1")") + kStop + kDone));
    CHECK(answer.text == "VERDICT: 1");
  }

  TEST_CASE("finish reasons are mapped, and those of broken-off answers are failures") {
    const std::vector<std::pair<const char*, Finish>> table{
        {"stop", Finish::Stop},
        {"length", Finish::Length},
        {"content_filter", Finish::ContentFilter},
        {"tool_calls", Finish::Other},
        {"STOP", Finish::Other},
        {"eos", Finish::Other}};
    for (const auto& [reason, finish] : table) {
      const ChatReply answer =
          reply(read(delta(R"("content":"x")", "\"" + std::string(reason) + "\"") + kDone));
      CHECK(answer.finish == finish);
      CHECK(answer.finish_reason == reason);
      CHECK(answer.text == "x");
    }
    for (const char* reason : {"abort", "error", "insufficient_system_resource"}) {
      const Unanswered answer =
          failure(read(delta(R"("content":"x")", "\"" + std::string(reason) + "\"") + kDone));
      CHECK(contains(answer.message, reason));
      CHECK(answer.partial_text == "x");
    }
  }

  TEST_CASE("a stream without its end is no answer") {
    const std::string text = delta(R"("content":"VERDICT: 1")");
    struct Row {
      std::string body;
      const http::Fields& fields;
      bool is_cut;
      bool answered;
    };
    const std::vector<Row> table{
        {text + kStop + kDone, kChunkedStream, false, true},
        {text + kStop, kChunkedStream, false, true},  // a documented dialect: no [DONE]
        {text + kStop + kDone, kUntilClose, false, true},
        {text + kStop, kUntilClose, false, false},
        {text + kDone, kChunkedStream, false, false},
        {text, kChunkedStream, false, false},
        {kDone, kChunkedStream, false, false},
        {"", kChunkedStream, false, false},
        {": ping\n\n: ping\n\n", kChunkedStream, false, false},
        {text + kStop, kChunkedStream, true, false},
        {text + kStop + kDone, kChunkedStream, true, true},  // nothing was missing
        {text + kStop + "data: [DONE]\n", kChunkedStream, true, false},
        {text + kDone + kStop, kChunkedStream, false, false},
        {text + delta("", R"("")") + kDone, kChunkedStream, false, false},
        {text + delta("", "7") + kDone, kChunkedStream, false, false},
    };
    for (const Row& row : table) {
      CAPTURE(row.body);
      CAPTURE(row.is_cut);
      std::optional<http::Failure> broken;
      if (row.is_cut) broken = cut();
      const Result result = read(row.body, row.fields, 200, broken);
      CHECK(std::holds_alternative<ChatReply>(result) == row.answered);
      if (!row.answered && contains(row.body, "VERDICT"))
        CHECK(failure(result).partial_text == "VERDICT: 1");
    }
  }

  TEST_CASE("two different finish reasons, and text after the end, are refused") {
    CHECK(contains(failure(read(delta("", R"("stop")") + delta("", R"("length")") + kDone)).message,
                   "two finish reasons: 'stop' and 'length'"));
    failure(read(kStop + delta(R"("content":"more")") + kDone));
    failure(read(kStop + kDone + delta(R"("content":"more")")));
    CHECK(reply(read(delta(R"("content":"x")") + kStop + kStop + kDone + kDone)).text == "x");
  }

  TEST_CASE("only choice 0 is ours") {
    const auto choice = [](const char* index, const char* text) {
      return std::string(R"({"index":)") + index + R"(,"message":{"content":")" + text +
             R"("},"delta":{"content":")" + text + R"("},"finish_reason":"stop"})";
    };
    const auto choices = [](const std::string& list) { return R"({"choices":[)" + list + "]}"; };
    const std::string zero = choice("0", "zero"), one = choice("1", "one");

    for (const std::string& list : {zero, zero + "," + one, one + "," + zero}) {
      CHECK(reply(read(choices(list), kJson)).text == "zero");
      CHECK(reply(read(event(choices(list)) + kDone)).text == "zero");
    }
    for (const std::string& list :
         {std::string(), one, choice("7", "x"), choice("-1", "x"), choice("\"0\"", "x"),
          choice("0.0", "x"), choice("18446744073709551615", "x"), zero + "," + zero,
          std::string("null"), std::string("[]"), std::string("\"zero\"")}) {
      CAPTURE(list);
      failure(read(choices(list), kJson));
      failure(read(event(choices(list)) + kDone));
    }
    CHECK(contains(failure(read(choices(one), kJson)).message, "not asked for"));
    CHECK(reply(read(R"({"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]})", kJson))
              .text == "x");
  }

  TEST_CASE("bodies that hold no answer are refused with a reason") {
    for (const char* body :
         {"", "  \n", "[]", "{}", "null", "7", "{\"choices\":null}", "{\"choices\":{}}",
          "{\"choices\":[]}", "{\"choices\":[{}]}", "{\"choices\":[{\"finish_reason\":\"stop\"}]}",
          "{\"choices\":[{\"message\":null,\"finish_reason\":\"stop\"}]}",
          "{\"choices\":[{\"message\":{\"content\":\"x\"}}]}",
          "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":null}]}",
          "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]",
          "{\"choices\":[{\"text\":\"x\",\"finish_reason\":\"stop\"}]}", "hello", "\"text\""}) {
      CAPTURE(body);
      CHECK_FALSE(failure(read(body, kJson)).message.empty());
    }
  }

  TEST_CASE("events that hold no finished choice are no answer") {
    for (const char* body : {"", "[]", "{}", "null", "7", "{\"choices\":null}", "{\"choices\":{}}",
                             "{\"choices\":[]}", "{\"choices\":[{}]}", "hello", "{", "\"text\""}) {
      CAPTURE(body);
      CHECK_FALSE(failure(read(event(body) + kDone)).message.empty());
    }
  }

  TEST_CASE("another content type is refused by its name") {
    const http::Fields html{{"content-type", "text/html"}};
    const Unanswered answer = failure(read("<html><title>Log in</title>", html));
    CHECK(contains(answer.message, "text/html"));
    CHECK(contains(answer.message, "Log in"));
    CHECK(answer.outcome == "malformed");
  }

  TEST_CASE("JSON and streams are told apart without a content type that says so") {
    for (const char* type : {"", "application/json", "text/plain"}) {
      const http::Fields fields{{"content-type", type}, {"content-length", "1"}};
      CHECK(reply(read(" \n" + whole(R"({"content":"x"})"), fields)).text == "x");
      CHECK(reply(read("\n: ping\n" + delta(R"("content":"x")") + kStop + kDone, fields)).text ==
            "x");
    }
  }

  TEST_CASE("an error object is the failure, wherever it comes") {
    struct Row {
      const char* error;
      const char* message;
      const char* code;
      int status;
    };
    const std::vector<Row> table{
        {R"({"error":{"message":"boom","type":"Bad","code":500}})", "boom", "500 bad", 500},
        {R"({"error":{"message":"boom","code":"429"}})", "boom", "429", 429},
        {R"({"error":{"message":"boom","code":"Insufficient_Quota"}})", "boom",
         "insufficient_quota", 0},
        {R"({"error":"boom"})", "boom", "", 0},
        {R"({"error":{}})", "{}", "", 0},
        {R"({"error":{"message":7,"code":null}})", "7", "", 0},
        {R"({"object":"error","message":"boom","type":"T","code":400})", "boom", "400 t", 400},
        {R"({"choices":[{"index":0,"error":{"message":"boom"},"delta":{}}]})", "boom", "", 0},
    };
    for (const Row& row : table) {
      CAPTURE(row.error);
      for (const std::string& before :
           {std::string(), delta(R"("content":"half")"), delta(R"("content":"half")") + kStop}) {
        const Unanswered answer = failure(read(before + event(row.error) + kDone));
        CHECK(contains(answer.message, row.message));
        CHECK(answer.cause.source == AttemptFailure::Source::Server);
        CHECK(answer.cause.error_code == row.code);
        CHECK(answer.cause.status == row.status);
        CHECK(answer.partial_text == (before.empty() ? "" : "half"));
      }
    }
    CHECK(
        contains(failure(read("event: error\ndata: out of memory\n\n")).message, "out of memory"));
    CHECK(contains(failure(read(R"({"error":{"message":"boom"}})", kJson)).message, "boom"));
    CHECK(reply(read(event(R"({"error":null,"choices":[]})") + kStop + kDone)).text.empty());
  }

  TEST_CASE("an error status is told with its message, code and headers") {
    http::Fields fields{{"Content-Type", "application/json"},
                        {"Retry-After", "7"},
                        {"Retry-After-Ms", "70"},
                        {"X-Should-Retry", "FALSE"}};
    const Unanswered answer =
        failure(read(R"({"error":{"message":"slow down","code":"rate"}})", fields, 429));
    CHECK(answer.outcome == "http 429");
    CHECK(answer.message == "status 429: slow down");
    CHECK(answer.cause.status == 429);
    CHECK(answer.cause.error_code == "rate");
    CHECK(answer.cause.retry_after == "7");
    CHECK(answer.cause.retry_after_ms == "70");
    CHECK(answer.cause.should_retry == "false");

    CHECK(contains(failure(read(R"({"detail":"Not Found"})", fields, 404)).message, "Not Found"));
    CHECK(contains(failure(read("<html>502</html>", {}, 502, cut())).message, "<html>502"));
    CHECK(contains(failure(read("", {}, 500)).message, "empty"));
    // A score in an error answer is none.
    failure(read(whole(R"({"content":"VERDICT: 1"})"), kJson, 500));
    failure(read(whole(R"({"content":"VERDICT: 1"})"), kJson, 206));
  }

  TEST_CASE("a redirect is named and not followed") {
    const Unanswered answer =
        failure(read("", {{"Location", "file:///etc/passwd"}, {"Content-Length", "0"}}, 302));
    CHECK(answer.outcome == "http 302");
    CHECK(contains(answer.message, "file:///etc/passwd"));
    CHECK(answer.cause.source == AttemptFailure::Source::Server);
    CHECK(answer.cause.status == 302);
  }

  TEST_CASE("usage of any kind never becomes a negative or absurd count") {
    for (const char* count :
         {"null", "0", "-1", "-9223372036854775808", "9223372036854775807", "9223372036854775808",
          "18446744073709551616", "1e300", "1.5", "\"7\"", "[]", "{}", "true", "1099511627777"}) {
      CAPTURE(count);
      const std::string usage = std::string(R"({"prompt_tokens":)") + count +
                                R"(,"completion_tokens":)" + count +
                                R"(,"prompt_tokens_details":{"cached_tokens":-1}})";
      const ChatReply answer =
          reply(read(kStop + event(R"({"choices":[],"usage":)" + usage + "}") + kDone));
      CHECK_FALSE(answer.usage.prompt);
      CHECK_FALSE(answer.usage.output);
      CHECK_FALSE(answer.usage.cached);
    }
    for (const char* usage : {"null", "7", "[]", "\"x\""})
      CHECK_FALSE(
          reply(read(kStop + event(R"({"choices":[],"usage":)" + std::string(usage) + "}") + kDone))
              .usage.prompt);
    CHECK(reply(read(kStop + event(R"({"usage":{"prompt_cache_hit_tokens":5}})") + kDone))
              .usage.cached == 5);
  }

  TEST_CASE("invalid UTF-8 is kept as it was received") {
    for (const std::string& bytes : {std::string("\x80"), std::string("\xE2\x82"),
                                     std::string("\xC0\xAF"), std::string("\xED\xA0\x80"),
                                     std::string("a\xFF\xFE z"), std::string("\xF4\x90\x80\x80")}) {
      CHECK(reply(read(delta("\"content\":\"" + bytes + "\"") + kStop + kDone)).text == bytes);
      CHECK(reply(read(whole("{\"content\":\"" + bytes + "\"}"), kJson)).text == bytes);
    }
    // A character cut between two chunks is whole again.
    CHECK(reply(read(delta("\"content\":\"\xE2\x82\"") + delta("\"content\":\"\xAC\"") + kStop +
                     kDone))
              .text == "\xE2\x82\xAC");
    // Valid private characters are left alone, and a NUL is an ordinary character.
    CHECK(reply(read(delta("\"content\":\"\xF4\x8F\xBA\x80\"") + kStop + kDone)).text ==
          "\xF4\x8F\xBA\x80");
    CHECK(reply(read(delta(R"("content":"a\u0000b")") + kStop + kDone)).text ==
          std::string("a\0b", 3));
    // Where both come together the original bytes cannot be told apart: repaired.
    CHECK(reply(read(delta("\"content\":\"\xF4\x8F\xBA\x80\xFF\"") + kStop + kDone)).text ==
          "\xF4\x8F\xBA\x80\xEF\xBF\xBD");
  }

  TEST_CASE("escaped halves of a surrogate pair become U+FFFD") {
    CHECK(reply(read(delta(R"("content":"a\ud83d")") + delta(R"("content":"\ude00b")") + kStop +
                     kDone))
              .text ==
          "a\xEF\xBF\xBD\xEF\xBF\xBD"
          "b");
    CHECK(reply(read(delta(R"("content":"\ud83d\ude00\ud83dx\\ud83d")") + kStop + kDone)).text ==
          "\xF0\x9F\x98\x80\xEF\xBF\xBDx\\ud83d");
  }

  TEST_CASE("answers, events, lines and bodies over their limits are cut off") {
    ReplyLimits limits;
    limits.answer_bytes_max = 100;
    limits.event_bytes_max = 400;
    limits.whole_bytes_max = 400;
    limits.error_bytes_max = 50;
    const auto refused = [&](const std::string& body, const http::Fields& fields, int status) {
      ReplyReader reader(limits);
      http::ResponseHead head{status, fields};
      reader.head(head);
      bool stopped = false;
      for (std::size_t i = 0; i < body.size() && !stopped; i += 7)
        stopped = reader.data(std::string_view(body).substr(i, 7)) == Said::Stop;
      CHECK(stopped);
      return failure(reader.finish(std::nullopt));
    };

    const std::string ten = delta(R"("content":"0123456789")");
    std::string eleven;
    for (int i = 0; i < 11; ++i) eleven += ten;
    CHECK(refused(eleven, kChunkedStream, 200).partial_text.size() == 100);
    CHECK(refused(eleven, kChunkedStream, 200).cause.source == AttemptFailure::Source::Limit);
    CHECK(refused("data: " + std::string(500, 'x'), kChunkedStream, 200).outcome == "too large");
    CHECK(refused("data: " + std::string(10'000, '['), kChunkedStream, 200).outcome == "too large");
    std::string lines;
    for (int i = 0; i < 50; ++i) lines += "data: 0123456789\n";
    CHECK(refused(lines, kChunkedStream, 200).outcome == "too large");
    CHECK(refused("{" + std::string(500, ' '), kJson, 200).outcome == "too large");
    CHECK(refused(std::string(500, 'x'), kJson, 503).outcome == "http 503");
  }

  TEST_CASE("JSON bombs are refused before they are built") {
    const std::string deep(3 << 20, '['), wide = "{\"a\":[" + std::string(3 << 20, ',');
    CHECK(failure(read(event(deep) + kDone)).outcome == "malformed");
    CHECK(failure(read(event(wide) + kDone)).outcome == "malformed");
    std::string values = "0";
    for (std::size_t i = 0; i < kJsonValuesMax; ++i) values += ",0";
    failure(read(event(R"({"a":[)" + values + R"(],"choices":[]})") + kStop + kDone));
  }

  TEST_CASE("only tokens and the end are progress") {
    ReplyReader reader({});
    http::ResponseHead head{200, kChunkedStream};
    CHECK(reader.head(head) == Said::Nothing);
    CHECK(reader.data(": keep-alive\n\n") == Said::Nothing);
    CHECK(reader.data(delta(R"("role":"assistant","content":"")")) == Said::Nothing);
    CHECK(reader.data(delta(R"("reasoning":"r")")) == Said::Progress);
    CHECK(reader.data("data: {\"cho") == Said::Nothing);
    CHECK(reader.data("ices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n") == Said::Progress);
    CHECK(reader.data(kStop) == Said::Progress);
    CHECK(reader.data(event(R"({"error":"boom"})")) == Said::Stop);
  }

  TEST_CASE("a transport failure keeps its kind and the text that had come") {
    const Unanswered answer =
        failure(read(delta(R"("content":"half")"), kChunkedStream, 200, cut()));
    CHECK(answer.outcome == http::to_text(http::Failure::Kind::Cut));
    CHECK(answer.partial_text == "half");
    CHECK(answer.cause.source == AttemptFailure::Source::Transport);

    ReplyReader silent({});
    const http::Failure refused{http::Failure::Kind::Connect, "connection refused"};
    CHECK(failure(silent.finish(refused)).message == "connection refused");
    CHECK(silent.status() == 0);
  }

  // Streams of all dialects, cut anywhere, with an orderly or a broken end. The oracle is the
  // construction: a stream answers only if its finish event has come whole.
  TEST_CASE("no answer is ever taken from a stream that was cut, at 20,000 random places") {
    std::mt19937 random(20260101);
    const auto below = [&](std::size_t n) { return std::size_t(random() % n); };
    const std::vector<std::string> line_ends{"\n", "\r\n", "\r"};
    const std::vector<std::string> names{"reasoning", "reasoning_content", "thinking"};

    int answered = 0, refused = 0;
    for (int i = 0; i < 20'000; ++i) {
      const std::string& eol = line_ends[below(3)];
      const bool until_close = below(2), has_done = below(4) != 0, same_chunk = below(2);
      const auto add = [&](std::string json) { return "data: " + json + eol + eol; };
      const auto piece = [&](const std::string& field, const std::string& value, bool last) {
        return R"({"choices":[{"index":0,"delta":{")" + field + R"(":")" + value +
               R"("},"finish_reason":)" + (last ? R"("stop")" : "null") + "}]}";
      };
      std::string body = below(2) ? add(R"({"choices":[{"delta":{"role":"assistant"}}]})") : "";
      if (below(2)) body += ": ping" + eol + eol;
      if (below(2)) body += add(piece(names[below(3)], "thinking", false));
      body += add(piece("content", "VERDICT", false));
      std::string ending = ": ";
      body += add(piece("content", ending + "1", same_chunk));
      if (!same_chunk)
        body += add(R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})");
      const std::size_t finish_end = body.size() - (eol == "\r\n" ? 2 : 1);
      if (below(2)) body += add(R"({"choices":[],"usage":{"prompt_tokens":3}})");
      if (has_done) body += "data: [DONE]" + eol + eol;
      const std::size_t done_end = body.size() - (eol == "\r\n" ? 2 : 1);

      const std::size_t at = below(body.size() + 1);
      const bool orderly = below(2);  // an end that looks clean although bytes are missing
      ReplyReader reader({});
      http::ResponseHead head{200, until_close ? kUntilClose : kChunkedStream};
      reader.head(head);
      for (std::size_t from = 0; from < at;) {
        const std::size_t count = std::min(at - from, below(40) + 1);
        reader.data(std::string_view(body).substr(from, count));
        from += count;
      }
      std::optional<http::Failure> broken;
      if (!orderly) broken = cut();
      const Result result = reader.finish(broken);

      CAPTURE(i);
      CAPTURE(body.substr(0, at));
      const bool done_came = has_done && at > done_end - 1;
      if (const auto* answer = std::get_if<ChatReply>(&result)) {
        ++answered;
        REQUIRE(at >= finish_end - 1);
        REQUIRE((done_came || (orderly && !until_close)));
        REQUIRE(answer->text == "VERDICT: 1");
      } else {
        ++refused;
        if (at == body.size()) REQUIRE_FALSE((done_came || (orderly && !until_close)));
      }
    }
    CHECK(answered > 500);
    CHECK(refused > 10'000);
  }
}
