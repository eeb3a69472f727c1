#pragma once

#include <cstring>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "engine/stepper.h"

namespace engine_kit {

inline uint64_t mixed(uint64_t a, uint64_t b) {
  a = (a ^ (b + 0x9E3779B97F4A7C15u)) * 0xD6E8FEB86659FD93u;
  return a ^ a >> 32;
}

inline constexpr int32_t kVocabulary = 300;

// What the stand-in computes, as a function of the tokens alone: two layers, in each of which a
// token's row depends on all rows before it in the layer below.
class Digest {
 public:
  void add(int32_t token) {
    first_ = mixed(first_, mixed(uint64_t(token), uint64_t(position_++)));
    second_ = mixed(second_, first_);
  }
  uint64_t value() const { return second_; }

 private:
  uint64_t first_ = 1, second_ = 2;
  int32_t position_ = 0;
};

// Letters are likelier than other bytes, so that stops and ends come after some tokens.
inline void write_logits(uint64_t digest, float* logits, int64_t vocabulary) {
  for (int64_t v = 0; v < vocabulary; ++v) {
    const float noise = float(mixed(digest, uint64_t(v)) >> 40) * 0x1p-24f * 6;
    logits[v] = noise + (v >= 'a' && v <= 'h' ? 2.0f : 0.0f);
  }
}

// A forward pass whose result depends on every row that the token may see, read from the pages: a
// wrong page, a stale row, a copy left out or another sample's row changes the logits.
class FakeStepper : public engine::Stepper {
 public:
  explicit FakeStepper(int64_t rows_max, int64_t context_max)
      : limits_{.page_bytes = kPageBytes,
                .rows_max = rows_max,
                .context_max = context_max,
                .vocabulary = kVocabulary} {}

  static constexpr int64_t kPageBytes = kPageTokens * 24;

  Limits limits() const override { return limits_; }
  Memory& memory() override { return memory_; }

  void forward(std::span<const model::Row> rows, View<float, 2> logits) override {
    require(!rows.empty() && int64_t(rows.size()) <= limits_.rows_max, "number of rows");
    largest_step_ = std::max(largest_step_, rows.size());
    std::set<const void*> written;
    for (const auto& row : rows) {
      require(row.token >= 0 && row.token < limits_.vocabulary, "token");
      require(row.position >= 0 && row.position < limits_.context_max, "position");
      require(written.insert(place(row, row.position)).second, "two rows in one place");
      if (breaking_tokens_.contains(row.token)) throw model::Broken("NaN in layer 0");
      if (row.token == losing_token_) throw std::runtime_error("the device is gone");
      store(row, {.token = row.token, .position = row.position});
    }
    // Layer by layer, as networks do it: all rows, then all rows again.
    for (const auto& row : rows) {
      Stored own = load(row, row.position);
      own.first = 1;
      for (int32_t p = 0; p <= row.position; ++p) {
        const Stored seen = load(row, p);
        own.first = mixed(own.first, mixed(uint64_t(seen.token), uint64_t(seen.position)));
      }
      store(row, own);
    }
    int64_t next = 0;
    for (const auto& row : rows) {
      if (row.logits == model::Row::Logits::No) continue;
      uint64_t second = 2;
      for (int32_t p = 0; p <= row.position; ++p) second = mixed(second, load(row, p).first);
      write_logits(second, &logits(next, 0), limits_.vocabulary);
      if (row.token == nan_token_) logits(next, 7) = std::numeric_limits<float>::quiet_NaN();
      ++next;
    }
    require(next == logits.extent[0], "rows of logits");
  }

  void break_at(int32_t token) { breaking_tokens_.insert(token); }
  void lose_at(int32_t token) { losing_token_ = token; }
  void make_nan_at(int32_t token) { nan_token_ = token; }
  std::size_t largest_step() const { return largest_step_; }

 private:
  struct Stored {
    int32_t token = 0;
    int32_t position = 0;
    uint64_t first = 0;
    uint64_t unused = 0;
  };
  static_assert(kPageTokens * sizeof(Stored) == kPageBytes);

  static void require(bool condition, const char* what) {
    if (!condition) throw std::logic_error(std::string("wrong step: ") + what);
  }
  static unsigned char* place(const model::Row& row, int32_t position) {
    return row.pages[position / kPageTokens] + std::size_t(position % kPageTokens) * sizeof(Stored);
  }
  static Stored load(const model::Row& row, int32_t position) {
    Stored stored;
    std::memcpy(&stored, place(row, position), sizeof(stored));
    return stored;
  }
  static void store(const model::Row& row, const Stored& stored) {
    std::memcpy(place(row, row.position), &stored, sizeof(stored));
  }

  Limits limits_;
  std::set<int32_t> breaking_tokens_;
  int32_t nan_token_ = -1, losing_token_ = -1;
  HostMemory memory_;
  std::size_t largest_step_ = 0;
};

}  // namespace engine_kit
