#include "pipeline/role_chat.h"

#include <doctest/doctest.h>

#include "tests/support/run.h"

using namespace pipeline;

namespace {

// Answers with its name, whatever it is asked.
class Named final : public ChatModel {
 public:
  explicit Named(std::string name) : name_(std::move(name)) {}
  net::awaitable<std::variant<ChatReply, ChatFailure>> complete(ChatRequest) override {
    ChatReply reply;
    reply.text = name_;
    co_return reply;
  }
  std::string identity(Role role) const override {
    return name_ + " as " + std::string(to_text(role));
  }

 private:
  std::string name_;
};

}  // namespace

TEST_SUITE("pipeline/role_chat") {
  TEST_CASE("each role is answered, and named, by its own model") {
    const auto here = std::make_shared<Named>("here"), there = std::make_shared<Named>("there");
    RoleChat chat({there, here, here});
    net::io_context context;
    const auto asked = [&](Role role) {
      ChatRequest request;
      request.role = role;
      return std::get<ChatReply>(support::run(context, chat.complete(std::move(request)))).text;
    };

    CHECK(asked(Role::Generator) == "there");
    CHECK(asked(Role::Verifier) == "here");
    CHECK(asked(Role::MetaVerifier) == "here");
    CHECK(chat.identity(Role::Generator) == "there as generator");
    CHECK(chat.identity(Role::MetaVerifier) == "here as meta_verifier");
  }

  TEST_CASE("a role without a model is not asked") {
    RoleChat chat({nullptr, std::make_shared<Named>("here"), nullptr});
    CHECK_THROWS_AS(chat.identity(Role::Generator), std::logic_error);
    ChatRequest request;
    request.role = Role::MetaVerifier;
    CHECK_THROWS_AS(static_cast<void>(chat.complete(std::move(request))), std::logic_error);
  }
}
