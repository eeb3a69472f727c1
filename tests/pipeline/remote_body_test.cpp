#include "pipeline/remote_body.h"

#include <doctest/doctest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

using namespace pipeline;
using nlohmann::json;

namespace {

Endpoint endpoint() {
  Endpoint result;
  result.name = "a";
  result.base_url = "http://127.0.0.1:8000/v1/";
  result.model = "deepseek";
  return result;
}

ChatRequest request() {
  std::vector<prompts::Segment> prompt;
  prompt.push_back({prompts::Trust::Template, "Judge:\n"});
  prompt.push_back({prompts::Trust::Stranger, "\"x\" \xFF"});
  ChatRequest result;
  result.prompt = std::make_shared<const std::vector<prompts::Segment>>(std::move(prompt));
  result.seed = 7;
  result.sampling.max_tokens = 100;
  return result;
}

}  // namespace

TEST_SUITE("pipeline/remote_body") {
  TEST_CASE("a request says what is asked and nothing more") {
    const json body = json::parse(chat_body(endpoint(), "deepseek", request()));

    const json expected = json::parse(R"({
      "model": "deepseek", "messages": [{"role": "user", "content": "Judge:\n\"x\" \ufffd"}],
      "temperature": 1.0, "top_p": 0.95, "max_tokens": 100, "seed": 7,
      "stream": true, "stream_options": {"include_usage": true}})");
    CHECK(body == expected);
  }

  TEST_CASE("what is optional is sent only if it is given") {
    ChatRequest one = request();
    one.sampling.top_k = 5;
    one.sampling.min_p = 0.25;
    Endpoint server = endpoint();
    server.answering = Answering::Whole;
    server.length_field = LengthField::MaxCompletionTokens;

    const json body = json::parse(chat_body(server, "m", one));

    CHECK(body["top_k"] == 5);
    CHECK(body["min_p"] == 0.25);
    CHECK(body["stream"] == false);
    CHECK_FALSE(body.contains("stream_options"));
    CHECK(body["max_completion_tokens"] == 100);
    CHECK_FALSE(body.contains("max_tokens"));
  }

  TEST_CASE("the extra body is merged: objects merge, null removes") {
    Endpoint server = endpoint();
    server.extra_body =
        R"({"chat_template_kwargs": {"thinking": true}, "seed": null,
            "stream_options": {"continuous_usage_stats": true}})";

    const json body = json::parse(chat_body(server, "m", request()));

    CHECK(body["chat_template_kwargs"]["thinking"] == true);
    CHECK_FALSE(body.contains("seed"));
    CHECK(body["stream_options"] ==
          json::parse(R"({"include_usage": true, "continuous_usage_stats": true})"));
  }

  TEST_CASE("votes on one prompt differ in their last piece alone, which holds the seed") {
    const Endpoint server = endpoint();
    ChatBodies bodies;
    ChatRequest one = request();
    ChatRequest other = one;
    other.seed = 2147483647;

    const ChatBody a = bodies.body(server, "m", one);
    const ChatBody b = bodies.body(server, "m", other);

    CHECK(a.shared == b.shared);
    CHECK(a.end == "7}");
    CHECK(b.end == "2147483647}");
    CHECK(json::parse(*b.shared + b.end)["seed"] == 2147483647);
    CHECK(*a.shared + a.end == chat_body(server, "m", one));
  }

  TEST_CASE("whatever else differs has a piece of its own") {
    const Endpoint server = endpoint(), twin = endpoint();
    const auto changed = [](auto change) {
      ChatRequest one = request();
      change(one.sampling);
      return one;
    };
    ChatRequest same = request();
    std::vector<ChatRequest> requests{same,
                                      request(),  // an equal prompt, but another object
                                      changed([](Sampling& s) { s.temperature = 0.5; }),
                                      changed([](Sampling& s) { s.top_p = 0.5; }),
                                      changed([](Sampling& s) { s.top_k = 0; }),
                                      changed([](Sampling& s) { s.min_p = 0; }),
                                      changed([](Sampling& s) { s.max_tokens = 101; })};
    for (std::size_t i = 2; i < requests.size(); ++i) requests[i].prompt = same.prompt;
    ChatBodies bodies;
    std::vector<ChatBody> held;
    for (const ChatRequest& one : requests) held.push_back(bodies.body(server, "m", one));
    held.push_back(bodies.body(server, "n", same));
    held.push_back(bodies.body(twin, "m", same));

    std::set<const std::string*> pieces;
    for (const ChatBody& body : held) pieces.insert(body.shared.get());

    CHECK(pieces.size() == 9);
    CHECK(bodies.body(server, "m", same).shared == held[0].shared);
  }

  TEST_CASE("a seed that the extra body sets or removes wins, and no piece follows") {
    Endpoint server = endpoint();
    for (const char* extra : {R"({"seed": 5})", R"({"seed": null})"}) {
      server.extra_body = extra;
      ChatBodies bodies;
      ChatRequest one = request(), other = one;
      other.seed = 8;

      const ChatBody a = bodies.body(server, "m", one);

      CHECK(a.end.empty());
      CHECK(json::parse(*a.shared).value("seed", json()) == json::parse(extra)["seed"]);
      CHECK(bodies.body(server, "m", other).shared == a.shared);
    }
  }

  TEST_CASE("nothing is kept that nobody holds, and its records are swept out") {
    const Endpoint server = endpoint();
    ChatBodies bodies;
    ChatRequest kept = request();
    const ChatBody body = bodies.body(server, "m", kept);
    const std::weak_ptr<const std::string> gone = bodies.body(server, "n", kept).shared;
    CHECK(gone.expired());

    std::vector<ChatRequest> waiting;  // their prompts live on, each at an address of its own
    for (int i = 0; i < 1000; ++i) {
      waiting.push_back(request());
      bodies.body(server, "m", waiting.back());
      REQUIRE(bodies.records() <= 2 + ChatBodies::kDeadMax);
    }

    CHECK(bodies.body(server, "m", kept).shared == body.shared);
  }

  TEST_CASE("a piece outlives the prompt's owner and what shared it out") {
    const Endpoint server = endpoint();
    ChatBody body;
    {
      ChatBodies bodies;
      body = bodies.body(server, "m", request());
    }
    CHECK(json::parse(*body.shared + body.end)["model"] == "m");
  }
}
