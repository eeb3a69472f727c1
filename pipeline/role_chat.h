#pragma once

#include <array>
#include <memory>
#include <string>

#include "pipeline/chat.h"

namespace pipeline {

// One door for roles that different models answer: some in this process, others behind servers.
class RoleChat final : public ChatModel {
 public:
  // By role; one model may have several. nullptr: nobody may be asked for that role.
  using Models = std::array<std::shared_ptr<ChatModel>, kRoles>;
  explicit RoleChat(Models models);

  // Throw std::logic_error for a role that has no model.
  net::awaitable<std::variant<ChatReply, ChatFailure>> complete(ChatRequest request) override;
  std::string identity(Role role) const override;

 private:
  ChatModel& model(Role role) const;

  Models models_;
};

}  // namespace pipeline
