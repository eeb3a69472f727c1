#pragma once

#include <cstdint>

namespace training {

// How a rate changes over a run, counted in steps or in tokens: it rises in a line, stays, and
// falls to a fraction. What lies after the end stays at that fraction.
struct Schedule {
  int64_t warm_up = 0;      // length of the rise
  int64_t decay_after = 0;  // where the fall begins: at least warm_up
  int64_t end = 0;          // and where it ends: at least decay_after
  double last = 0.02;       // what is left then, of 1
  enum class Fall { Linear, Cosine } fall = Fall::Cosine;
};

// What to multiply a rate by when `done` steps or tokens are done, those of this step included.
// Throws std::invalid_argument if the schedule's places are out of order.
double rate_factor(const Schedule& schedule, int64_t done);

}  // namespace training
