#include "tests/support/child_process.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <system_error>

#include "tests/support/raw_client.h"
#include "tests/support/temp_dir.h"

using namespace support;  // the room under test
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kLong(20'000);
const std::string kEndpoint = std::string(BINARY_DIR) + "/tests/scripted_endpoint";

ChildProcess::Options shell(const std::string& script) {
  ChildProcess::Options options;
  options.command = {"/bin/sh", "-c", script};
  return options;
}

}  // namespace

TEST_SUITE("endpoint/child_process") {
  TEST_CASE("output, errors and the exit code are returned") {
    const auto ended = run_program(shell("echo one; echo two >&2; exit 7"));
    CHECK(ended.output == "one\n");
    CHECK(ended.errors == "two\n");
    CHECK(ended.exit_code == 7);
  }

  TEST_CASE("input, environment and directory reach the program") {
    TempDir directory;
    auto options = shell("cat; echo $MARK; pwd; test -z \"$GONE\" && echo gone");
    options.input = "in\n";
    options.environment = {{"MARK", "set"}, {"GONE", ""}};
    options.directory = directory.path();
    CHECK(run_program(options).output == "in\nset\n" + directory.path().string() + "\ngone\n");
  }

  TEST_CASE("lines are read as they come") {
    ChildProcess child(shell("echo first; read x; echo second"));
    CHECK(child.read_line(kLong) == "first");
    CHECK(child.read_line(kLong) == "second");  // its input has ended
    CHECK(child.read_line(kLong) == std::nullopt);
    CHECK(child.wait(kLong).exit_code == 0);
  }

  TEST_CASE("a program that goes on for too long is killed") {
    ChildProcess child(shell("exec sleep 1000"));
    CHECK(child.read_line(milliseconds(10)) == std::nullopt);
    CHECK(child.wait(milliseconds(50)).exit_code == 128 + SIGKILL);
  }

  TEST_CASE("large output does not block") {
    const auto ended =
        run_program(shell("head -c 1000000 /dev/zero; head -c 500000 /dev/zero >&2"));
    CHECK(ended.output.size() == 1'000'000);
    CHECK(ended.errors.size() == 500'000);
  }

  TEST_CASE("a copy of this process reports, and leaves with what its work returns") {
    const int number = 7;
    ChildProcess child([&](int report) {
      const bool sent = ::write(report, "one\ntwo", 7) == 7;
      return sent ? number : 1;
    });
    CHECK(child.read_line(kLong) == "one");
    const auto ended = child.wait(kLong);
    CHECK(ended.output == "two");
    CHECK(ended.exit_code == 7);
  }

  TEST_CASE("a copy of this process can be killed at its work, and tells when that throws") {
    ChildProcess endless([](int) {
      for (;;) ::pause();
      return 0;
    });
    endless.signal(SIGKILL);
    CHECK(endless.wait(kLong).exit_code == 128 + SIGKILL);

    ChildProcess throwing([](int) -> int { throw std::runtime_error("as it should"); });
    CHECK(throwing.wait(kLong).exit_code == ChildProcess::kThrew);
  }

  TEST_CASE("a program that does not exist is an error") {
    ChildProcess::Options options;
    options.command = {"/nonexistent/program"};
    CHECK_THROWS_AS(ChildProcess{options}, std::system_error);
  }

  TEST_CASE("a temporary directory goes with all that it holds") {
    std::filesystem::path path;
    {
      TempDir directory;
      path = directory.path();
      std::filesystem::create_directories(directory / "a");
      std::ofstream(directory / "file") << "x";
      CHECK(std::filesystem::exists(path));
    }
    CHECK_FALSE(std::filesystem::exists(path));
  }
}

TEST_SUITE("endpoint/program") {
  TEST_CASE("it says where it listens, serves, and ends on SIGTERM with its figures") {
    TempDir directory;
    ChildProcess::Options options;
    const std::string port_file = (directory / "port").string();
    options.command = {kEndpoint, "--port-file", port_file, "--latency-ms", "1:5", "--dialect",
                       "inline",  "--flaw",      "0"};
    ChildProcess endpoint(options);
    const auto line = endpoint.read_line(kLong);
    REQUIRE(line.has_value());
    int port = 0;
    std::ifstream(port_file) >> port;
    CHECK(*line == "listening on http://127.0.0.1:" + std::to_string(port) + "/v1");

    RawClient client{uint16_t(port)};
    client.send(chat_request("Prove it.", 1));
    CHECK(client.receive().body.find("<think>") != std::string::npos);
    endpoint.signal(SIGTERM);
    const auto ended = endpoint.wait(kLong);
    CHECK(ended.exit_code == 0);
    CHECK(ended.errors.find("received 1, sent 1,") != std::string::npos);
  }

  TEST_CASE("it runs for as long as it is told") {
    ChildProcess::Options options;
    options.command = {kEndpoint, "--run-for", "0.05"};
    CHECK(run_program(options).exit_code == 0);
  }

  TEST_CASE("wrong arguments are named") {
    TempDir directory;
    std::ofstream(directory / "script") << "always -> explode\n";
    ChildProcess::Options options;
    options.command = {kEndpoint, "--fault-script", (directory / "script").string()};
    const auto ended = run_program(options);
    CHECK(ended.exit_code == 1);
    CHECK(ended.errors.find("line 1: unknown action \"explode\"") != std::string::npos);
    options.command = {kEndpoint, "--flaw", "2"};
    CHECK(run_program(options).exit_code != 0);
    options.command = {kEndpoint, "--latency-ms", "5:1"};
    CHECK(run_program(options).exit_code == 1);
  }
}
