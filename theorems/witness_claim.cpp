#include "theorems/witness_claim.h"

#include <fmt/format.h>

#include <algorithm>

namespace theorems {
namespace {

using Kind = WitnessClaim::Kind;

// Reads what must stand next, blanks free.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool take(std::string_view word) {
    skip_blanks();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  std::optional<Integer> number() {
    skip_blanks();
    std::size_t size = 0;
    while (size < rest_.size() && rest_[size] >= '0' && rest_[size] <= '9') ++size;
    const auto value = read_integer(rest_.substr(0, size));
    if (!value || *value > kWitnessNumberMax) return std::nullopt;
    rest_.remove_prefix(size);
    return value;
  }
  bool at_end() {
    take(".");
    skip_blanks();
    return rest_.empty();
  }

 private:
  void skip_blanks() {
    while (rest_.starts_with(' ')) rest_.remove_prefix(1);
  }
  std::string_view rest_;
};

// "== c (mod m)"
bool read_congruence_end(Reader& reader, WitnessClaim& claim) {
  if (!reader.take("==")) return false;
  const auto c = reader.number();
  if (!c || !reader.take("(mod")) return false;
  const auto modulus = reader.number();
  if (!modulus || *modulus < 2 || !reader.take(")")) return false;
  claim.c = *c;
  claim.modulus = *modulus;
  return true;
}

std::optional<WitnessClaim> read_single(Reader& reader) {
  WitnessClaim claim;
  if (reader.take("x^2")) {
    claim.kind = Kind::Square;
  } else {
    const auto a = reader.number();
    if (!a || !reader.take("*") || !reader.take("x")) return std::nullopt;
    claim.a = *a;
  }
  if (!read_congruence_end(reader, claim)) return std::nullopt;
  return claim;
}

std::optional<WitnessClaim> read_factors(Reader& reader) {
  WitnessClaim claim{.kind = Kind::Factors};
  if (!reader.take("b") || !reader.take(">") || !reader.take("1") || !reader.take(":") ||
      !reader.take("a") || !reader.take("*") || !reader.take("b") || !reader.take("="))
    return std::nullopt;
  const auto c = reader.number();
  if (!c) return std::nullopt;
  claim.c = *c;
  return claim;
}

std::optional<WitnessClaim> read_bezout(Reader& reader) {
  WitnessClaim claim{.kind = Kind::Bezout};
  if (!reader.take("y") || !reader.take(":")) return std::nullopt;
  const auto a = reader.number();
  if (!a || !reader.take("*") || !reader.take("x") || !reader.take("-")) return std::nullopt;
  const auto b = reader.number();
  if (!b || !reader.take("*") || !reader.take("y") || !reader.take("=")) return std::nullopt;
  const auto c = reader.number();
  if (!c) return std::nullopt;
  claim.a = *a;
  claim.b = *b;
  claim.c = *c;
  return claim;
}

Integer prime_between(Integer low, Integer high, Random& random) {
  while (true) {
    const Integer candidate = random.between(int64_t(low), int64_t(high));
    bool prime = candidate > 1;
    for (Integer d = 2; d * d <= candidate && prime; ++d) prime = candidate % d != 0;
    if (prime) return candidate;
  }
}

struct Shape {
  int64_t modulus_min = 5, modulus_max = 13, factor_max = 9;
  bool bezout = false;
};
Shape shape_of(int level) {
  constexpr Shape kShapes[] = {{5, 13, 9, false},
                               {11, 31, 19, false},
                               {29, 61, 31, true},
                               {53, 97, 47, true},
                               {101, 199, 97, true}};
  return kShapes[level - 1];
}

WitnessClaim sample_bezout(int64_t most, Random& random) {
  while (true) {
    const Integer a = random.between(3, most), b = random.between(3, most);
    if (greatest_common_divisor(a, b) == 1 && a != b)
      return {
          .kind = Kind::Bezout, .a = a, .b = b, .c = random.chance(0.7) ? 1 : random.between(2, 9)};
  }
}

}  // namespace

