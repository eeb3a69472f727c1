#include "http/names.h"

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <netdb.h>

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstring>
#include <memory>
#include <thread>

#include "tests/http/exchange_kit.h"
#include "tests/http/raw_server.h"

namespace {

std::atomic<int> lookups_of_counted{0};

// A list of addresses as getaddrinfo makes one, in the memory of the C library, which frees it.
int answer(const char* numeric, addrinfo** result,
           int (*real)(const char*, const char*, const addrinfo*, addrinfo**)) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  return real(numeric, "0", &hints, result);
}

}  // namespace

// Stands before the C library's: names that are slow, missing or have several addresses.
extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints,
                           addrinfo** result) {
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getaddrinfo"));
  const std::string name = host ? host : "";
  if (name == "slow.test") {
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    return answer("127.0.0.1", result, real);
  }
  if (name == "missing.test") return EAI_NONAME;
  if (name == "counted.test") {
    ++lookups_of_counted;
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    return answer("127.0.0.1", result, real);
  }
  if (name == "two.test") {
    // 127.0.0.2 first, where nothing listens.
    addrinfo* second = nullptr;
    if (int error = answer("127.0.0.2", result, real); error != 0) return error;
    if (int error = answer("127.0.0.1", &second, real); error != 0) return error;
    (*result)->ai_next = second;
    return 0;
  }
  return real(host, service, hints, result);
}

namespace {

namespace net = boost::asio;
using http::Failure;
using kit::completed;
using kit::contains;
using kit::exchange;
using kit::failure;

const std::string kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

TEST_SUITE("http/names") {
  TEST_CASE("a slow look-up ends at the connect deadline and not later") {
    http::Request request = kit::request_to("http://slow.test:1/");
    request.deadlines.connect_ms = http::Milliseconds(60);
    net::io_context io;
    http::Client client(io.get_executor(), {});

    kit::Exchanged done = exchange(io, client, std::move(request));

    CHECK(failure(done.outcome).kind == Failure::Kind::Timeout);
    CHECK(contains(failure(done.outcome).message,
                   "looking up 'slow.test': the connect deadline of 60 ms passed"));
    CHECK(done.took < std::chrono::milliseconds(350));
  }

  TEST_CASE("a name that does not exist is said to be unknown") {
    kit::Exchanged done = exchange(kit::request_to("http://missing.test/"));

    CHECK(failure(done.outcome).kind == Failure::Kind::Resolve);
    CHECK(contains(failure(done.outcome).message, "looking up 'missing.test': Host not found"));
  }

  TEST_CASE("exchanges at the same time share one look-up") {
    raw::Server server(raw::answer_once(kHello));
    net::io_context io;
    http::Client client(io.get_executor(), {});
    kit::Recorder recorders[5];
    int done = 0;
    for (kit::Recorder& recorder : recorders)
      net::co_spawn(
          io,
          client.exchange(kit::request_to("http://counted.test:" + server.port() + "/"), recorder),
          [&](const std::exception_ptr&, const kit::Outcome& outcome) {
            done += completed(outcome).status == 200;
          });
    io.run();

    CHECK(done == 5);
    CHECK(lookups_of_counted == 1);
  }

  TEST_CASE("an address that refuses is followed by the next one") {
    raw::Server server(raw::answer_once(kHello));

    kit::Exchanged done = exchange(kit::request_to("http://two.test:" + server.port() + "/"));

    CHECK(done.recorder.body == "hello");
  }

  TEST_CASE("when all addresses fail the last one's failure is told") {
    kit::Exchanged done = exchange(kit::request_to("http://two.test:1/"));

    CHECK(failure(done.outcome).kind == Failure::Kind::Connect);
    CHECK(contains(failure(done.outcome).message,
                   "connecting to two.test:1 (127.0.0.1): Connection refused"));
  }

  TEST_CASE("a cancelled look-up throws at once") {
    net::io_context io;
    http::Client client(io.get_executor(), {});
    kit::Recorder recorder;
    net::cancellation_signal signal;
    net::steady_timer timer(io, std::chrono::milliseconds(30));
    timer.async_wait([&](const auto&) { signal.emit(net::cancellation_type::terminal); });
    bool thrown = false, done = false;
    net::co_spawn(io, client.exchange(kit::request_to("http://slow.test:1/"), recorder),
                  net::bind_cancellation_slot(
                      signal.slot(), [&](const std::exception_ptr& error, const kit::Outcome&) {
                        thrown = error != nullptr;
                        done = true;
                      }));
    const auto start = std::chrono::steady_clock::now();
    while (!done && io.run_one_for(std::chrono::seconds(5)) > 0) {
    }

    CHECK(thrown);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::milliseconds(350));
  }
}

}  // namespace
