#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/lane.h"

namespace engine {

struct Wanting {
  Lane lane = Lane::Verify;
  int32_t rows = 0;  // at least 1
};

// How many rows of the next step each sample gets. Who wants one gets it: these make tokens. The
// lanes share the rest in equal parts, in each lane first come first served; what a lane does not
// need goes to the others, a remainder to `first` and those after it.
// REQUIRES: rows_max >= samples.size().
std::vector<int32_t> share_rows(std::span<const Wanting> samples, int32_t rows_max, Lane first);

}  // namespace engine
