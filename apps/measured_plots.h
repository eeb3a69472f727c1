#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/command.h"

namespace apps {

// Draws what `elenchus train eval --json` and `train attention --json` printed: success against
// refinements, beside the figures published for DeepSeekMath-V2; proofs and the verifier's errors
// by family and level. Returns the files written into `out`. Throws Exit(Usage) with file and line
// of what is no measurement, or was measured in another way than what is drawn with it.
std::vector<std::filesystem::path> draw_measured(const std::filesystem::path& file,
                                                 const std::filesystem::path& out);

}  // namespace apps
