#include "apps/model_sampling.h"

#include <fmt/format.h>

#include "apps/exit.h"
#include "apps/role_models.h"
#include "model/config.h"
#include "model/suggested_sampling.h"

namespace apps {
namespace {

// By a person, in any layer.
bool is_chosen(const Settings& settings, const std::string& name) {
  return settings.at(name).origin != "built in";
}

}  // namespace

void take_advice(const std::filesystem::path& directory, const std::string& prefix,
                 Settings& settings) {
  model::SuggestedSampling advice;
  try {
    advice = model::suggested_sampling(directory);
  } catch (const model::Refused& error) {
    throw Exit(ExitCode::Usage, fmt::format("{}: {}", directory.string(), error.what()));
  }
  const auto take = [&](const char* name, const std::optional<double>& value) {
    if (value && !is_chosen(settings, name) && !is_chosen(settings, prefix + name))
      settings.set(prefix + name,
                   {{fmt::format("{}", *value)}, (directory / "generation_config.json").string()});
  };
  take("temperature", advice.temperature);
  take("top-p", advice.top_p);
}

void take_models_advice(Settings& settings) {
  const RoleChoices choices = choose_roles(settings);
  for (std::size_t i = 0; i < choices.size(); ++i)
    if (choices[i])
      take_advice(choices[i]->directory, std::string(to_text(static_cast<pipeline::Role>(i))) + '.',
                  settings);
}

}  // namespace apps
