#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "theorems/equation.h"
#include "theorems/family.h"

namespace theorems {

struct WitnessClaim {
  enum class Kind {
    Linear,   // a*x == c (mod m)
    Square,   // x^2 == c (mod m)
    Factors,  // x*y = c with both above 1
    Bezout,   // a*x - b*y = c
  } kind = Kind::Linear;
  Integer a = 0, b = 0, c = 0;
  Integer modulus = 0;  // 0: an equation, not a congruence

  // The letters whose values are to be found.
  std::string variables() const {
    return kind == Kind::Factors ? "ab" : kind == Kind::Bezout ? "xy" : "x";
  }
  bool holds(Integer x, Integer y) const;
  // What a proof calculates from the values: one product, or two of which the second is taken off.
  std::vector<Operation> products(Integer x, Integer y) const;
};

inline constexpr Integer kWitnessNumberMax = 99999;

std::variant<WitnessClaim, NotOfFamily> read_witness(std::string_view text);
std::string to_text(const WitnessClaim& claim);
WitnessClaim sample_witness(int level, Random& random);

// All solutions with values below the modulus, or below kWitnessSearchMax; at most `most` of them.
struct WitnessValues {
  Integer x = 0, y = 0;
};
inline constexpr Integer kWitnessSearchMax = 100000;
std::vector<WitnessValues> solve_witness(const WitnessClaim& claim, std::size_t most);

}  // namespace theorems
