#include "tests/support/chat_wire.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace support;  // the room under test
using nlohmann::json;

namespace {

WireRequest request(const std::string& body) {
  const auto read = read_chat_request(body);
  CAPTURE(body);
  REQUIRE(std::holds_alternative<WireRequest>(read));
  return std::get<WireRequest>(read);
}

const ScriptedAnswer kAnswer{"thinking \"hard\"", "line\n\xC3\xA9\xE2\x82\xAC$x$"};

// What a reader of the stream puts together.
ScriptedAnswer gathered(const AnswerFrame& frame, std::size_t chunk_tokens) {
  AnswerEvents events(frame, kAnswer, chunk_tokens);
  ScriptedAnswer sum;
  while (const auto event = events.next()) {
    if (*event == "[DONE]") break;
    const json parsed = json::parse(*event);  // throws if a character was split
    for (const json& choice : parsed.at("choices")) {
      const json& delta = choice.at("delta");
      if (delta.contains("content")) sum.content += delta["content"].get<std::string>();
      if (delta.contains("reasoning")) sum.reasoning += delta["reasoning"].get<std::string>();
      if (delta.contains("reasoning_content"))
        sum.reasoning += delta["reasoning_content"].get<std::string>();
    }
  }
  return sum;
}

}  // namespace

TEST_SUITE("endpoint/chat_wire") {
  TEST_CASE("a request is read whatever else stands in it") {
    const WireRequest read = request(
        R"( {"model":"m", "unknown": {"a":[1,2,{"b":"\"]}"}],"c":null},"temperature":1.0,
        "messages":[{"role":"system","content":"S"},{"content":[{"type":"text","text":"U"},
        {"type":"text","text":"V"}],"role":"user","name":"x"}],
        "seed":2147483647,"n":3,"max_tokens":17,"stop":["\u005d"],"stream":false} )");
    CHECK(read.model == "m");
    CHECK(read.prompt == "S\n\nUV");
    CHECK(read.seed == 2147483647);
    CHECK(read.choices == 3);
    CHECK(read.max_tokens == 17);
    CHECK_FALSE(read.stream);
  }

  TEST_CASE("strings are unescaped as nlohmann's parser has it") {
    const std::string escaped = R"("a\"\\\/\b\f\n\r\t\u00e9\u20AC\ud83d\ude00€")";
    CHECK(request(R"({"messages":[{"content":)" + escaped + "}]}").prompt ==
          json::parse(escaped).get<std::string>());
    CHECK(request(R"({"messages":[{"content":"\ud800x"}]})").prompt == "\xEF\xBF\xBDx");
  }

  TEST_CASE("options of a stream are read") {
    const WireRequest read =
        request(R"({"messages":[],"stream":true,"stream_options":{"include_usage":true}})");
    CHECK(read.stream);
    CHECK(read.include_usage);
    CHECK(read.prompt.empty());
    CHECK_FALSE(request(R"({"messages":[],"stream":null,"stream_options":null})").stream);
  }

  TEST_CASE("what is no request is refused") {
    for (const char* body :
         {"", "[]", "{", "{}", R"({"messages":[])", R"({"messages":[]} x)", R"({"messages":{}})",
          R"({"messages":[],"n":0})", R"({"messages":[],"n":129})", R"({"messages":[],"seed":"x"})",
          R"({"messages":[],"stream":true,"n":2})", R"({"messages":[],"max_tokens":0})",
          R"({"messages":[{"content":"\x"}]})", R"({"messages":[{"content":"open)",
          R"({"messages":[{"content":"\u12"}]})", R"({"messages":[],"x":})"}) {
      CAPTURE(body);
      CHECK(std::holds_alternative<std::string>(read_chat_request(body)));
    }
    const std::string deep = R"({"messages":[],"x":)" + std::string(100'000, '[');
    CHECK(std::holds_alternative<std::string>(read_chat_request(deep)));
  }

  TEST_CASE("every prefix of a request is refused without harm") {
    const std::string body =
        R"({"messages":[{"content":"a\u00e9\n"}],"x":{"y":[true,null,1e5]},"seed":3})";
    for (std::size_t size = 0; size < body.size(); ++size) {
      const std::string prefix = body.substr(0, size);  // its own memory: overruns are seen
      CHECK(std::holds_alternative<std::string>(read_chat_request(prefix)));
    }
  }

  TEST_CASE("a plain answer is JSON with the texts in the fields of its dialect") {
    AnswerFrame frame;
    frame.id = "one";
    frame.model = "m";
    frame.usage = usage_json("12345678", {kAnswer});
    const json answer = json::parse(plain_answer(frame, {kAnswer, kAnswer}));
    CHECK(answer["choices"].size() == 2);
    CHECK(answer["choices"][1]["index"] == 1);
    CHECK(answer["choices"][0]["message"]["content"] == kAnswer.content);
    CHECK(answer["choices"][0]["message"]["reasoning_content"] == kAnswer.reasoning);
    CHECK(answer["choices"][0]["finish_reason"] == "stop");
    CHECK(answer["usage"]["prompt_tokens"] == 2);
    CHECK(answer["usage"]["completion_tokens"] == 4 + 4);  // 15 and 13 bytes

    frame.dialect = Dialect::Inline;
    const json inlined = json::parse(plain_answer(frame, {kAnswer}));
    CHECK(inlined["choices"][0]["message"]["content"] ==
          "<think>\n" + kAnswer.reasoning + "\n</think>\n\n" + kAnswer.content);
    CHECK_FALSE(inlined["choices"][0]["message"].contains("reasoning_content"));
  }

  TEST_CASE("a stream gives the same texts at every size of its pieces") {
    for (const Dialect dialect : {Dialect::ReasoningContent, Dialect::Reasoning}) {
      AnswerFrame frame;
      frame.dialect = dialect;
      for (std::size_t tokens = 0; tokens < 8; ++tokens) {
        const ScriptedAnswer sum = gathered(frame, tokens);
        CHECK(sum.content == kAnswer.content);
        CHECK(sum.reasoning == kAnswer.reasoning);
      }
    }
  }

  TEST_CASE("a stream ends with the finish, the usage and [DONE]") {
    AnswerFrame frame;
    frame.usage = "{\"total_tokens\":1}";
    AnswerEvents events(frame, kAnswer, 100);
    std::vector<std::string> all;
    while (const auto event = events.next()) all.push_back(*event);
    REQUIRE(all.size() == 6);  // role, reasoning, content, finish, usage, [DONE]
    CHECK(json::parse(all[3])["choices"][0]["finish_reason"] == "stop");
    CHECK(json::parse(all[4])["choices"].empty());
    CHECK(json::parse(all[4])["usage"]["total_tokens"] == 1);
    CHECK(all[5] == "[DONE]");
  }
}
