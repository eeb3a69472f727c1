#include "training/schedule.h"

#include <cmath>
#include <numbers>
#include <stdexcept>

namespace training {

double rate_factor(const Schedule& s, int64_t done) {
  if (s.warm_up < 0 || s.decay_after < s.warm_up || s.end < s.decay_after)
    throw std::invalid_argument(
        "a schedule needs 0 <= warm_up <= decay_after <= end: put its places in order");
  if (done < s.warm_up) return done <= 0 ? 0 : double(done) / double(s.warm_up);
  if (done <= s.decay_after) return 1;
  if (done >= s.end) return s.last;
  const double fallen = double(done - s.decay_after) / double(s.end - s.decay_after);
  const double left = s.fall == Schedule::Fall::Linear
                          ? 1 - fallen
                          : 0.5 * (1 + std::cos(std::numbers::pi * fallen));
  return s.last + (1 - s.last) * left;
}

}  // namespace training