bool WitnessClaim::holds(Integer x, Integer y) const {
  switch (kind) {
    case Kind::Linear:
      return (multiply(a, x) - c) % modulus == 0;
    case Kind::Square:
      return (multiply(x, x) - c) % modulus == 0;
    case Kind::Factors:
      return x > 1 && y > 1 && multiply(x, y) == c;
    case Kind::Bezout:
      return subtract(multiply(a, x), multiply(b, y)) == c;
  }
  return false;
}

std::vector<Operation> WitnessClaim::products(Integer x, Integer y) const {
  switch (kind) {
    case Kind::Linear:
      return {{{a, x}, "*"}};
    case Kind::Square:
      return {{{x, 2}, "^"}};
    case Kind::Factors:
      return {{{x, y}, "*"}};
    case Kind::Bezout:
      return {{{a, x}, "*"}, {{b, y}, "*"}};
  }
  return {};
}

std::variant<WitnessClaim, NotOfFamily> read_witness(std::string_view text) {
  Reader reader(text);
  std::optional<WitnessClaim> claim;
  if (reader.take("Find")) {
    if (reader.take("a")) {
      if (reader.take(",")) claim = read_factors(reader);
    } else if (reader.take("x")) {
      if (reader.take(":"))
        claim = read_single(reader);
      else if (reader.take(","))
        claim = read_bezout(reader);
    }
  }
  if (!claim || !reader.at_end())
    return NotOfFamily{
        "a search has one of the forms Find x: 7*x == 3 (mod 31), Find x: x^2 == 5 (mod 29), "
        "Find a,b > 1: a*b = 221, Find x,y: 12*x - 35*y = 1"};
  return *claim;
}

std::string to_text(const WitnessClaim& claim) {
  const std::string c = to_text(claim.c);
  switch (claim.kind) {
    case Kind::Linear:
      return "Find x: " + to_text(claim.a) + "*x == " + c + " (mod " + to_text(claim.modulus) + ")";
    case Kind::Square:
      return "Find x: x^2 == " + c + " (mod " + to_text(claim.modulus) + ")";
    case Kind::Factors:
      return "Find a,b > 1: a*b = " + c;
    case Kind::Bezout:
      return "Find x,y: " + to_text(claim.a) + "*x - " + to_text(claim.b) + "*y = " + c;
  }
  return "";
}

WitnessClaim sample_witness(int level, Random& random) {
  const Shape shape = shape_of(level);
  const int64_t kind = random.below(shape.bezout ? 10 : 8);
  if (kind >= 8) return sample_bezout(shape.modulus_max / 2, random);
  if (kind >= 6) {
    const Integer low = level == 1 ? 2 : 3;
    const Integer x = prime_between(low, shape.factor_max, random);
    return {.kind = Kind::Factors, .c = x * prime_between(low, shape.factor_max, random)};
  }
  WitnessClaim claim{.kind = kind >= 4 ? Kind::Square : Kind::Linear};
  claim.modulus = prime_between(shape.modulus_min, shape.modulus_max, random);
  const Integer x = random.between(1, int64_t(claim.modulus) - 1);
  if (claim.kind == Kind::Linear) claim.a = random.between(2, int64_t(claim.modulus) - 1);
  claim.c = (claim.kind == Kind::Linear ? claim.a * x : x * x) % claim.modulus;
  return claim;
}

std::vector<WitnessValues> solve_witness(const WitnessClaim& claim, std::size_t most) {
  std::vector<WitnessValues> found;
  const Integer end = claim.modulus > 0 ? claim.modulus : kWitnessSearchMax;
  for (Integer x = 0; x < end && found.size() < most; ++x) {
    Integer y = 0;
    if (claim.kind == Kind::Factors) {
      if (x < 2 || claim.c % x != 0) continue;
      y = claim.c / x;
    } else if (claim.kind == Kind::Bezout) {
      const Integer rest = claim.a * x - claim.c;
      if (rest < 0 || claim.b == 0 || rest % claim.b != 0) continue;
      y = rest / claim.b;
    }
    if (claim.holds(x, y)) found.push_back({x, y});
  }
  return found;
}

}  // namespace theorems
