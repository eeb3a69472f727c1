#pragma once

#include <array>
#include <cstdint>

namespace engine {

// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC'11):
// random-looking words that are a function of counter and key, so that no state has to be kept.
std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

}  // namespace engine
