#include "pipeline/budget.h"

#include <fmt/format.h>

namespace pipeline {
namespace {

Amount operator+(const Amount& a, const Amount& b) {
  return {a.calls + b.calls, a.tokens + b.tokens, a.cost + b.cost};
}

bool within(const Amount& amount, const BudgetLimits& limits) {
  return (!limits.calls || amount.calls <= *limits.calls) &&
         (!limits.tokens || amount.tokens <= *limits.tokens) &&
         (!limits.cost || amount.cost <= *limits.cost);
}

}  // namespace

Budget::Answer Budget::reserve(const Amount& worst) {
  if (!within(spent_ + worst, limits_)) return Answer::Spent;
  if (!within(spent_ + reserved_ + worst, limits_)) return Answer::Wait;
  reserved_ = reserved_ + worst;
  return Answer::Granted;
}

void Budget::settle(const Amount& worst, const Amount& used) {
  reserved_ = {reserved_.calls - worst.calls, reserved_.tokens - worst.tokens,
               reserved_.cost - worst.cost};
  spent_ = spent_ + used;
}

std::string Budget::reason(const Amount& worst) const {
  if (limits_.calls && spent_.calls + worst.calls > *limits_.calls)
    return fmt::format("{} of {} calls are spent", spent_.calls, *limits_.calls);
  if (limits_.tokens && spent_.tokens + worst.tokens > *limits_.tokens)
    return fmt::format("{} of {} tokens are spent, and the next call may take {}", spent_.tokens,
                       *limits_.tokens, worst.tokens);
  if (limits_.cost && spent_.cost + worst.cost > *limits_.cost)
    return fmt::format("{:.4f} of {:.4f} are spent, and the next call may cost {:.4f}", spent_.cost,
                       *limits_.cost, worst.cost);
  return "nothing is spent";
}

int64_t estimated_tokens(std::size_t bytes) { return static_cast<int64_t>((bytes + 3) / 4); }

}  // namespace pipeline
