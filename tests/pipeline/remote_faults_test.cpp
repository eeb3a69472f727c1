// Calls of pipeline/remote_chat.h to servers that are slow, overloaded, down or cut off.

#include <doctest/doctest.h>

#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <random>

#include "pipeline/remote_chat.h"
#include "tests/pipeline/remote_kit.h"

using namespace remote;
using Clock = std::chrono::steady_clock;
using Kind = ChatFailure::Kind;

TEST_SUITE("pipeline/remote_faults") {
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
      for (const int status : {429, 500}) {
        if (status == 500 && row.most_ms > 400) continue;
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

TEST_SUITE("slow/pipeline/remote_faults") {
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
