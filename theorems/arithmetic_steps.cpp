#include "theorems/arithmetic_steps.h"

#include <utility>

namespace theorems {
namespace {

// At most one digit that is not 0.
bool is_simple(Integer a) {
  while (a >= 10 && a % 10 == 0) a /= 10;
  return a < 10;
}

// `a` times each digit of `b` with its place, the highest first, and the sums so far.
std::string partial_products(Integer a, Integer b) {
  std::string steps;
  Integer place = 1;
  while (place <= b / 10) place *= 10;
  Integer sum = 0;
  bool first = true;
  for (; place > 0; place /= 10) {
    const Integer part = b / place % 10 * place;
    if (part == 0) continue;
    const Integer product = multiply(a, part);
    if (!steps.empty()) steps += ' ';
    steps += to_text(a) + "*" + to_text(part) + "=" + to_text(product);
    if (!first) steps += " " + sum_step(sum, product);
    sum = add(sum, product);
    first = false;
  }
  return steps;
}

}  // namespace

std::string sum_step(Integer a, Integer b) {
  return to_text(a) + "+" + to_text(b) + "=" + to_text(add(a, b));
}

std::string difference_step(Integer a, Integer b) {
  return to_text(a) + "-" + to_text(b) + "=" + to_text(subtract(a, b));
}

std::string product_steps(Integer a, Integer b) {
  if (is_simple(a) || is_simple(b))
    return to_text(a) + "*" + to_text(b) + "=" + to_text(multiply(a, b));
  return partial_products(a, b);
}

std::string division_steps(Integer a, Integer m) {
  if (a < m) return to_text(a) + "<" + to_text(m);
  Integer place = 1;
  while (a / m / place >= 10) place *= 10;
  std::string steps;
  for (; place > 0; place /= 10) {
    const Integer digit = a / (m * place);
    if (digit == 0) continue;
    const Integer product = multiply(m, digit * place);
    if (!steps.empty()) steps += ' ';
    steps += to_text(m) + "*" + to_text(digit * place) + "=" + to_text(product) + " " +
             difference_step(a, product);
    a -= product;
  }
  return steps;
}

}  // namespace theorems
