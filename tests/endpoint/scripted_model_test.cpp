#include "tests/support/scripted_model.h"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <stdexcept>
#include <vector>

#include "tests/support/run.h"

using namespace support;  // the room under test
using pipeline::ChatFailure;
using pipeline::ChatReply;
using pipeline::ChatRequest;
using pipeline::Role;

namespace {

const std::string kPrompt = "Prove it.";

ChatRequest request(const std::string& key, Role role = Role::Generator) {
  ChatRequest made;
  made.role = role;
  made.call_key = key;
  made.seed = 7;
  made.prompt = std::make_shared<const std::vector<prompts::Segment>>(
      std::vector<prompts::Segment>{{prompts::Trust::Template, kPrompt}});
  return made;
}

// The keys of 20 calls in the order in which they are answered.
std::vector<std::string> order(uint64_t order_seed) {
  ScriptedModel::Options options;
  options.yields_max = 50;
  options.order_seed = order_seed;
  ScriptedModel model(options);
  net::io_context context;
  std::vector<std::string> answered;
  for (int i = 0; i < 20; ++i) {
    const std::string key = std::to_string(i);
    net::co_spawn(
        context, model.complete(request(key)),
        [&answered, key](std::exception_ptr, ScriptedModel::Outcome) { answered.push_back(key); });
  }
  context.run();
  CHECK(model.in_flight_max() > 10);  // those that never yield end before others begin
  return answered;
}

}  // namespace

TEST_SUITE("endpoint/scripted_model") {
  TEST_CASE("it answers as the scripted answers do") {
    ScriptedModel model;
    const auto outcome = run(model.complete(request("a")));
    const auto& reply = std::get<ChatReply>(outcome);
    const ScriptedAnswer expected = scripted_answer(kPrompt, 7, {});
    CHECK(reply.text == expected.content);
    CHECK(reply.reasoning == expected.reasoning);
    CHECK(reply.usage.prompt == 3);  // nine bytes
    CHECK(reply.attempts.size() == 1);
  }

  TEST_CASE("calls are counted by role") {
    ScriptedModel model;
    run(model.complete(request("a", Role::Verifier)));
    run(model.complete(request("b", Role::Verifier)));
    run(model.complete(request("c", Role::MetaVerifier)));
    CHECK(model.calls() == 3);
    CHECK(model.calls(Role::Verifier) == 2);
    CHECK(model.calls(Role::Generator) == 0);
  }

  TEST_CASE("a hook replaces answers or throws") {
    ScriptedModel::Options options;
    options.hook = [](const ChatRequest&, int64_t nth) -> std::optional<ScriptedModel::Outcome> {
      if (nth == 1) return scripted_failure(ChatFailure::Kind::Exhausted, "no luck");
      if (nth == 2) throw std::runtime_error("broken");
      return std::nullopt;
    };
    ScriptedModel model(options);
    CHECK(std::get<ChatFailure>(run(model.complete(request("a")))).message == "no luck");
    CHECK_THROWS_WITH(run(model.complete(request("a"))), "broken");
    CHECK(std::holds_alternative<ChatReply>(run(model.complete(request("a")))));
  }

  TEST_CASE("a limit of tokens ends an answer as a server would") {
    ScriptedModel model;
    ChatRequest limited = request("a");
    limited.sampling.max_tokens = 25;
    const auto outcome = run(model.complete(std::move(limited)));
    CHECK(std::get<ChatReply>(outcome).finish == pipeline::Finish::Length);
  }

  TEST_CASE("the order of completion depends on its seed alone") {
    CHECK(order(1) == order(1));
    CHECK(order(1) != order(2));
  }

  TEST_CASE("the identity names the rates") {
    ScriptedModel::Options other;
    other.rates.miss = 0.5;
    CHECK(ScriptedModel().identity(Role::Verifier) !=
          ScriptedModel(other).identity(Role::Verifier));
    CHECK(ScriptedModel().identity(Role::Verifier) == ScriptedModel().identity(Role::Generator));
  }
}
