#pragma once

#include <filesystem>
#include <optional>

namespace apps {

// The model that came with the program, which is asked when neither a server nor a model is named:
// share/elenchus/model/default beside the program's folder, or model/default of the tree that it
// was built in. Nothing if there is none, or it has no weights.
std::optional<std::filesystem::path> default_model();

// Seen from this program file.
std::optional<std::filesystem::path> default_model_of(const std::filesystem::path& program);

}  // namespace apps
