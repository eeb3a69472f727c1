#include "theorems/random.h"

namespace theorems {
namespace {

constexpr uint64_t kGolden = 0x9E3779B97F4A7C15u;

uint64_t mixed(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

}  // namespace

uint64_t Random::next() { return mixed(state_ += kGolden); }

int64_t Random::below(int64_t count) {
  // The upper half of a 128-bit product; its bias is below 2^-40 for the counts used here.
  __extension__ using Wide = unsigned __int128;
  return int64_t((Wide(next()) * uint64_t(count)) >> 64);
}

int64_t Random::between(int64_t low, int64_t high) { return low + below(high - low + 1); }

bool Random::chance(double probability) { return double(next() >> 11) * 0x1p-53 < probability; }

uint64_t seed_of(uint64_t seed, uint64_t index) {
  return mixed(mixed(seed + kGolden) ^ mixed(index));
}

}  // namespace theorems
