#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pipeline {

// Which endpoint a call goes to. Calls of equal affinity share a long prefix, which a server that
// has read it once need not read again: so each affinity has its own order of endpoints
// (rendezvous hashing: when one leaves, only its calls move). The preferred one is passed over
// while it is full or carries more than kLoadBound of its fair share (bounded loads: Mirrokni,
// Thorup, Zadimoghaddam, 2016).

struct RouteCandidate {
  std::string_view name;
  int64_t in_flight = 0;
  int64_t limit = 0;    // how many it takes now
  bool usable = false;  // healthy and not held back; one that is not still counts as nothing
};

inline constexpr double kLoadBound = 1.25;

// The index of the chosen candidate; nothing if every usable one is full. Without an affinity:
// the one with the smallest part of its limit taken, the first of equals.
std::optional<std::size_t> choose_endpoint(std::string_view affinity,
                                           std::span<const RouteCandidate> candidates);

// A fixed 64-bit hash (FNV-1a, then mixed): equal on every machine and in every run.
uint64_t fixed_hash(std::string_view bytes, uint64_t seed = 0);

}  // namespace pipeline
