#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace model {

// Byte-pair encoding of one word: of all neighbours that may be merged, those of the lowest rank
// are, the leftmost of equals first, until none is left. Time n log n in the word's bytes.
class Merger {
 public:
  struct Merge {
    int32_t left = 0;
    int32_t right = 0;
    int32_t result = 0;
  };

  // `bytes` are the tokens of single bytes. `merges` by rank; of equal pairs the last one counts.
  Merger(const std::array<int32_t, 256>& bytes, const std::vector<Merge>& merges, int64_t tokens);

  // What one word's work needs, kept for the next.
  struct Work {
    struct Symbol {
      int32_t token = 0;
      int32_t previous = 0;  // places; -1: none
      int32_t next = 0;
    };
    std::vector<Symbol> symbols;
    std::vector<uint64_t> queue;  // a heap of rank << 32 | place, the smallest first
  };

  // Appends the word's tokens. REQUIRES: fewer than 2^31 bytes.
  void encode(std::string_view word, Work& work, std::vector<int32_t>& tokens) const;

 private:
  struct Rule {
    int32_t right = 0;
    uint32_t rank = 0;
    int32_t result = 0;
  };
  const Rule* find(int32_t left, int32_t right) const;
  void enqueue(Work& work, int32_t place) const;

  std::array<int32_t, 256> bytes_;
  std::vector<uint32_t> first_;  // [tokens + 1]: where the rules of a left token begin
  std::vector<Rule> rules_;      // by left, then by right
};

}  // namespace model
