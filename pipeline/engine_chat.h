#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "engine/local_model.h"
#include "pipeline/chat.h"

namespace pipeline {

// What the judges, verifier and meta-verifier, may say in their answers. Verdict: an answer that
// ends by itself ends with a verdict line (prompts::verdict_line()); none is made to end, so one
// that is cut off still has no score. Thinking is free,
// and an answer that ends there ends without one.
enum class JudgeGrammar { Off, Verdict };

// The model in this process behind the door of all models. Templates may hold control tokens, what
// strangers wrote never becomes one (invariant I4).
//
// Used on the executor's one thread; the engine has its own.
class EngineChat final : public ChatModel {
 public:
  // `model` outlives it. Throws std::invalid_argument if the model's tokens cannot write what the
  // grammar wants.
  EngineChat(net::any_io_executor executor, engine::LocalModel& model, model::Thinking thinking,
             JudgeGrammar grammar = JudgeGrammar::Off);
  ~EngineChat() override;

  net::awaitable<std::variant<ChatReply, ChatFailure>> complete(ChatRequest request) override;
  std::string identity(Role role) const override;

 private:
  class State;
  std::shared_ptr<State> state_;
};

// The tokens that a prompt becomes.
engine::Tokens prompt_tokens(const engine::LocalModel& model,
                             const std::vector<prompts::Segment>& prompt, model::Thinking thinking);

}  // namespace pipeline
