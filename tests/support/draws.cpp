#include "tests/support/draws.h"

#include <cstring>

namespace support {

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
static uint64_t scrambled(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

uint64_t mixed(uint64_t a, uint64_t b) { return scrambled(scrambled(a) ^ b); }

// Eight bytes at a time, so that long prompts cost little. Little-endian machines only, like the
// rest of the project.
uint64_t hash_of(std::string_view bytes, uint64_t start) {
  uint64_t hash = mixed(start, bytes.size());
  while (bytes.size() >= sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    hash = mixed(hash, word);
    bytes.remove_prefix(sizeof word);
  }
  uint64_t rest = 0;
  if (!bytes.empty()) std::memcpy(&rest, bytes.data(), bytes.size());
  return mixed(hash, rest);
}

double Draws::unit(std::string_view purpose, uint64_t index) const {
  const uint64_t number = mixed(hash_of(purpose, key_), index);
  return double(number >> 11) * 0x1p-53;
}

uint64_t Draws::below(uint64_t count, std::string_view purpose, uint64_t index) const {
  return mixed(hash_of(purpose, key_), index) % count;
}

}  // namespace support
