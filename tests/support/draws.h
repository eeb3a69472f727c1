#pragma once

#include <cstdint>
#include <string_view>

namespace support {

// Random-looking numbers without a state: each is a hash of what it is for. Equal on every
// machine and in every order of asking.

uint64_t hash_of(std::string_view bytes, uint64_t start = 0);
uint64_t mixed(uint64_t a, uint64_t b);

class Draws {
 public:
  explicit Draws(uint64_t key) : key_(key) {}

  // In [0, 1).
  double unit(std::string_view purpose, uint64_t index = 0) const;

  // In [0, count). REQUIRES: count > 0.
  uint64_t below(uint64_t count, std::string_view purpose, uint64_t index = 0) const;

  // True with the probability `rate`.
  bool chance(double rate, std::string_view purpose, uint64_t index = 0) const {
    return unit(purpose, index) < rate;
  }

 private:
  uint64_t key_;
};

}  // namespace support
