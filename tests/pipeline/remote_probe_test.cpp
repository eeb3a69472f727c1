#include "pipeline/remote_probe.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/pipeline/remote_kit.h"

using namespace remote;
using nlohmann::json;

namespace {

json body_of(const std::string& request) {
  return json::parse(request.substr(request.find("\r\n\r\n") + 4), nullptr, false);
}

ProbeReport probed(const Endpoint& one) {
  net::io_context context;
  http::Client client(context.get_executor(), {});
  return support::run(context, probe(client, one, ""));
}

// A server that does all that it is asked for: seeds, several choices, log-probabilities.
std::string able(const std::string& request, int) {
  if (contains(request, "GET /v1/models"))
    return plain(200, R"({"data":[{"id":"m"},{"id":"other"}]})");
  const json asked = body_of(request);
  if (asked["stream"] == true)
    return kStreamHead +
           chunk(R"(data: {"model":"m","choices":[{"index":0,"delta":{"reasoning":"hm"},)"
                 R"("finish_reason":"length"}],"usage":{"completion_tokens":1}})"
                 "\n\n") +
           chunk("data: [DONE]\n\n") + "0\r\n\r\n";
  json choice;
  choice["index"] = 0;
  choice["finish_reason"] = "length";
  choice["message"]["content"] = "words for seed " + asked["seed"].dump();
  if (asked.contains("logprobs")) choice["logprobs"]["content"] = {{{"logprob", -0.5}}};
  json answered;
  answered["choices"] = json::array({choice});
  if (asked.contains("n")) {
    choice["index"] = 1;
    answered["choices"].push_back(choice);
  }
  return plain(200, answered.dump());
}

}  // namespace

TEST_SUITE("pipeline/remote_probe") {
  TEST_CASE("a server that can do everything is found to") {
    Server server(able);

    const ProbeReport report = probed(endpoint("a", server.url()));

    CHECK(report.usable);
    CHECK(report.reachable);
    CHECK(report.http_status == 200);
    CHECK(report.models == std::vector<std::string>{"m", "other"});
    CHECK(report.nearest.empty());
    CHECK(report.reasoning_field == "reasoning");
    CHECK(report.gives_usage);
    CHECK(report.several == Honoured::Yes);
    CHECK(report.logprobs == Honoured::Yes);
    CHECK(report.seed == Honoured::Yes);
    CHECK(report.remedy.empty());
    CHECK(report.latency_ms >= 0);
  }

  TEST_CASE("a server that ignores or refuses fields is found to") {
    std::atomic<int> count{0};
    Server server([&](const std::string& request, int) {
      if (contains(request, "GET ")) return error(404, "no such route");
      const json asked = body_of(request);
      if (asked["stream"] == true) return answer("yes");
      if (asked.contains("n")) return error(400, "n must be 1");
      json answered = json::parse(
          R"({"choices":[{"index":0,"message":{"content":""},"finish_reason":"stop"}]})");
      answered["choices"][0]["message"]["content"] = "random " + std::to_string(++count);
      return plain(200, answered.dump());
    });

    const ProbeReport report = probed(endpoint("a", server.url()));

    CHECK(report.usable);
    CHECK(report.models.empty());
    CHECK(report.reasoning_field.empty());
    CHECK_FALSE(report.gives_usage);
    CHECK(report.several == Honoured::No);
    CHECK(report.logprobs == Honoured::No);
    CHECK(report.seed == Honoured::No);
  }

  TEST_CASE("an unknown model is answered with the names most like it") {
    Server server([](const std::string& request, int) {
      if (contains(request, "GET "))
        return plain(200, R"({"data":[{"id":"llama-3"},{"id":"deepseek-ai/DeepSeek-V3.2"},)"
                          R"({"id":"deepseek-v3.1"},{"id":"qwen"},{"id":7},{}]})");
      return error(404, "model not found", "model_not_found");
    });
    Endpoint one = endpoint("a", server.url());
    one.model = "deepseek-v3.2";

    const ProbeReport report = probed(one);

    CHECK_FALSE(report.usable);
    CHECK(report.reachable);
    CHECK(report.http_status == 404);
    REQUIRE(report.nearest.size() == 3);
    CHECK(report.nearest[0] == "deepseek-ai/DeepSeek-V3.2");
    CHECK(report.nearest[1] == "deepseek-v3.1");
    CHECK(contains(report.remedy, "deepseek-ai/DeepSeek-V3.2, deepseek-v3.1"));
  }

  TEST_CASE("each way of failing has its remedy") {
    const auto remedy = [](const std::string& bytes, const std::string& key = "") {
      Server server([&](const std::string&, int) { return bytes; });
      Endpoint one = endpoint("a", server.url());
      one.api_key = key;
      const ProbeReport report = probed(one);
      CHECK_FALSE(report.usable);
      CHECK(report.reachable);
      CHECK_FALSE(report.message.empty());
      return report.remedy;
    };
    CHECK(remedy(error(401, "who are you")) == "give this endpoint an API key");
    CHECK(remedy(error(401, "no"), "sk-123456") == "give this endpoint a key that it accepts");
    CHECK(contains(remedy(error(404, "not found")), "/v1"));
    CHECK(contains(remedy(plain(307, "", "Location: https://x/\r\n")), "/v1"));
    CHECK(contains(remedy(error(429, "quota", "insufficient_quota")), "quota"));
    CHECK(contains(remedy(error(400, "top_p is unknown")), "extra_body"));
    CHECK(contains(remedy(error(500, "oops")), "log"));
    CHECK(contains(remedy("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n"
                          "<html>"),
                   "/v1"));
  }

  TEST_CASE("where nobody listens, the address is the remedy") {
    const std::string url = dead_url();
    const ProbeReport report = probed(endpoint("a", url));
    CHECK_FALSE(report.reachable);
    CHECK(contains(report.remedy, url));
  }

  TEST_CASE("the key never stands in a report") {
    const std::string key = "sk-planted-0123456789";
    Server server([&](const std::string& request, int) {
      if (contains(request, "GET ")) return plain(200, R"({"data":[{"id":")" + key + R"("}]})");
      return error(401, "bad key " + key);
    });
    Endpoint one = endpoint("a", server.url());
    one.api_key = key;

    const ProbeReport report = probed(one);

    CHECK(report.message == "status 401: bad key ***");
    CHECK(report.models == std::vector<std::string>{"***"});
    CHECK(report.nearest == std::vector<std::string>{"***"});
  }

  TEST_CASE("names are ranked by likeness") {
    CHECK(nearest_names("abc", {"xyz", "abd", "org/abc", "ab"}) ==
          std::vector<std::string>{"ab", "org/abc", "abd"});
    CHECK(nearest_names("abc", {}).empty());
  }
}
