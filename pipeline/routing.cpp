#include "pipeline/routing.h"

#include <cmath>
#include <limits>

namespace pipeline {
namespace {

bool has_room(const RouteCandidate& candidate) {
  return candidate.usable && candidate.in_flight < candidate.limit;
}

std::optional<std::size_t> least_loaded(std::span<const RouteCandidate> candidates) {
  std::optional<std::size_t> best;
  double best_load = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!has_room(candidates[i])) continue;
    const double load = double(candidates[i].in_flight) / double(candidates[i].limit);
    if (load < best_load) {
      best = i;
      best_load = load;
    }
  }
  return best;
}

}  // namespace

uint64_t fixed_hash(std::string_view bytes, uint64_t seed) {
  uint64_t hash = 0xcbf29ce484222325ull ^ seed;  // FNV-1a
  for (const char byte : bytes) hash = (hash ^ uint8_t(byte)) * 0x100000001b3ull;
  // The finaliser of SplitMix64: FNV alone leaves the high bits of short texts alike.
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ull;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebull;
  return hash ^ (hash >> 31);
}

std::optional<std::size_t> choose_endpoint(std::string_view affinity,
                                           std::span<const RouteCandidate> candidates) {
  if (affinity.empty()) return least_loaded(candidates);

  int64_t in_flight = 1;  // with the call that is to be placed
  int64_t limits = 0;
  for (const RouteCandidate& candidate : candidates) {
    if (!candidate.usable) continue;
    in_flight += candidate.in_flight;
    limits += candidate.limit;
  }

  const uint64_t key = fixed_hash(affinity);
  std::optional<std::size_t> best;
  uint64_t best_weight = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!has_room(candidates[i])) continue;
    const double fair = double(in_flight) * double(candidates[i].limit) / double(limits);
    if (double(candidates[i].in_flight + 1) > std::ceil(kLoadBound * fair)) continue;
    const uint64_t weight = fixed_hash(candidates[i].name, key);
    if (!best || weight > best_weight) {
      best = i;
      best_weight = weight;
    }
  }
  return best ? best : least_loaded(candidates);
}

}  // namespace pipeline
