#include "apps/role_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "apps/default_model.h"
#include "apps/exit.h"

namespace apps {
namespace {

using pipeline::kRoles;
using pipeline::Role;

struct Asked {
  std::string_view name;  // of a template
  Role role;
};
constexpr Asked kAsked[] = {{"generate", Role::Generator},
                            {"refine", Role::Generator},
                            {"verify", Role::Verifier},
                            {"meta_verify", Role::MetaVerifier}};

bool is_directory(const std::string& name) {
  std::error_code ignored;
  return !name.empty() && std::filesystem::is_directory(name, ignored);
}

void refuse_two(const Settings& settings, const std::string& role) {
  for (const char* other : {"base-url", "model"})
    if (settings.is_set(role + '.' + other))
      throw Exit(
          ExitCode::Usage,
          fmt::format("the {} has both a directory ({}) and a {} ({}): leave one of them out", role,
                      settings.at(role + ".directory").origin, other,
                      settings.at(role + '.' + other).origin));
}

// A server that one role alone has would be asked for what is a directory of this machine.
void refuse_directory_as_name(const Settings& settings, const std::string& role) {
  if (settings.is_set(role + ".model") || settings.is_set("base-url") ||
      !is_directory(settings.word("model")))
    return;
  throw Exit(
      ExitCode::Usage,
      fmt::format("{}: the {}'s server needs a model beside it, as in --role "
                  "{}=base-url=URL,model=NAME: --model {} is a directory of this machine",
                  settings.at(role + ".base-url").origin, role, role, settings.word("model")));
}

std::optional<LocalChoice> choose_role(const Settings& settings, const std::string& role) {
  if (settings.is_set(role + ".directory")) {
    refuse_two(settings, role);
    return local_choice(settings, settings.word(role + ".directory"));
  }
  if (settings.is_set(role + ".base-url")) {
    refuse_directory_as_name(settings, role);
    return {};
  }
  if (settings.is_set("base-url")) return {};
  const std::string name =
      settings.word(settings.is_set(role + ".model") ? role + ".model" : "model");
  if (is_directory(name)) return local_choice(settings, name);
  return {};
}

// Nothing names a model or a server, for no role.
bool names_nothing(const Settings& settings) {
  if (settings.is_set("model") || names_server(settings)) return false;
  for (int i = 0; i < kRoles; ++i) {
    const std::string role(to_text(static_cast<Role>(i)));
    if (settings.is_set(role + ".model") || settings.is_set(role + ".directory")) return false;
  }
  return true;
}

}  // namespace

RoleChoices choose_roles(const Settings& settings) {
  RoleChoices choices;
  if (names_nothing(settings)) {
    if (const auto shipped = default_model()) choices.fill(local_choice(settings, *shipped));
    return choices;
  }
  for (int i = 0; i < kRoles; ++i)
    choices[std::size_t(i)] = choose_role(settings, std::string(to_text(static_cast<Role>(i))));
  return choices;
}

std::vector<LocalChoice> distinct(const RoleChoices& choices) {
  std::vector<LocalChoice> found;
  for (const auto& choice : choices) {
    const auto same = [&](const LocalChoice& known) {
      return std::filesystem::equivalent(known.directory, choice->directory);
    };
    if (choice && std::ranges::none_of(found, same)) found.push_back(*choice);
  }
  return found;
}

pipeline::RoleSet server_roles(const RoleChoices& choices) {
  pipeline::RoleSet roles{};
  for (std::size_t i = 0; i < roles.size(); ++i) roles[i] = !choices[i];
  return roles;
}

LocalModels::LocalModels(RoleChoices choices) : choices_(std::move(choices)) {
  for (LocalChoice& choice : distinct(choices_)) {
    auto model = load_local(choice);
    models_.push_back({std::move(choice), std::move(model)});
  }
}

const LocalModels::Loaded* LocalModels::loaded(Role role) const {
  const auto& choice = choices_[std::size_t(role)];
  if (!choice) return nullptr;
  const auto found = std::ranges::find_if(models_, [&](const Loaded& loaded) {
    return std::filesystem::equivalent(loaded.choice.directory, choice->directory);
  });
  return &*found;
}

engine::LocalModel* LocalModels::of(Role role) const {
  const Loaded* found = loaded(role);
  return found ? found->model.get() : nullptr;
}

pipeline::RoleChat::Models LocalModels::chats(const boost::asio::any_io_executor& executor) const {
  pipeline::RoleChat::Models chats;
  for (const Loaded& one : models_) {
    const std::shared_ptr<pipeline::ChatModel> chat = engine_chat(one.choice, *one.model, executor);
    for (std::size_t i = 0; i < chats.size(); ++i)
      if (loaded(static_cast<Role>(i)) == &one) chats[i] = chat;
  }
  return chats;
}

prompts::TemplateSet load_templates(const Config& config, const LocalModels* models) {
  const auto local = [&](Role role) { return models ? models->of(role) : nullptr; };
  try {
    auto templates = config.prompts ? prompts::TemplateSet::from_directory(*config.prompts)
                                    : prompts::TemplateSet::shipped();
    for (const auto& [name, role] : kAsked) {
      const engine::LocalModel* model = local(role);
      if (!config.prompts && model && model->config().prompt_family != "default")
        templates.replace(
            prompts::TemplateSet::from_directory(model->directory() / model->config().prompt_family)
                .at(name));
      if (!model && templates.at(name).unfenced)
        throw std::runtime_error(
            (*config.prompts / std::string(name)).string() +
            ".md has a place without a fence, {=name}: such prompts are for a model "
            "in this process; write {name} for a server");
    }
    return templates;
  } catch (const std::exception& error) {
    throw Exit(ExitCode::Usage, error.what());
  }
}

}  // namespace apps
