#include "tests/support/scripted_endpoint.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "tests/support/raw_client.h"
#include "tests/support/scripted_answers.h"
#include "tests/support/temp_dir.h"
#include "text/sha256.h"
#include "text/words.h"

using namespace support;  // the room under test
using nlohmann::json;

namespace {

constexpr std::string_view kPrompt = "Prove that two and two are four.";
constexpr std::string_view kStream = ",\"stream\":true";

EndpointOptions with_script(std::string_view script) {
  EndpointOptions options;
  options.faults = FaultScript(script);
  return options;
}

std::string expected_content(int64_t seed) { return scripted_answer(kPrompt, seed, {}).content; }

RawClient::Answer ask(const ScriptedEndpoint& endpoint, std::string_view more = "",
                      std::string_view id = "") {
  RawClient client(endpoint.port());
  client.send(chat_request(kPrompt, 1, more, id));
  return client.receive();
}

// The data of the events of a stream, read line by line.
std::vector<std::string> events_of(const std::string& body) {
  std::vector<std::string> events;
  for (const std::string_view line : text::lines_of(body))
    if (line.starts_with("data: ")) events.emplace_back(line.substr(6));
  return events;
}

std::string content_of(const std::vector<std::string>& events) {
  std::string content;
  for (const std::string& event : events) {
    if (event == "[DONE]") continue;
    const json parsed = json::parse(event);
    for (const json& choice : parsed.at("choices")) content += choice["delta"].value("content", "");
  }
  return content;
}

std::vector<json> lines_of_file(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::vector<json> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(json::parse(line));
  return lines;
}

}  // namespace

