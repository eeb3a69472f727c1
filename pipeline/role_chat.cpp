#include "pipeline/role_chat.h"

#include <stdexcept>
#include <utility>

namespace pipeline {

RoleChat::RoleChat(Models models) : models_(std::move(models)) {}

ChatModel& RoleChat::model(Role role) const {
  const std::shared_ptr<ChatModel>& found = models_[std::size_t(role)];
  if (!found) throw std::logic_error("no model answers for the " + std::string(to_text(role)));
  return *found;
}

net::awaitable<std::variant<ChatReply, ChatFailure>> RoleChat::complete(ChatRequest request) {
  ChatModel& asked = model(request.role);
  return asked.complete(std::move(request));
}

std::string RoleChat::identity(Role role) const { return model(role).identity(role); }

}  // namespace pipeline
