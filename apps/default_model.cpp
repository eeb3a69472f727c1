#include "apps/default_model.h"

#include <array>
#include <system_error>

namespace apps {

std::optional<std::filesystem::path> default_model_of(const std::filesystem::path& program) {
  const std::filesystem::path folder = program.parent_path();
  const std::array places = {folder / "../share/elenchus/model/default",
                             folder / "../../model/default"};
  for (const std::filesystem::path& way : places) {
    const std::filesystem::path place = way.lexically_normal();
    std::error_code ignored;
    if (std::filesystem::is_regular_file(place / "model.safetensors", ignored)) return place;
  }
  return {};
}

std::optional<std::filesystem::path> default_model() {
  std::error_code failed;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (failed) return {};
  return default_model_of(program);
}

}  // namespace apps
