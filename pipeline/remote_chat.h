#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>
#include <variant>

#include "http/client.h"
#include "pipeline/chat.h"
#include "pipeline/remote_config.h"

namespace pipeline {

// A model behind one or several OpenAI-compatible servers. Calls go where their prefix has been
// read already; failures are retried under a budget, elsewhere if there is an elsewhere; servers
// that bring no tokens are left alone and probed with one call at a time.
//
// A call fails as Halt only when nothing can be asked for its role any more: every endpoint has
// refused the key, does not know the model, has no quota left, or has been down for
// `dispatch.outage_ms`. No key or secret field ever stands in a reply or a failure.
//
// Used on one thread. Calls under way keep what they need alive; `client` must outlive them.
class RemoteChat final : public ChatModel {
 public:
  // Throws std::runtime_error, which names the endpoint and the remedy, if the configuration
  // cannot be used.
  RemoteChat(net::any_io_executor executor, http::Client& client, RemoteConfig config);
  ~RemoteChat() override;

  net::awaitable<std::variant<ChatReply, ChatFailure>> complete(ChatRequest request) override;
  std::string identity(Role role) const override;

 private:
  struct State;
  class Call;
  static net::awaitable<std::variant<ChatReply, ChatFailure>> run(std::shared_ptr<State> state,
                                                                  ChatRequest request);

  std::shared_ptr<State> state_;  // shared with the calls under way
};

}  // namespace pipeline
