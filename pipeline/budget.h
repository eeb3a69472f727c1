#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace pipeline {

// What a run may spend. A call is reserved at its worst before it is sent, and settled at what it
// took; so the limits hold, but for servers that answer with more tokens than they were asked for.
struct BudgetLimits {
  std::optional<int64_t> calls;
  std::optional<int64_t> tokens;  // prompt and output together
  std::optional<double> cost;     // in the currency of the price table
};

struct Price {
  double prompt_per_million = 0;
  double output_per_million = 0;
  double of(int64_t prompt_tokens, int64_t output_tokens) const {
    return (double(prompt_tokens) * prompt_per_million +
            double(output_tokens) * output_per_million) /
           1e6;
  }
};

struct Amount {
  int64_t calls = 0;
  int64_t tokens = 0;
  double cost = 0;
};

class Budget {
 public:
  // `spent`: what the run has taken already, by its ledger.
  explicit Budget(BudgetLimits limits, Amount spent = {}) : limits_(limits), spent_(spent) {}

  // Wait: it does not fit beside what is reserved now, but may once some of that is settled.
  // Spent: it does not fit even then.
  enum class Answer { Granted, Wait, Spent };
  Answer reserve(const Amount& worst);
  void settle(const Amount& worst, const Amount& used);

  const Amount& spent() const { return spent_; }
  const Amount& reserved() const { return reserved_; }
  const BudgetLimits& limits() const { return limits_; }

  // Which limit ended it, with both figures: "120 of 120 calls".
  std::string reason(const Amount& worst) const;

 private:
  BudgetLimits limits_;
  Amount spent_;
  Amount reserved_;
};

// A guess at the tokens of a text for servers that send no usage: four bytes a token.
int64_t estimated_tokens(std::size_t bytes);

}  // namespace pipeline
