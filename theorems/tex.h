#pragma once

#include <string>
#include <string_view>

namespace theorems {

// A statement in TeX brought into the ASCII forms of the domain: \cdot, \equiv, \pmod{17}, \mid,
// \sum_{i=1}^{n}, \land, \to, braces around exponents, dollars. Text without TeX passes unchanged
// but for runs of blanks, which become one.
std::string ascii_of(std::string_view text);

}  // namespace theorems
