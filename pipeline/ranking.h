#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace pipeline {

// Where in a search a proof arises: its round, and the way to it. The way of a first attempt is
// its number; that of a refinement is its parent's way, then its own round and number. All of it is
// known before anything is asked, so it orders proofs whatever the clock does.
struct Place {
  int64_t round = 0;
  std::vector<int64_t> way{};
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 misreads the operator
  auto operator<=>(const Place&) const = default;
};
std::string to_text(const Place& place);  // "r2.0.1.3.2.1"

Place refinement_of(const Place& parent, int64_t round, int64_t number);

// A judged proof as the pool ranks it.
struct Ranked {
  Place place;
  bool complete = false;  // all planned votes were asked; ranked before any that was stopped early
  int64_t halves = 0;     // the mean is halves / (2 * counted); exact, so that ties are ties
  int64_t counted = 0;
  int64_t self_halves = 0;
  uint64_t lot = 0;  // breaks the remaining ties, drawn from the seed and the place
};
bool better(const Ranked& a, const Ranked& b);

// Those of `judged` (indices) that are sure to be among the best `best`, however the `unjudged`
// others turn out: they can be refined at once, with no wait for the slowest of the round. With
// unjudged == 0 these are the best `best` exactly. Best first.
std::vector<std::size_t> sure_members(const std::vector<Ranked>& judged, int64_t unjudged,
                                      int64_t best);

// The order in which a proof's votes are shown to a refinement: worst score first, and by lot
// among equals. `halves[i]` is vote i's score; returns indices.
std::vector<std::size_t> worst_first(const std::vector<int64_t>& halves, uint64_t lot);

// A number drawn from a seed and a name: the same on every machine.
uint64_t draw(int64_t seed, const std::string& name);

}  // namespace pipeline
