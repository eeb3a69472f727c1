#include "pipeline/remote_request.h"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace pipeline;

namespace {

Endpoint endpoint() {
  Endpoint result;
  result.name = "a";
  result.base_url = "http://127.0.0.1:8000/v1/";
  result.model = "deepseek";
  return result;
}

std::string why_refused(const Endpoint& one) {
  try {
    check_endpoint(one);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_SUITE("pipeline/remote_request") {
  TEST_CASE("the key goes into its field, and paths are joined with one slash") {
    Endpoint server = endpoint();
    server.api_key = "sk-123456";
    server.extra_fields = {{"X-Team", "maths"}};

    const http::Request sent = endpoint_request(server, "POST", "/chat/completions");

    CHECK(sent.url.target == "/v1/chat/completions");
    const auto value = [&](const std::string& name) {
      for (const auto& [known, text] : sent.fields)
        if (known == name) return text;
      return std::string();
    };
    CHECK(value("Authorization") == "Bearer sk-123456");
    CHECK(value("X-Team") == "maths");
    server.api_key.clear();
    for (const auto& [name, text] : endpoint_request(server, "GET", "/models").fields)
      CHECK(name != "Authorization");
  }

  TEST_CASE("an endpoint that cannot be used is refused by its name") {
    CHECK(why_refused(endpoint()).empty());
    const auto refused = [](auto change) {
      Endpoint one = endpoint();
      change(one);
      const std::string why = why_refused(one);
      CHECK(why.find("endpoint '" + one.name + "'") == 0);
      return why;
    };
    refused([](Endpoint& e) { e.name = ""; });
    refused([](Endpoint& e) { e.base_url = "ftp://host"; });
    refused([](Endpoint& e) { e.base_url = "http://host/v1?key=1"; });
    refused([](Endpoint& e) { e.extra_body = "["; });
    refused([](Endpoint& e) { e.extra_body = "[]"; });
    refused([](Endpoint& e) { e.extra_body = R"({"messages": []})"; });
    refused([](Endpoint& e) { e.extra_body = R"({"stream": true})"; });
    refused([](Endpoint& e) { e.extra_fields = {{"X Y", "1"}}; });
    refused([](Endpoint& e) { e.extra_fields = {{"X", "1\r\nY: 2"}}; });
    refused([](Endpoint& e) { e.extra_fields = {{"HOST", "other"}}; });
    refused([](Endpoint& e) { e.concurrency.least = 0; });
    refused([](Endpoint& e) { e.concurrency.start = e.concurrency.most + 1; });
    // The key itself is not repeated.
    const std::string why = refused([](Endpoint& e) { e.api_key = "sk-secret\n"; });
    CHECK(why.find("secret") == std::string::npos);
  }

  TEST_CASE("a request id can always be put into a field") {
    CHECK(request_id("run/verify/3", 2) == "run/verify/3#2");
    CHECK(request_id("a\r\nX: 1 \xC3\xA9", 1) == "a__X:_1___#1");
    CHECK(request_id(std::string(1000, 'x'), 1).size() == 258);
  }

  TEST_CASE("the identity names the model and what changes answers, no place and no secret") {
    Endpoint server = endpoint();
    server.api_key = "sk-123456";
    CHECK(endpoint_identity(server, "m") == "m");
    server.concurrency.most = 9;
    server.extra_body = R"({"b": 1, "a": 2})";
    CHECK(endpoint_identity(server, "m") == R"(m with {"a":2,"b":1})");
  }

  TEST_CASE("a model's name may gain a path, a date or a precision") {
    CHECK_FALSE(is_another_model("deepseek-ai/DeepSeek-V3.2", "deepseek-v3.2"));
    CHECK_FALSE(is_another_model("gpt-5", "gpt-5-2025-08-07"));
    CHECK_FALSE(is_another_model("model", "/data/model/"));
    CHECK_FALSE(is_another_model("m", ""));
    CHECK(is_another_model("deepseek-v3.2", "qwen3-235b"));
    CHECK(is_another_model("gpt-5", "gpt-4"));
  }

  TEST_CASE("secrets are taken out of messages, and long ones out of answers") {
    Endpoint a = endpoint(), b = endpoint(), c = endpoint();
    a.api_key = "sk-123456";
    b.api_key = "sk-1234567890abcdef";
    b.extra_fields = {{"X-Proxy", "Bearer proxy-secret-0123"}};
    c.api_key = "EMPTY";
    const Redactor redactor({a, b, c});

    CHECK(redactor.message("key sk-123456 is wrong: sk-123456") == "key *** is wrong: ***");
    CHECK(redactor.message("sk-1234567890abcdef") == "***");
    CHECK(redactor.message("proxy-secret-0123") == "***");
    CHECK(redactor.message("the set is EMPTY") == "the set is EMPTY");
    CHECK(redactor.answer("sk-123456 sk-1234567890abcdef") == "sk-123456 ***");
  }
}
