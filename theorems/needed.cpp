#include "theorems/needed.h"

namespace theorems {

void mark_needed(std::vector<LineReport>& reports, const std::vector<std::vector<int>>& uses,
                 int root) {
  if (root == 0) return;
  reports[std::size_t(root - 1)].needed = true;
  for (int line = root; line >= 1; --line) {  // references point backwards
    if (!reports[std::size_t(line - 1)].needed) continue;
    for (const int ref : uses[std::size_t(line - 1)]) reports[std::size_t(ref - 1)].needed = true;
  }
}

}  // namespace theorems
