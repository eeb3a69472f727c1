#pragma once

#include <vector>

#include "theorems/report.h"

namespace theorems {

// Marks the line `root` and all that it uses, directly or not. uses[i] are the numbers of the lines
// that line i + 1 uses, all smaller than i + 1. `root` 0 marks nothing.
void mark_needed(std::vector<LineReport>& reports, const std::vector<std::vector<int>>& uses,
                 int root);

}  // namespace theorems
