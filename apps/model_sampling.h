#pragma once

#include <filesystem>
#include <string>

#include "apps/settings.h"

namespace apps {

// Sets `prefix` + "temperature" and "top-p" to what the model in the directory is advised to be
// sampled with, where nobody has set them, for this role or in common. `prefix`: "verifier." for a
// role, "" for all. Throws Exit(Usage) if the advice cannot be read.
void take_advice(const std::filesystem::path& directory, const std::string& prefix,
                 Settings& settings);

// The same for each role that a model of this machine answers. Throws what choose_roles() does.
void take_models_advice(Settings& settings);

}  // namespace apps