TEST_SUITE("endpoint/scripted_endpoint") {
  TEST_CASE("a plain answer is the one of seed and prompt, at any time") {
    ScriptedEndpoint endpoint({});
    for (int i = 0; i < 2; ++i) {
      const RawClient::Answer answer = ask(endpoint);
      CHECK(answer.status == 200);
      CHECK(answer.whole);
      const json body = json::parse(answer.body);
      CHECK(body["choices"][0]["message"]["content"] == expected_content(1));
      CHECK(body["choices"][0]["finish_reason"] == "stop");
      CHECK(body["usage"]["prompt_tokens"] == 8);  // 32 bytes
    }
  }

  TEST_CASE("n answers have the seeds that follow") {
    ScriptedEndpoint endpoint({});
    const json body = json::parse(ask(endpoint, ",\"n\":3").body);
    REQUIRE(body["choices"].size() == 3);
    CHECK(body["choices"][2]["index"] == 2);
    CHECK(body["choices"][2]["message"]["content"] == expected_content(3));
  }

  TEST_CASE("a stream holds the same text and ends with [DONE]") {
    ScriptedEndpoint endpoint({});
    const RawClient::Answer answer =
        ask(endpoint, ",\"stream\":true,\"stream_options\":{\"include_usage\":true}");
    CHECK(answer.whole);
    CHECK(answer.head.find("text/event-stream") != std::string::npos);
    const std::vector<std::string> events = events_of(answer.body);
    CHECK(content_of(events) == expected_content(1));
    CHECK(events.back() == "[DONE]");
    CHECK(json::parse(events[events.size() - 2])["usage"]["total_tokens"] > 8);
  }

  TEST_CASE("a connection serves many requests, also two that were sent at once") {
    ScriptedEndpoint endpoint({});
    RawClient client(endpoint.port());
    client.send(chat_request(kPrompt, 1) + chat_request(kPrompt, 2, kStream));
    CHECK(json::parse(client.receive().body)["choices"][0]["message"]["content"] ==
          expected_content(1));
    CHECK(content_of(events_of(client.receive().body)) == expected_content(2));
    client.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(client.receive().status == 200);
    CHECK(endpoint.counts().connections == 1);
  }

  TEST_CASE("models, a missing route and a wrong method are answered") {
    ScriptedEndpoint endpoint({});
    RawClient client(endpoint.port());
    client.send("GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(json::parse(client.receive().body)["data"][0]["id"] == "scripted");
    client.send("GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(client.receive().status == 404);
    client.send("GET /v1/chat/completions HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(client.receive().status == 405);
  }

  TEST_CASE("a wrong model and a body that is no request are refused") {
    EndpointOptions options;
    options.model = "other";
    ScriptedEndpoint endpoint(options);
    CHECK(ask(endpoint).status == 404);
    RawClient client(endpoint.port());
    client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");
    CHECK(client.receive().status == 400);
    CHECK(endpoint.counts().received == 0);
  }

  TEST_CASE("a key is asked for if one is set") {
    EndpointOptions options;
    options.api_key = "secret";
    ScriptedEndpoint endpoint(options);
    CHECK(ask(endpoint).status == 401);
    RawClient client(endpoint.port());
    client.send("GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\n\r\n");
    CHECK(client.receive().status == 200);
  }

  TEST_CASE("max_tokens cuts the answer short and says so") {
    ScriptedEndpoint endpoint({});
    const json body = json::parse(ask(endpoint, ",\"max_tokens\":30").body);
    CHECK(body["choices"][0]["finish_reason"] == "length");
    CHECK(body["usage"]["completion_tokens"] <= 31);
  }

  TEST_CASE("a head beyond its limit and text that is no HTTP are refused") {
    ScriptedEndpoint endpoint({});
    RawClient client(endpoint.port());
    const std::string filler(ScriptedEndpoint::kHeaderBytesMax, 'x');
    client.send("GET /health HTTP/1.1\r\nX: " + filler);
    CHECK(client.receive().status == 431);
    RawClient other(endpoint.port());
    other.send("hello there\r\n\r\n");
    CHECK(other.receive().status == 400);
  }

  TEST_CASE("a body that is announced beyond the limit is refused before it is sent") {
    ScriptedEndpoint endpoint({});
    RawClient client(endpoint.port());
    client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                std::to_string(ScriptedEndpoint::kRequestBytesMax + 1) + "\r\n\r\n");
    CHECK(client.receive().status == 413);
  }

  TEST_CASE("a client that expects 100-continue is told to go on") {
    ScriptedEndpoint endpoint({});
    RawClient client(endpoint.port());
    client.send(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
        "Content-Length: 15\r\nConnection: close\r\n\r\n");
    client.send("{\"messages\":[]}");
    CHECK(client.wait_for_end() == RawClient::End::Fin);
    CHECK(client.rest().starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
  }

  TEST_CASE("every dialect puts the reasoning where it says") {
    const std::string reasoning = scripted_answer(kPrompt, 1, {}).reasoning;
    for (const auto& [dialect, field] : std::vector<std::pair<Dialect, std::string>>{
             {Dialect::ReasoningContent, "reasoning_content"},
             {Dialect::Reasoning, "reasoning"},
             {Dialect::Inline, "content"}}) {
      EndpointOptions options;
      options.dialect = dialect;
      ScriptedEndpoint endpoint(options);
      const json message = json::parse(ask(endpoint).body)["choices"][0]["message"];
      CHECK(message[field].get<std::string>().find(reasoning) != std::string::npos);
    }
  }

  TEST_CASE("the journal has what was received, what went wrong and what was sent") {
    TempDir directory;
    EndpointOptions options = with_script("attempt=1 -> 503\n");
    options.journal = directory / "journal";
    ScriptedEndpoint endpoint(options);
    CHECK(ask(endpoint, "", "key \"x\"#1").status == 503);
    CHECK(ask(endpoint, "", "key \"x\"#2").status == 200);

    const std::vector<json> lines = lines_of_file(options.journal);
    REQUIRE(lines.size() == 4);
    CHECK(lines[0]["event"] == "received");
    CHECK(lines[0]["id"] == "key \"x\"#1");
    CHECK(lines[0]["call"] == text::sha256_hex("1\n" + std::string(kPrompt)));
    CHECK(lines[1]["event"] == "fault");
    CHECK(lines[1]["kind"] == "503");
    CHECK(lines[2]["event"] == "received");
    CHECK(lines[3]["event"] == "sent");
    CHECK(lines[3]["answer"] == text::sha256_hex(expected_content(1)));
  }

  TEST_CASE("a client that goes in mid-answer leaves a cut in the journal") {
    TempDir directory;
    EndpointOptions options;
    options.journal = directory / "journal";
    options.tokens_per_second = 2000;
    options.chunk_tokens = 1;
    ScriptedEndpoint endpoint(options);
    {
      RawClient client(endpoint.port());
      client.send(chat_request(kPrompt, 1, kStream));
    }  // gone, with the answer still to come
    REQUIRE(wait_until([&] { return endpoint.counts().cut + endpoint.counts().sent > 0; }));
    CHECK(lines_of_file(options.journal).back()["event"] == "cut");
  }

  TEST_CASE("latency holds an answer back, and a paced stream takes its time") {
    using Clock = std::chrono::steady_clock;
    EndpointOptions options;
    options.latency_ms_min = options.latency_ms_max = 60;
    options.tokens_per_second = 2000;
    ScriptedEndpoint endpoint(options);
    const auto start = Clock::now();
    ask(endpoint);
    CHECK(Clock::now() - start >= std::chrono::milliseconds(60));
    const auto middle = Clock::now();
    ask(endpoint, kStream);  // some 190 tokens
    CHECK(Clock::now() - middle >= std::chrono::milliseconds(60 + 80));
  }

  TEST_CASE("it stops at once when idle and waits for what is in hand") {
    EndpointOptions options;
    options.latency_ms_min = options.latency_ms_max = 150;
    ScriptedEndpoint endpoint(options);
    RawClient idle(endpoint.port());
    RawClient busy(endpoint.port());
    busy.send(chat_request(kPrompt, 1));
    REQUIRE(wait_until([&] { return endpoint.counts().in_flight > 0; }));
    endpoint.stop(10'000);
    CHECK(busy.receive().status == 200);
    CHECK(idle.wait_for_end() == RawClient::End::Fin);
    CHECK(endpoint.counts().sent == 1);
  }

  TEST_CASE("without free descriptors it waits and serves later") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    ScriptedEndpoint endpoint({});
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 4; ++i) clients.push_back(std::make_unique<RawClient>(endpoint.port()));
    REQUIRE(wait_until([&] { return endpoint.counts().connections == 4; }));
    // One more descriptor for the client's side of a connection, none for the endpoint's.
    rlimit tight = before;
    {
      std::ifstream probe("/dev/null");
      tight.rlim_cur = 0;
      for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        tight.rlim_cur =
            std::max<rlim_t>(tight.rlim_cur, rlim_t(std::stoll(entry.path().filename().string())));
    }
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
    RawClient late(endpoint.port());
    late.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    clients[0]->send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(clients[0]->receive().status == 200);  // those who are in are served
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(late.receive().status == 200);
  }
}

TEST_SUITE("slow/endpoint/scripted_endpoint") {
  TEST_CASE("thousands of connections are open at once and all are answered") {
    rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    // Both sides live in this process, so that each connection takes two descriptors.
    const std::size_t count = std::min<std::size_t>(10'000, (limit.rlim_cur - 200) / 2);
    EndpointOptions options;
    options.latency_ms_min = options.latency_ms_max = 3000;
    ScriptedEndpoint endpoint(options);
    std::vector<std::unique_ptr<RawClient>> clients;
    for (std::size_t i = 0; i < count; ++i) {
      clients.push_back(std::make_unique<RawClient>(endpoint.port()));
      clients.back()->send(chat_request(kPrompt, int64_t(i)));
    }
    for (std::size_t i = 0; i < count; ++i) CHECK(clients[i]->receive().whole);
    CHECK(endpoint.counts().received == int64_t(count));
    CHECK(endpoint.counts().open_connections == int64_t(count));
  }
}
