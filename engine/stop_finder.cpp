#include "engine/stop_finder.h"

#include <algorithm>
#include <utility>

namespace engine {

StopFinder::StopFinder(std::vector<std::string> stops) : stops_(std::move(stops)) {
  for (const std::string& stop : stops_) longest_ = std::max(longest_, stop.size());
}

std::optional<std::size_t> StopFinder::add(std::string_view bytes) {
  if (stops_.empty()) return std::nullopt;

  tail_ += bytes;
  std::optional<std::size_t> first;
  std::size_t first_end = std::string::npos;
  for (std::size_t i = 0; i < stops_.size(); ++i) {
    const std::size_t begin = tail_.find(stops_[i]);
    if (begin == std::string::npos) continue;
    const std::size_t end = begin + stops_[i].size();
    if (end >= first_end) continue;
    first = i;
    first_end = end;
  }
  if (tail_.size() > longest_ - 1) tail_.erase(0, tail_.size() - (longest_ - 1));
  return first;
}

}  // namespace engine
