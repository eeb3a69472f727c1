#include "pipeline/remote_chat.h"

#include <doctest/doctest.h>

#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "tests/pipeline/remote_kit.h"

using namespace remote;
using Kind = ChatFailure::Kind;

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

  TEST_CASE("votes on one prompt, sent at once, each bring their own seed") {
    std::mutex mutex;
    std::set<int> seeds;
    Server server([&](const std::string& request, int) {
      const auto body = nlohmann::json::parse(request.substr(request.find("\r\n\r\n") + 4));
      const std::lock_guard lock(mutex);
      seeds.insert(body["seed"].get<int>());
      return answer("x");
    });
    Rig rig(quick({endpoint("a", server.url())}));
    std::vector<ChatRequest> votes(20, request());
    for (std::size_t i = 0; i < votes.size(); ++i) votes[i].seed = int64_t(i);

    for (const Result& result : rig.ask_all(votes)) CHECK(reply(result).text == "x");

    CHECK(seeds.size() == 20);
    CHECK(*seeds.rbegin() == 19);
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
    for (const auto& row : table) {
      const int status = row.first;
      CAPTURE(status);
      Server server(
          [&](const std::string&, int) { return error(status, "refused because", row.second); });
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
    CHECK(rig.chat.identity(Role::Generator) == "large");
    CHECK(rig.chat.identity(Role::Verifier) == "m");
    CHECK(rig.chat.identity(Role::MetaVerifier) == "m");
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
}
