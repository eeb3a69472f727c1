#pragma once

#include <string>
#include <vector>

#include "theorems/exact.h"
#include "theorems/proof.h"
#include "theorems/random.h"

namespace theorems {

// How proofs go wrong, for `FamilyRules::spoil`.

int draw_error_count(Random& random);  // 1, 2, 3 with 60, 30, 10 %

// Another number, as careless people write it: one digit, 1, 10 or `step` away.
Integer changed_number(Integer value, Integer step, Random& random);

void renew_text(Line& line);
// Later lines are numbered anew and references follow; those to the line itself go.
void remove_line(Proof& proof, std::size_t place);

// The places of the lines for which `is_of_kind(line)`.
template <class Predicate>
std::vector<std::size_t> places_of(const Proof& proof, Predicate is_of_kind) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < proof.lines.size(); ++i)
    if (is_of_kind(proof.lines[i])) places.push_back(i);
  return places;
}

struct WeightedKind {
  std::string_view kind;
  int weight = 1;
};
std::string_view draw_kind(const std::vector<WeightedKind>& kinds, Random& random);

// Changes to a line's brackets that leave it followable: the rule's name goes, or a reference, or
// all of them. False if there is nothing to take away.
bool drop_reference(Line& line, Random& random);
// The line cites itself or one after it.
void cite_later(Line& line, Random& random);

}  // namespace theorems
