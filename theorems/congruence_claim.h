#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "theorems/equation.h"
#include "theorems/family.h"

namespace theorems {

// terms[0] + terms[1] + ... == residue (mod modulus). A term is a, a*b, a^2 or a^3.
struct CongruenceClaim {
  std::vector<Operation> terms;
  Integer residue = 0;
  Integer modulus = 1;
};

inline constexpr std::size_t kCongruenceTermsMax = 40;
inline constexpr Integer kCongruenceNumberMax = 99999;

std::variant<CongruenceClaim, NotOfFamily> read_congruence(std::string_view text);
std::string to_text(const CongruenceClaim& claim);
CongruenceClaim sample_congruence(int level, Random& random);

bool is_power(const Operation& term, int exponent);

// The term under a name that "24*37" and "37*24" share, and "15*15" and "15^2".
std::string name_of(const Operation& term);

}  // namespace theorems
