#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace theorems {

// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for the same seed on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next();
  int64_t below(int64_t count);                // 0 ... count - 1. REQUIRES: count > 0
  int64_t between(int64_t low, int64_t high);  // both included
  bool chance(double probability);

  template <class T>
  const T& pick(const std::vector<T>& items) {
    return items[std::size_t(below(int64_t(items.size())))];
  }
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i)
      std::swap(items[i - 1], items[std::size_t(below(int64_t(i)))]);
  }

 private:
  uint64_t state_;
};

// A seed of its own for each (seed, index): neighbours are unrelated.
uint64_t seed_of(uint64_t seed, uint64_t index);

}  // namespace theorems
