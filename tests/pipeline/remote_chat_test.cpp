#include "pipeline/remote_chat.h"

#include <doctest/doctest.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <stdexcept>

#include "tests/pipeline/remote_kit.h"

using namespace remote;
using Clock = std::chrono::steady_clock;
using Kind = ChatFailure::Kind;

namespace {

ChatReply reply(const Result& result) {
  const auto* failure = std::get_if<ChatFailure>(&result);
  INFO(std::string(failure ? failure->message : ""));
  REQUIRE(failure == nullptr);
  return std::get<ChatReply>(result);
}

ChatFailure failure(const Result& result) {
  REQUIRE(std::holds_alternative<ChatFailure>(result));
  return std::get<ChatFailure>(result);
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

std::vector<ChatRequest> requests(int count, const std::string& affinity = "") {
  std::vector<ChatRequest> result;
  for (int i = 0; i < count; ++i) {
    result.push_back(request("call " + std::to_string(i)));
    result.back().affinity = affinity;
  }
  return result;
}

// An address where nobody listens.
std::string dead_url() {
  std::string url;
  {
    raw::Server gone([](raw::Peer&) {});
    url = gone.url("/v1");
  }
  return url;
}

}  // namespace

TEST_SUITE("pipeline/remote_chat") {
  TEST_CASE("an answer comes back with its attempt, and the request is as it should be") {
    std::string seen;
    Server server([&](const std::string& request, int) {
      seen = request;
      return answer("VERDICT: 1");
    });
    Endpoint one = endpoint("a", server.url());
    one.api_key = "sk-123456";
    Rig rig(quick({one}));

    ChatReply got = reply(rig.ask(request("run/v/1")));

    CHECK(got.text == "VERDICT: 1");
    CHECK(got.finish == Finish::Stop);
    CHECK(got.endpoint == "a");
    CHECK(got.model == "m");
    REQUIRE(got.attempts.size() == 1);
    CHECK(got.attempts[0].outcome == "answered");
    CHECK(got.attempts[0].http_status == 200);
    CHECK(got.attempts[0].ended_at >= got.attempts[0].started_at);
    CHECK(got.attempts[0].started_at > 1'600'000'000'000);
    CHECK(contains(seen, "POST /v1/chat/completions HTTP/1.1\r\n"));
    CHECK(contains(seen, "Authorization: Bearer sk-123456\r\n"));
    CHECK(contains(seen, "X-Request-Id: run/v/1#1\r\n"));
    const auto body = nlohmann::json::parse(seen.substr(seen.find("\r\n\r\n") + 4));
    CHECK(body["messages"][0]["content"] == "Judge this:\na \"proof\"");
  }

  TEST_CASE("failures that may pass are retried, and told") {
    Server server([&](const std::string&, int number) {
      if (number == 1) return error(500, "boom");
      if (number == 2) return kStreamHead + chunk(event("half")) + "0\r\n\r\n";
      if (number == 3) return plain(200, "{}");
      if (number == 4) return plain(408, "");
      return answer("whole");
    });
    Rig rig(quick({endpoint("a", server.url())}));

    const ChatReply got = reply(rig.ask(request()));

    CHECK(got.text == "whole");
    REQUIRE(got.attempts.size() == 5);
    CHECK(got.attempts[0].outcome == "http 500");
    CHECK(got.attempts[0].detail == "status 500: boom");
    CHECK(got.attempts[1].outcome == "cut");
    CHECK(got.attempts[2].outcome == "malformed");
    CHECK(got.attempts[3].http_status == 408);
    CHECK(got.attempts[4].outcome == "answered");
  }

  TEST_CASE("what asking again cannot help is sent once") {
    for (const int status : {400, 405, 413, 415, 422}) {
      CAPTURE(status);
      Server server([&](const std::string&, int) { return error(status, "no"); });
      Rig rig(quick({endpoint("a", server.url())}));

      const ChatFailure got = failure(rig.ask(request()));

      CHECK(got.kind == Kind::Final);
      CHECK(got.message == "endpoint 'a': status " + std::to_string(status) + ": no");
      CHECK(got.attempts.size() == 1);
      CHECK(server.requests() == 1);
    }
  }

  TEST_CASE("a refused key, an unknown model, a spent quota and a wrong address stop the run") {
    const std::vector<std::pair<int, const char*>> table{
        {401, "invalid_api_key"},    {403, ""}, {404, "model_not_found"}, {404, ""}, {402, ""},
        {429, "insufficient_quota"}, {307, ""}};
    for (const auto& [status, code] : table) {
      CAPTURE(status);
      Server server([&, s = status, c = code](const std::string&, int) {
        return error(s, "refused because", c);
      });
      Rig rig(quick({endpoint("a", server.url())}));

      const auto results = rig.ask_all(requests(3));

      for (const Result& result : results) {
        CHECK(failure(result).kind == Kind::Halt);
        CHECK(contains(failure(result).message, "endpoint 'a'"));
      }
      CHECK(server.requests() <= 3);
      // Nobody is asked again for a while.
      CHECK(failure(rig.ask(request())).kind == Kind::Halt);
      CHECK(server.requests() <= 3);
    }
  }

  TEST_CASE("one endpoint that refuses does not stop the others") {
    Server refusing([](const std::string&, int) { return error(401, "no such key"); });
    Server good([](const std::string&, int) { return answer("yes"); });
    RemoteConfig config = quick({endpoint("a", refusing.url()), endpoint("b", good.url())});
    std::vector<std::string> warnings;
    config.warn = [&](std::string text) { warnings.push_back(std::move(text)); };
    Rig rig(std::move(config));

    for (int i = 0; i < 10; ++i) {
      const ChatReply got = reply(rig.ask(request()));
      CHECK(got.endpoint == "b");
      CHECK(got.attempts.size() <= 2);
    }
    CHECK(refusing.requests() == 1);
    REQUIRE(warnings.size() == 1);
    CHECK(contains(warnings[0], "endpoint 'a': status 401: no such key"));
  }

  TEST_CASE("a call ends when its attempts are used up, and keeps what had come") {
    Server server([](const std::string&, int) {
      return kStreamHead + chunk(event("half a pro")) + "0\r\n\r\n";
    });
    RemoteConfig config = quick({endpoint("a", server.url())});
    config.retry.attempts_max = 3;
    Rig rig(std::move(config));

    const ChatFailure got = failure(rig.ask(request()));

    CHECK(got.kind == Kind::Exhausted);
    CHECK(got.partial_text == "half a pro");
    CHECK(got.attempts.size() == 3);
    CHECK(server.requests() == 3);
    CHECK(contains(got.message, "no finish_reason"));
  }

  TEST_CASE("the wait that a server asks for is kept") {
    struct Row {
      const char* fields;
      int64_t least_ms, most_ms;
    };
    for (const Row& row :
         {Row{"Retry-After-Ms: 200\r\n", 200, 400}, Row{"Retry-After: 0.2\r\n", 200, 400},
          Row{"Retry-After: 0\r\n", 0, 150}, Row{"Retry-After: -1\r\n", 0, 150},
          Row{"Retry-After: nan\r\n", 0, 150}, Row{"Retry-After: soon\r\n", 0, 150},
          Row{"Retry-After: 1e9\r\n", 300, 500}}) {  // parked for the cap
      for (const int status : {429, 503, 500}) {
        CAPTURE(row.fields);
        CAPTURE(status);
        Server server([&](const std::string&, int number) {
          return number == 1 ? error(status, "later", "", row.fields) : answer("x");
        });
        RemoteConfig config = quick({endpoint("a", server.url())});
        config.retry.asked_wait_ms_max = 300;
        Rig rig(std::move(config));

        const auto start = Clock::now();
        CHECK(reply(rig.ask(request())).attempts.size() == 2);
        CHECK(ms_since(start) >= row.least_ms);
        CHECK(ms_since(start) < row.most_ms);
      }
    }
  }

  TEST_CASE("while one endpoint asks for patience, another is asked") {
    Server busy(
        [](const std::string&, int) { return error(429, "later", "", "Retry-After: 60\r\n"); });
    Server good([](const std::string&, int) { return answer("yes"); });
    Rig rig(quick({endpoint("a", busy.url()), endpoint("b", good.url())}));

    const auto start = Clock::now();
    for (int i = 0; i < 20; ++i) CHECK(reply(rig.ask(request())).endpoint == "b");

    CHECK(busy.requests() == 1);
    CHECK(ms_since(start) < 2000);
  }

  TEST_CASE("a dead endpoint is probed, not hammered, and its outage stops the run") {
    RemoteConfig config = quick({endpoint("a", dead_url()), endpoint("b", dead_url())});
    config.dispatch.outage_ms = 300;
    Rig rig(std::move(config));

    const auto start = Clock::now();
    const auto results = rig.ask_all(requests(50));

    CHECK(ms_since(start) < 1500);
    std::size_t attempts = 0;
    int halted = 0;
    for (const Result& result : results) {
      const ChatFailure got = failure(result);
      halted += got.kind == Kind::Halt;
      attempts += got.attempts.size();
      CHECK(got.kind == Kind::Halt);
      CHECK(contains(got.message, "endpoint 'a'"));
      CHECK(contains(got.message, "endpoint 'b'"));
      CHECK(contains(got.message, "refused"));
    }
    CHECK(halted == 50);
    CHECK(attempts < 110);  // 50 before they open, then a few probes each
  }

  TEST_CASE("calls wait through an outage and go on after it") {
    std::atomic<bool> down{true};
    std::atomic<int> while_down{0};
    Server server([&](const std::string&, int) {
      if (!down) return answer("x");
      ++while_down;
      return error(502, "down");
    });
    Endpoint one = endpoint("a", server.url());
    one.concurrency.start = 8;
    Rig rig(quick({one}));
    net::steady_timer repair(rig.context, std::chrono::milliseconds(400));
    repair.async_wait([&](auto) { down = false; });

    const auto results = rig.ask_all(requests(100));

    for (const Result& result : results) CHECK(reply(result).text == "x");
    CHECK(while_down < 8 + 25);  // those in flight, then probes at 5, 10, 20, 40, 40 ... ms
    CHECK(server.requests() < 140);
  }

  TEST_CASE("one call alone outlives an outage longer than its attempts would") {
    std::atomic<bool> down{true};
    Server server([&](const std::string&, int) { return down ? error(500, "down") : answer("x"); });
    RemoteConfig config = quick({endpoint("a", server.url())});
    config.retry.attempts_max = 6;
    Rig rig(std::move(config));
    net::steady_timer repair(rig.context, std::chrono::milliseconds(500));
    repair.async_wait([&](auto) { down = false; });

    CHECK(reply(rig.ask(request())).attempts.size() > 6);
  }

  TEST_CASE("no more calls are in flight than the limit") {
    std::atomic<int> now{0}, most{0};
    raw::Server server([&](raw::Peer& peer) {
      while (!peer.read_request().empty()) {
        const int count = ++now;
        if (count > most) most = count;
        peer.pause(5);
        --now;
        if (!peer.send(answer("x"))) return;
      }
    });
    Endpoint one = endpoint("a", server.url("/v1"));
    one.concurrency = {.least = 1, .start = 4, .most = 4};
    Rig rig(quick({one}));

    for (const Result& result : rig.ask_all(requests(60))) CHECK(reply(result).text == "x");

    CHECK(most <= 4);
    CHECK(most >= 2);
  }

  TEST_CASE("an endpoint that takes few calls at once gets few, and no call is lost") {
    std::atomic<int> now{0};
    std::atomic<int> sent{0};
    raw::Server server([&](raw::Peer& peer) {
      while (!peer.read_request().empty()) {
        ++sent;
        const bool taken = ++now <= 5;
        if (taken) peer.pause(10);
        --now;
        if (!peer.send(taken ? answer("x") : error(429, "too many"))) return;
      }
    });
    Endpoint one = endpoint("a", server.url("/v1"));
    one.concurrency = {.least = 1, .start = 16, .most = 64};
    Rig rig(quick({one}));

    for (const Result& result : rig.ask_all(requests(300))) CHECK(reply(result).text == "x");

    CHECK(sent < 390);  // at most 1.3 sends a call
  }

  TEST_CASE("the retry budget bounds retries that bring nothing, and they wait for it") {
    Server server([&](const std::string&, int number) {
      return number % 3 == 0 ? answer("x") : error(500, "two of three");
    });
    RemoteConfig config = quick({endpoint("a", server.url())});
    config.dispatch.budget = {.burst = 2, .per_success = 0, .per_second = 20};
    Rig rig(std::move(config));

    const auto start = Clock::now();
    for (int i = 0; i < 10; ++i) CHECK(reply(rig.ask(request())).attempts.size() == 3);

    CHECK(ms_since(start) > 350);  // one lost token a call: 8 more than the burst, at 20 a second
    CHECK(ms_since(start) < 3000);
  }

  TEST_CASE("calls of one affinity stay on one endpoint, and move when it fails") {
    std::atomic<bool> a_is_down{false}, b_is_down{false};
    Server a([&](const std::string&, int) { return a_is_down ? error(500, "") : answer("a"); });
    Server b([&](const std::string&, int) { return b_is_down ? error(500, "") : answer("b"); });
    Rig rig(quick({endpoint("a", a.url()), endpoint("b", b.url())}));
    ChatRequest one = request();
    one.affinity = "proof 1";

    const std::string home = reply(rig.ask(one)).endpoint;
    for (int i = 0; i < 10; ++i) CHECK(reply(rig.ask(one)).endpoint == home);
    (home == "a" ? a_is_down : b_is_down) = true;
    const ChatReply moved = reply(rig.ask(one));
    CHECK(moved.endpoint != home);
    CHECK(moved.attempts.size() == 2);

    // Many affinities use both.
    a_is_down = b_is_down = false;
    std::set<std::string> used;
    for (int i = 0; i < 30; ++i) {
      one.affinity = std::to_string(i);
      used.insert(reply(rig.ask(one)).endpoint);
    }
    CHECK(used.size() == 2);
  }

  TEST_CASE("each role goes to its own endpoints and model") {
    std::string seen;
    Server a([&](const std::string& request, int) {
      seen = request;
      return answer("a");
    });
    Server b([](const std::string&, int) { return answer("b"); });
    RemoteConfig config = quick({endpoint("a", a.url()), endpoint("b", b.url())});
    config.routes[std::size_t(Role::Generator)] = {.endpoints = {"a"}, .model = "large"};
    config.routes[std::size_t(Role::Verifier)].endpoints = {"b"};
    Rig rig(std::move(config));

    ChatRequest one = request();
    one.role = Role::Generator;
    CHECK(reply(rig.ask(one)).text == "a");
    CHECK(contains(seen, R"("model":"large")"));
    one.role = Role::Verifier;
    CHECK(reply(rig.ask(one)).text == "b");
    CHECK(rig.chat.identity(Role::Generator) == "large @ a " + a.url());
    CHECK(rig.chat.identity(Role::Verifier) == "m @ b " + b.url());
    CHECK(rig.chat.identity(Role::MetaVerifier) == "m @ a " + a.url() + ", m @ b " + b.url());
  }

  TEST_CASE("the identity does not depend on the order of endpoints or on limits") {
    Endpoint a = endpoint("a", "http://h/v1"), b = endpoint("b", "http://i/v1");
    Rig one(quick({a, b}));
    b.concurrency.most = 999;
    b.api_key = "sk-secret-0123456789";
    Rig other(quick({b, a}));
    CHECK(one.chat.identity(Role::Verifier) == other.chat.identity(Role::Verifier));
  }

  TEST_CASE("a configuration that cannot be used is refused") {
    const auto refused = [](RemoteConfig config) {
      CHECK_THROWS_AS(Rig(std::move(config)), std::runtime_error);
    };
    refused(quick({}));
    refused(quick({endpoint("a", "http://h"), endpoint("a", "http://i")}));
    refused(quick({endpoint("a", "not an address")}));
    RemoteConfig unknown = quick({endpoint("a", "http://h")});
    unknown.routes[0].endpoints = {"b"};
    refused(std::move(unknown));
    Endpoint nameless = endpoint("a", "http://h");
    nameless.model.clear();
    refused(quick({nameless}));
  }

  TEST_CASE("no secret stands in anything that comes back") {
    const std::string key = "sk-planted-0123456789";
    for (int form = 0; form < 5; ++form) {
      CAPTURE(form);
      Server server([&](const std::string&, int) {
        if (form == 0) return error(500, "wrong key " + key);
        if (form == 1) return error(401, "wrong key " + key);
        if (form == 2) return answer("the key is " + key, "model-" + key);
        if (form == 3) return kStreamHead + chunk(event("part " + key)) + "0\r\n\r\n";
        return plain(302, "", "Location: http://evil/?" + key + "\r\n");
      });
      Endpoint one = endpoint("a", server.url());
      one.api_key = key;
      RemoteConfig config = quick({one});
      config.retry.attempts_max = 2;
      std::string said;
      config.warn = [&](std::string text) { said += text; };
      Rig rig(std::move(config));

      const Result result = rig.ask(request());

      if (const auto* got = std::get_if<ChatReply>(&result)) {
        said += got->text + got->reasoning + got->model + got->finish_reason;
        for (const Attempt& attempt : got->attempts) said += attempt.detail + attempt.outcome;
      } else {
        said += failure(result).message + failure(result).partial_text;
        for (const Attempt& one_attempt : failure(result).attempts) said += one_attempt.detail;
      }
      CHECK(contains(said, "***"));
      CHECK_FALSE(contains(said, key));
    }
  }

  TEST_CASE("another model's answers are told of once for each endpoint") {
    Server server([](const std::string&, int) { return answer("x", "somebody-else"); });
    RemoteConfig config = quick({endpoint("a", server.url())});
    config.endpoints[0].model = "deepseek-v3.2";
    int warnings = 0;
    config.warn = [&](const std::string& text) {
      ++warnings;
      CHECK(contains(text, "somebody-else"));
    };
    Rig rig(std::move(config));
    for (int i = 0; i < 3; ++i) reply(rig.ask(request()));
    CHECK(warnings == 1);
  }

  TEST_CASE("a server that never answers ends by the deadline of the call") {
    raw::Server server([](raw::Peer& peer) { peer.wait_closed(); });
    RemoteConfig config = quick({endpoint("a", server.url("/v1"))});
    config.call_ms = 300;
    Rig rig(std::move(config));

    const auto start = Clock::now();
    const ChatFailure got = failure(rig.ask(request()));

    CHECK(got.kind == Kind::Exhausted);
    CHECK(ms_since(start) >= 290);
    CHECK(ms_since(start) < 1300);
    CHECK(got.attempts[0].outcome == "timeout");
  }

  TEST_CASE("keep-alives do not keep a call alive, tokens do") {
    raw::Server server([](raw::Peer& peer) {
      peer.read_request();
      peer.send(kStreamHead);
      for (int i = 0; i < 6; ++i) {  // 300 ms of tokens
        peer.pause(50);
        if (!peer.send(chunk(event("t")))) return;
      }
      while (peer.send(chunk(": ping\n\n"))) peer.pause(20);
    });
    Endpoint one = endpoint("a", server.url("/v1"));
    one.deadlines.first_ms = http::Milliseconds(2000);
    one.deadlines.between_ms = http::Milliseconds(200);
    RemoteConfig config = quick({one});
    config.retry.attempts_max = 1;
    Rig rig(std::move(config));

    const auto start = Clock::now();
    const ChatFailure got = failure(rig.ask(request()));

    CHECK(got.partial_text == "tttttt");
    CHECK(got.attempts[0].outcome == "timeout");
    CHECK(ms_since(start) > 450);
    CHECK(ms_since(start) < 1500);
  }

  TEST_CASE("a cancelled call throws, and its place goes to the next") {
    std::atomic<int> arrived{0};
    raw::Server server([&](raw::Peer& peer) {
      peer.read_request();
      if (++arrived == 1)
        peer.wait_closed();
      else
        peer.send(answer("x"));
    });
    Endpoint one = endpoint("a", server.url("/v1"));
    one.concurrency = {.least = 1, .start = 1, .most = 1};
    Rig rig(quick({one}));

    net::cancellation_signal first_stop, second_stop;
    int aborted = 0;
    const auto expect_abort = [&](std::exception_ptr error, const Result&) {
      try {
        if (error) std::rethrow_exception(error);
      } catch (const boost::system::system_error& thrown) {
        aborted += thrown.code() == net::error::operation_aborted;
      }
    };
    std::string text;
    net::co_spawn(rig.context, rig.chat.complete(request("in flight")),
                  net::bind_cancellation_slot(first_stop.slot(), expect_abort));
    net::co_spawn(rig.context, rig.chat.complete(request("waiting")),
                  net::bind_cancellation_slot(second_stop.slot(), expect_abort));
    net::co_spawn(rig.context, rig.chat.complete(request("next")),
                  [&](std::exception_ptr, const Result& result) { text = reply(result).text; });
    net::steady_timer timer(rig.context, std::chrono::milliseconds(100));
    timer.async_wait([&](auto) {
      second_stop.emit(net::cancellation_type::terminal);
      first_stop.emit(net::cancellation_type::terminal);
    });
    rig.context.run();

    CHECK(aborted == 2);
    CHECK(text == "x");
    CHECK(arrived == 2);  // the cancelled waiter was never sent
  }

  TEST_CASE("calls that are still waiting when everything ends leave nothing behind") {
    raw::Server server([](raw::Peer& peer) { peer.wait_closed(); });
    Endpoint one = endpoint("a", server.url("/v1"));
    one.concurrency = {.least = 1, .start = 2, .most = 2};
    Rig rig(quick({one}));
    for (int i = 0; i < 5; ++i)
      net::co_spawn(rig.context, rig.chat.complete(request()),
                    [](std::exception_ptr, const Result&) {});
    rig.context.run_for(std::chrono::milliseconds(50));
  }

  TEST_CASE("answers are whole or none, over sockets that are cut at 400 random places") {
    const std::string body = kStreamHead + chunk(event("VER")) + chunk(event("DICT: ")) +
                             chunk(event("1", R"("stop")")) + chunk("data: [DONE]\n\n") +
                             "0\r\n\r\n";
    std::mutex mutex;
    std::mt19937 random(20260102);
    std::atomic<int> cuts{0};
    raw::Server server([&](raw::Peer& peer) {
      for (;;) {
        if (peer.read_request().empty()) return;
        std::size_t at = 0;
        bool resets = false, whole = false;
        {
          const std::lock_guard lock(mutex);
          whole = random() % 2;
          at = random() % body.size();
          resets = random() % 2;
        }
        if (whole) {
          peer.send(body);
          continue;
        }
        ++cuts;
        peer.send(std::string_view(body).substr(0, at));
        if (resets) peer.reset();
        return;
      }
    });
    RemoteConfig config = quick({endpoint("a", server.url("/v1"))});
    config.retry.attempts_max = 30;
    Rig rig(std::move(config));

    const auto results = rig.ask_all(requests(400));

    for (const Result& result : results) CHECK(reply(result).text == "VERDICT: 1");
    CHECK(cuts > 200);
  }
}

TEST_SUITE("slow/pipeline/remote_chat") {
  TEST_CASE("an endpoint that flips between good and bad costs at most 1.3 sends a call") {
    const auto start = Clock::now();
    std::atomic<int> sent{0};
    raw::Server server([&](raw::Peer& peer) {
      while (!peer.read_request().empty()) {
        ++sent;
        peer.pause(2);
        const bool good = ms_since(start) / 500 % 2 == 0;
        if (!peer.send(good ? answer("x") : error(503, "flipped"))) return;
      }
    });
    Endpoint one = endpoint("a", server.url("/v1"));
    one.concurrency = {.least = 1, .start = 8, .most = 16};
    RemoteConfig config = quick({one});
    config.dispatch.budget = {};
    Rig rig(std::move(config));

    const auto results = rig.ask_all(requests(6000));

    for (const Result& result : results) CHECK(reply(result).text == "x");
    CHECK(ms_since(start) > 1000);  // it did flip
    CHECK(sent < 6000 * 13 / 10);
    MESSAGE((double(sent) / 6000) << " sends a call in " << ms_since(start) << " ms");
  }
}
