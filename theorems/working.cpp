#include "theorems/working.h"

#include <algorithm>

#include "theorems/arithmetic_steps.h"

namespace theorems {

void Working::add(const std::string& step) {
  if (step.empty()) return;
  if (!text_.empty()) text_ += fresh_ ? "; " : " ";
  text_ += step;
  fresh_ = false;
}

std::string signed_sum(Integer a, Integer b) {
  return to_text(a) + (b < 0 ? "-" + to_text(-b) : "+" + to_text(b)) + "=" + to_text(add(a, b));
}

std::string signed_product(Integer a, Integer b) {
  if (a < 0 || b < 0) return to_text(a) + "*" + to_text(b) + "=" + to_text(multiply(a, b));
  if (a < 10 || b < 10) return product_steps(a, b);
  return product_steps(std::max(a, b), std::min(a, b));
}

std::string signed_division(Integer a, Integer m) { return division_steps(a < 0 ? -a : a, m); }

}  // namespace theorems
