#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

// Looks for texts in a text that comes in pieces, without keeping more of it than the longest of
// them may need.
class StopFinder {
 public:
  // None of `stops` is empty.
  explicit StopFinder(std::vector<std::string> stops);

  // The next piece. Which stop the text has come upon in it: the one that ends first, of several
  // the first in the list. Nothing is looked for after that.
  std::optional<std::size_t> add(std::string_view bytes);

 private:
  std::vector<std::string> stops_;
  std::size_t longest_ = 0;
  std::string tail_;  // the last longest_ - 1 bytes
};

}  // namespace engine
