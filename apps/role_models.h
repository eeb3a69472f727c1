#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "apps/config.h"
#include "apps/local.h"
#include "pipeline/role_chat.h"
#include "prompts/template.h"

namespace apps {

// Who answers for which role: a model of this process, or a server.

// By role; not set: a server is asked.
using RoleChoices = std::array<std::optional<LocalChoice>, pipeline::kRoles>;

// A role's `directory` is a model of this machine, whatever else is named. Else a role's own
// base-url, or the common one, is asked. Else the role's own model, or the common one, is a
// directory; and if nothing at all is named, the model that came with the program, if one did.
// Throws Exit(Usage) if a role is told to be answered by two, or a setting of the engine cannot be
// used.
RoleChoices choose_roles(const Settings& settings);

// The directories of the choices, each once.
std::vector<LocalChoice> distinct(const RoleChoices& choices);

// Which roles a server answers.
pipeline::RoleSet server_roles(const RoleChoices& choices);

// The chosen models, loaded, each directory once. Outlives what is made of it.
class LocalModels {
 public:
  // Throws what load_local() does.
  explicit LocalModels(RoleChoices choices);

  // nullptr: a server answers for the role.
  engine::LocalModel* of(pipeline::Role role) const;
  bool any() const { return !models_.empty(); }
  const RoleChoices& choices() const { return choices_; }

  // The models behind the door of all models; roles of servers have none. Throws what
  // engine_chat() does.
  pipeline::RoleChat::Models chats(const boost::asio::any_io_executor& executor) const;

 private:
  struct Loaded {
    LocalChoice choice;
    std::unique_ptr<engine::LocalModel> model;
  };
  const Loaded* loaded(pipeline::Role role) const;

  RoleChoices choices_;
  std::vector<Loaded> models_;
};

// The templates that the settings name; else for each role those of its model's own prompt family,
// which lie in the model's directory; else the shipped ones. Throws Exit(Usage), also if a server
// would be sent a template without fences. Without `models`: as if servers answered.
prompts::TemplateSet load_templates(const Config& config, const LocalModels* models = nullptr);

}  // namespace apps
