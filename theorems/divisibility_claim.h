#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "theorems/family.h"
#include "theorems/statement_parts.h"

namespace theorems {

// "Prove: 6 | n^3 + 5*n for all n": modulus 6 divides the sum of the terms.
struct DivisibilityClaim {
  Integer modulus = 2;
  Terms terms = {};
};

inline constexpr Integer kCasesMax = 100;  // lines of a proof; the goal cites as many

std::variant<DivisibilityClaim, NotOfFamily> read_divisibility(std::string_view ascii);
// REQUIRES: a statement in our spelling; throws std::invalid_argument otherwise.
DivisibilityClaim divisibility_claim(std::string_view statement);
std::string to_text(const DivisibilityClaim& claim);

DivisibilityClaim sample_divisibility(int level, Random& random);

// A line "case n=2: 8+10 = 18 = 3*6 [case]", taken apart. Of one term, its value is the sum.
struct CaseLine {
  Integer residue = 0;
  std::optional<std::vector<Integer>> values = {};
  // Between the values and the sum, added up further and further: "2+5+7 = 7+7 = 14 = ...".
  std::vector<std::vector<Integer>> partial_sums = {};
  std::optional<Integer> sum = {};
  struct Certificate {
    Integer quotient = 0;
    Integer modulus = 1;
  };
  std::optional<Certificate> certificate = {};
};

// Nothing if the body is none; throws TooLarge. `terms` is how many the claim has.
std::optional<CaseLine> read_case(std::string_view body, std::size_t terms);
std::string to_text(const CaseLine& line);               // the body
std::string joined(const std::vector<Integer>& values);  // "8+10"

// What stands between these values and their sum if one addition is made at a time.
std::vector<std::vector<Integer>> partial_sums(const std::vector<Integer>& values);

// The line as it should be; its certificate is left out if the modulus does not divide the sum.
CaseLine right_case(const DivisibilityClaim& claim, Integer residue);

}  // namespace theorems
