#include "theorems/check_value.h"

#include <utility>

#include "theorems/arithmetic_steps.h"

namespace theorems {
namespace {

// Joins what a reader writes down.
class Working {
 public:
  void append(std::string_view text, std::string_view gap) {
    if (!text_.empty() && !text.empty()) text_ += gap;
    text_ += text;
  }
  std::string take() && { return std::move(text_); }

 private:
  std::string text_;
};

// Whether the certificate says what the line says; writes the comparison down.
bool check_certificate(const Certificate& c, Integer stated, Integer modulus, Working& working) {
  const Integer product = multiply(c.quotient, c.modulus);
  const Integer sum = add(product, c.remainder);
  working.append(product_steps(c.quotient, c.modulus) + " " + sum_step(product, c.remainder), "; ");
  if (sum != stated) working.append("not " + to_text(stated), " ");
  if (c.modulus != modulus) working.append("mod " + to_text(modulus), " ");
  return sum == stated && c.modulus == modulus;
}

bool counts_the_same(Integer exact, Integer stated, Integer modulus) {
  return modulus == 0 ? exact == stated : (exact - stated) % modulus == 0;
}

}  // namespace

LineReport check_value(const CongruenceStep& step, Integer modulus, const std::string& prefix,
                       const std::string& steps) {
  const Integer exact = value(step.left), stated = step.value.value_or(exact);
  Working working;
  working.append(prefix, "");
  working.append(steps, "; ");
  bool exactly = stated == exact;
  if (!exactly) working.append("not " + to_text(stated), " ");
  if (step.certificate)
    exactly = check_certificate(*step.certificate, stated, modulus, working) && exactly;
  const CongruenceStep right = calculated(step.kind, step.left, modulus, step.refs);
  LineReport report;
  if (!exactly) {
    if (modulus > 0) working.append(division_steps(exact, modulus), "; ");
    report.remedy = body_with_rule(right);
  }
  report.working = std::move(working).take();
  if (!counts_the_same(exact, step.remainder(), modulus)) {
    report.status = Status::Wrong;
    report.defect = Defect::Value;
  } else if (!exactly) {
    report.status = Status::Gap;
    report.defect = Defect::Slip;
  } else if (!step.value && right.value) {
    make_gap(report, Defect::NoIntermediate, body_with_rule(right));
  }
  return report;
}

std::string steps_of(const Operation& left) {
  if (left.is_number()) return "";
  const Integer base = left.numbers[0];
  if (left.operators == "*") return product_steps(base, left.numbers[1]);
  if (left.numbers[1] == 2) return product_steps(base, base);
  return product_steps(base, base) + " " + product_steps(multiply(base, base), base);
}

std::string body_with_rule(const CongruenceStep& step) {
  return to_line(step, 1).text.substr(3);  // without "1. "
}

LineReport wrong(Defect defect, std::string working) {
  return {.status = Status::Wrong, .defect = defect, .working = std::move(working)};
}

void make_gap(LineReport& report, Defect defect, std::string remedy) {
  if (report.status != Status::Ok) return;
  report.status = Status::Gap;
  report.defect = defect;
  report.remedy = std::move(remedy);
}

}  // namespace theorems
