#include "engine/philox.h"

namespace engine {

namespace {
// Multipliers and key increments of the paper; the increments are the golden ratio and sqrt(3) - 1.
constexpr uint64_t kMultiply0 = 0xD2511F53;
constexpr uint64_t kMultiply1 = 0xCD9E8D57;
constexpr uint32_t kIncrease0 = 0x9E3779B9;
constexpr uint32_t kIncrease1 = 0xBB67AE85;
constexpr int kRounds = 10;
}  // namespace

std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> counter,
                                      std::array<uint32_t, 2> key) {
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t product0 = kMultiply0 * counter[0];
    const uint64_t product1 = kMultiply1 * counter[2];
    counter = {uint32_t(product1 >> 32) ^ counter[1] ^ key[0], uint32_t(product1),
               uint32_t(product0 >> 32) ^ counter[3] ^ key[1], uint32_t(product0)};
    key[0] += kIncrease0;
    key[1] += kIncrease1;
  }
  return counter;
}

}  // namespace engine
