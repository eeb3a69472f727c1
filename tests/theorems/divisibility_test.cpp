#include "theorems/divisibility.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "theorems/tex.h"

using namespace theorems;

namespace {

constexpr const char* kClaim = "Prove: 6 | n^3 + 5*n for all n";
constexpr const char* kProof =
    "1. case n=0: 0+0 = 0 = 0*6 [case]\n"
    "2. case n=1: 1+5 = 6 = 1*6 [case]\n"
    "3. case n=2: 8+10 = 18 = 3*6 [case]\n"
    "4. case n=3: 27+15 = 42 = 7*6 [case]\n"
    "5. case n=4: 64+20 = 84 = 14*6 [case]\n"
    "6. case n=5: 125+25 = 150 = 25*6 [case]\n"
    "7. goal [cases 1 2 3 4 5 6]\n"
    "QED\n";

std::string read(std::string_view text) {
  const auto result = divisibility_rules().read(text);
  if (const auto* no = std::get_if<NotOfFamily>(&result)) return "no: " + no->reason;
  return std::get<std::string>(result);
}

Proof proof_of(const std::string& text) {
  const auto result = read_proof(text);
  REQUIRE_MESSAGE(std::holds_alternative<Proof>(result), text);
  return std::get<Proof>(result);
}

std::string with(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::vector<LineReport> checked(const std::string& proof, std::string_view claim = kClaim) {
  return divisibility_rules().check(claim, proof_of(proof));
}

// "wrong value: 8+10=18 not 19; ..." of one line.
std::string verdict(const LineReport& line) {
  return std::string(to_text(line.status)) + " " + std::string(to_text(line.defect)) + ": " +
         line.working;
}

// The slow judge. It knows statements and lines in our spelling only, and reads them by itself.

struct SlowClaim {
  long long modulus = 0;
  std::vector<std::pair<long long, int>> terms;
};

SlowClaim slow_claim(const std::string& statement) {
  SlowClaim claim;
  std::istringstream in(statement);
  std::string word;
  in >> word >> claim.modulus >> word;
  long long sign = 1;
  while (in >> word && word != "for") {
    if (word == "+" || word == "-") {
      sign = word == "+" ? 1 : -1;
      continue;
    }
    if (word[0] == '-') {
      sign = -1;
      word.erase(0, 1);
    }
    long long coefficient = 1;
    int degree = 0;
    if (word[0] != 'n') coefficient = std::stoll(word);
    if (const auto n = word.find('n'); n != std::string::npos)
      degree = n + 1 < word.size() ? std::stoi(word.substr(n + 2)) : 1;
    claim.terms.push_back({sign * coefficient, degree});
  }
  return claim;
}

std::vector<long long> slow_values(const SlowClaim& claim, long long n) {
  std::vector<long long> values;
  for (const auto& [coefficient, degree] : claim.terms) {
    long long value = coefficient;
    for (int i = 0; i < degree; ++i) value *= n;
    values.push_back(value);
  }
  return values;
}

long long slow_sum(const std::vector<long long>& values) {
  long long sum = 0;
  for (const long long value : values) sum += value;
  return sum;
}

bool is_true(const SlowClaim& claim) {
  for (long long n = 0; n <= 2 * claim.modulus; ++n)
    if (slow_sum(slow_values(claim, n)) % claim.modulus != 0) return false;
  return true;
}

std::vector<std::string> split(const std::string& text, const std::string& by) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t at = 0; (at = text.find(by, begin)) != std::string::npos; begin = at + by.size())
    parts.push_back(text.substr(begin, at - begin));
  parts.push_back(text.substr(begin));
  return parts;
}

struct SlowLine {
  bool goal = false;
  long long residue = -1;
  char state = 'w';  // right, gap, wrong
  std::string rule;
  std::vector<int> refs;
};

char slow_case(const SlowClaim& claim, long long residue, std::vector<std::string> parts) {
  const std::vector<long long> right = slow_values(claim, residue);
  const long long sum = slow_sum(right);
  bool omitted = false, certified = false;
  if (const auto star = parts.back().find('*'); star != std::string::npos) {
    if (std::stoll(parts.back().substr(star + 1)) != claim.modulus) return 'w';
    certified = std::stoll(parts.back().substr(0, star)) * claim.modulus == sum;
    parts.pop_back();
    if (!certified) return 'w';
  }
  int wrong = 0;
  bool values_seen = false, sum_seen = false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::vector<long long> numbers;
    for (const std::string& number : split(parts[i], "+")) numbers.push_back(std::stoll(number));
    if (i > 0 && numbers.size() > 1) {  // a partial sum
      wrong += slow_sum(numbers) != sum;
    } else if (numbers.size() == 1 && (right.size() > 1 || i + 1 == parts.size())) {
      sum_seen = true;
      wrong += numbers[0] != sum;
      if (right.size() == 1) values_seen = true;
    } else {
      if (numbers.size() != right.size()) return 'w';
      values_seen = true;
      for (std::size_t j = 0; j < right.size(); ++j) wrong += numbers[j] != right[j];
    }
  }
  omitted = !values_seen || !sum_seen || !certified;
  if (!certified && (sum % claim.modulus != 0 || wrong > 0 || !sum_seen)) return 'w';
  if (wrong > 1) return 'w';
  return wrong == 1 || omitted ? 'g' : 'r';
}

int slow_halves(const std::string& statement, const std::string& text) {
  const SlowClaim claim = slow_claim(statement);
  std::vector<SlowLine> lines;
  std::istringstream in(text);
  for (std::string row; std::getline(in, row) && row != "QED";) {
    SlowLine line;
    const std::size_t open = row.rfind('[');
    std::istringstream rule(row.substr(open + 1, row.size() - open - 2));
    for (std::string word; rule >> word;)
      if (word[0] >= 'a')
        line.rule = word;
      else
        line.refs.push_back(std::stoi(word));
    std::string body = row.substr(row.find(". ") + 2, open - row.find(". ") - 3);
    line.goal = body == "goal";
    if (!line.goal) {
      line.residue = std::stoll(body.substr(7));
      line.state = slow_case(claim, line.residue, split(body.substr(body.find(": ") + 2), " = "));
      if (line.state == 'r' && (line.rule != "case" || !line.refs.empty())) line.state = 'g';
    }
    lines.push_back(line);
  }
  bool gap = false;
  if (!lines.back().goal) {
    SlowLine goal;
    goal.goal = true;
    goal.rule = "cases";
    lines.push_back(goal);
    gap = true;
  }
  const SlowLine& goal = lines.back();
  const int last = int(lines.size());
  for (const int ref : goal.refs)
    if (ref >= last) return 0;
  for (long long residue = 0; residue < claim.modulus; ++residue) {
    int used = 0;
    for (const int ref : goal.refs)
      if (used == 0 && lines[std::size_t(ref - 1)].residue == residue) used = ref;
    for (int i = last - 1; used == 0 && i >= 1; --i)
      if (lines[std::size_t(i - 1)].residue == residue) used = i;
    if (used == 0 || lines[std::size_t(used - 1)].state == 'w') return 0;
    gap = gap || std::ranges::find(goal.refs, used) == goal.refs.end();
  }
  gap = gap || goal.rule != "cases" || (long long)(goal.refs.size()) != claim.modulus;
  for (const SlowLine& line : lines) gap = gap || (!line.goal && line.state != 'r');
  return gap ? 1 : 2;
}

}  // namespace

TEST_SUITE("theorems/divisibility") {
  TEST_CASE("statements are read as people type them") {
    CHECK(read("6|n^3+5n for all n") == kClaim);
    CHECK(read("Prove: 6 | n^3 + 5*n for all n") == kClaim);
    CHECK(read("6 | m^3 + 5*m for every integer m.") == kClaim);
    CHECK(read("6 | n(n+1)(2n+1) for all n >= 1") == "Prove: 6 | 2*n^3 + 3*n^2 + n for all n");
    CHECK(read("2 | -n + n^2 for all n") == "Prove: 2 | -n + n^2 for all n");
    CHECK(read("2 | 0 for all n") == "Prove: 2 | 0 for all n");
  }

  TEST_CASE("other texts are refused with a reason") {
    CHECK(read("6 | n^3 + 5*n") == "no: it does not end in \"for all n\"");
    CHECK(read("n^3 for all n") == "no: there is no \"|\"");
    CHECK(read("101 | n for all n") == "no: the divisor must be a number from 2 to 100");
    CHECK(read("1 | n for all n").starts_with("no:"));
    CHECK(read("2 | n/2 for all n") == "no: what is divided has fractions");
    CHECK(read("2 | n*m for all n") == "no: what is divided is no polynomial in n");
    CHECK(read("2 | n^9 for all n").starts_with("no: the degree may be 8"));
    CHECK(read("2 | 99999999999999999999999999999999 for all n").starts_with("no: a number"));
    CHECK(read("").starts_with("no:"));
  }

  TEST_CASE("only the spelling is left out of the canonical form") {
    const FamilyRules& rules = divisibility_rules();
    CHECK(rules.canonical("Prove: 6 | 5*n + n^3 for all n") == rules.canonical(kClaim));
    CHECK(rules.canonical("Prove: 6 | 7*n + n^3 for all n") != rules.canonical(kClaim));
    CHECK(rules.canonical("Prove: 3 | n^3 + 5*n for all n") != rules.canonical(kClaim));
  }

  TEST_CASE("a proof has a case for each residue") {
    Random random(1);
    const auto proof = divisibility_rules().prove(kClaim, random);
    REQUIRE(proof);
    CHECK(to_text(*proof) == kProof);
    CHECK_FALSE(divisibility_rules().prove("Prove: 6 | n^3 + 4*n for all n", random));
  }

  TEST_CASE("each line is worked through in single steps") {
    const auto lines = checked(kProof);
    CHECK(verdict(lines[0]) == "ok none: 0+0=0; 0*6=0");
    CHECK(verdict(lines[2]) == "ok none: 2*2=4 4*2=8 5*2=10; 8+10=18; 3*6=18");
    CHECK(verdict(lines[6]) == "ok none: 0 1 2 3 4 5");
    CHECK(halves_of(lines) == 2);
    CHECK(std::ranges::all_of(lines, [](const LineReport& line) { return line.needed; }));
  }

  TEST_CASE("a wrong certificate is an error with a repair, and the goal depends on it") {
    const auto lines = checked(with(kProof, "18 = 3*6", "18 = 4*6"));
    CHECK(verdict(lines[2]) == "wrong value: 2*2=4 4*2=8 5*2=10; 8+10=18; 4*6=24 not 18");
    CHECK(lines[2].repair == "6*3=18 18-18=0");
    CHECK(lines[2].remedy == "case n=2: 8+10 = 18 = 3*6 [case]");
    CHECK(lines[6].status == Status::Depends);
    CHECK(lines[6].because == std::vector<int>{3});
    CHECK(halves_of(lines) == 0);
  }

  TEST_CASE("a single wrong number before a right certificate is a slip") {
    CHECK(verdict(checked(with(kProof, "= 18 =", "= 19 ="))[2]) ==
          "gap slip: 2*2=4 4*2=8 5*2=10; 8+10=18 not 19; 3*6=18");
    CHECK(checked(with(kProof, "8+10", "9+10"))[2].defect == Defect::Slip);
    CHECK(checked(with(kProof, "8+10 = 18", "9+10 = 19"))[2].defect == Defect::Value);
  }

  TEST_CASE("values and sum that are left out are gaps, a term that is left out is an error") {
    CHECK(checked(with(kProof, "8+10 = 18 =", "18 ="))[2].defect == Defect::NoIntermediate);
    CHECK(checked(with(kProof, "= 18 = 3*6", "= 3*6"))[2].defect == Defect::NoIntermediate);
    CHECK(checked(with(kProof, "= 18 = 3*6", "= 18"))[2].defect == Defect::NoIntermediate);
    CHECK(checked(with(kProof, "8+10 = 18 = 3*6", "8+10"))[2].status == Status::Wrong);
    const auto lines =
        checked("1. case n=0: 0+0 = 0 = 0*2 [case]\nQED", "Prove: 2 | n^3 + n^2 + 2*n for all n");
    CHECK(lines[0].defect == Defect::Missing);
  }

  TEST_CASE("partial sums may stand before a sum, and must be right") {
    constexpr std::string_view kThreeTerms = "Prove: 2 | n^3 + 7*n^2 + 24*n for all n";
    const auto of = [&](const std::string& sums) {
      return checked("1. case n=1: 1+7+24 = " + sums + " = 16*2 [case]\nQED", kThreeTerms)[0];
    };
    CHECK(verdict(of("8+24 = 32")) == "wrong missing: 1+7=8 8+24=32; 16*2=32; 1; 0 none; no goal");
    CHECK(of("8+24 = 32").working.starts_with("1+7=8 8+24=32; 16*2=32"));
    CHECK(of("32").working.starts_with("1+7=8 8+24=32; 16*2=32"));
    CHECK(of("1+31 = 32").working.starts_with("1+7=8 8+24=32; 16*2=32"));
    CHECK(of("9+24 = 32").working.starts_with("1+7=8 8+24=32 not 9+24; 16*2=32"));
    CHECK(of("8+24 = 8+24 = 33").working.starts_with("1+7=8 8+24=32 not 33; 16*2=32"));
    CHECK(of("32 = 8+24").working.starts_with("unreadable"));
    const auto slip = checked(
        "1. case n=0: 0+0+0 = 0+0 = 0 = 0*2 [case]\n"
        "2. case n=1: 1+7+24 = 9+24 = 32 = 16*2 [case]\n3. goal [cases 1 2]\nQED",
        kThreeTerms);
    CHECK(slip[1].defect == Defect::Slip);
    CHECK(slip[1].remedy == "case n=1: 1+7+24 = 8+24 = 32 = 16*2 [case]");
    CHECK(halves_of(slip) == 1);
    Random random(1);
    CHECK(to_text(*divisibility_rules().prove(kThreeTerms, random)) ==
          "1. case n=0: 0+0+0 = 0+0 = 0 = 0*2 [case]\n"
          "2. case n=1: 1+7+24 = 8+24 = 32 = 16*2 [case]\n3. goal [cases 1 2]\nQED\n");
  }

  TEST_CASE("another divisor is another statement") {
    const auto lines = checked(with(kProof, "18 = 3*6", "18 = 2*9"));
    CHECK(verdict(lines[2]) == "wrong other: 2*2=4 4*2=8 5*2=10; 8+10=18; 6 not 9");
  }

  TEST_CASE("the goal needs every residue") {
    const auto absent =
        checked(with(with(kProof, "case n=3: 27+15 = 42 = 7*6", "case n=2: 8+10 = 18 = 3*6"),
                     "[cases", "[cases"));
    CHECK(verdict(absent[6]) == "wrong missing: 0 1 2 2 4 5; 3 none");
    CHECK(absent[6].remedy == "case n=3: 27+15 = 42 = 7*6 [case]");
    CHECK(halves_of(absent) == 0);
    const auto uncited = checked(with(kProof, "[cases 1 2 3", "[cases 1 3"));
    CHECK(verdict(uncited[6]) == "gap reference: 0 2 3 4 5; 1");
    CHECK(uncited[6].remedy == "goal [cases 1 2 3 4 5 6]");
    CHECK(uncited[1].needed);
    CHECK(halves_of(uncited) == 1);
    CHECK(checked(with(kProof, "5 6]", "5 7]"))[6].defect == Defect::Order);
    CHECK(checked("1. case n=0: 0+0 = 0 = 0*6 [case]\n2. goal [cases]\nQED")[1].defect ==
          Defect::Forced);
  }

  TEST_CASE("without its goal a complete proof has a gap and an incomplete one is wrong") {
    const auto complete = checked(with(kProof, "7. goal [cases 1 2 3 4 5 6]\n", ""));
    CHECK(complete[5].defect == Defect::NoGoal);
    CHECK(complete[5].remedy == "goal [cases 1 2 3 4 5 6]");
    CHECK(complete[5].working.ends_with("25*6=150; 0 1 2 3 4 5; no goal"));
    CHECK(halves_of(complete) == 1);
    const auto incomplete = checked("1. case n=0: 0+0 = 0 = 0*6 [case]\nQED");
    CHECK(incomplete[0].defect == Defect::Missing);
    CHECK(halves_of(incomplete) == 0);
  }

  TEST_CASE("a wrong line that the goal does not use is no more than a gap") {
    const auto lines = checked(with(with(kProof, "7. goal", "8. goal"), "8. goal",
                                    "7. case n=8: 1+1 = 2 = 1*6 [case]\n8. goal"));
    CHECK(lines[6].status == Status::Wrong);
    CHECK_FALSE(lines[6].needed);
    CHECK(halves_of(lines) == 1);
  }

  TEST_CASE("hostile lines get a report") {
    for (const char* body :
         {"case", "case n=", "case n=0", "case n=0:", "case n=99999999999999999999: 1",
          "case n=0: =", "case n=0: 0+0 = 0 = 9999999999999999999999*99999999999",
          "case n=9999: 1 = 1*6", "case n=0: ((((((((((((((((((((((((0", "x", "goal goal",
          "case n=0: 0*6 = 0*6 = 0*6 = 0*6",
          "case n=0: 999999999999999999999999999999+999999999999999999999999999999 = 0*6"}) {
      const auto lines =
          checked(std::string("1. ") + body + " [case 1 5]\n2. goal [cases 1 2 9]\nQED");
      CAPTURE(body);
      CHECK(lines[0].status == Status::Wrong);
      CHECK_FALSE(lines[0].working.empty());
      CHECK(halves_of(lines) == 0);
    }
  }

  TEST_CASE("samples are true, varied, short, and their proofs earn 1") {
    Random random(2);
    for (int level = 1; level <= kLevels; ++level) {
      std::map<std::string, int> seen;
      for (int i = 0; i < 2000; ++i) {
        const std::string statement = divisibility_rules().sample(level, random);
        CAPTURE(statement);
        CHECK(is_true(slow_claim(statement)));
        CHECK(read(statement) == statement);
        ++seen[divisibility_rules().canonical(statement)];
        const auto proof = divisibility_rules().prove(statement, random);
        REQUIRE(proof);
        const std::string text = to_text(*proof);
        CHECK(halves_of(divisibility_rules().check(statement, proof_of(text))) == 2);
        CHECK(slow_halves(statement, text) == 2);
      }
      CHECK_MESSAGE(seen.size() > 500, level);
    }
  }

  TEST_CASE("statements come back from TeX") {
    Random random(3);
    for (int i = 0; i < 500; ++i) {
      const std::string statement = divisibility_rules().sample(1 + i % kLevels, random);
      CHECK(read(ascii_of(divisibility_rules().to_tex(statement))) == statement);
    }
  }

  TEST_CASE("a proof is found for random statements exactly if they are true") {
    Random random(4);
    int found = 0;
    for (int i = 0; i < 100'000; ++i) {
      const std::string statement =
          read(std::to_string(random.between(2, 6)) + "|" + std::to_string(random.below(6)) +
               "n^3+" + std::to_string(random.below(6)) + "n^2-" + std::to_string(random.below(6)) +
               "n for all n");
      CAPTURE(statement);
      const auto proof = divisibility_rules().prove(statement, random);
      found += proof ? 1 : 0;
      CHECK(bool(proof) == is_true(slow_claim(statement)));
    }
    CHECK(found > 1000);
  }
}

TEST_SUITE("slow/theorems/divisibility") {
  TEST_CASE("spoilt proofs are judged as by the slow judge") {
    Random random(5);
    int counts[3] = {};
    for (int i = 0; i < 100'000; ++i) {
      const std::string statement = divisibility_rules().sample(1 + i % kLevels, random);
      const auto proof = divisibility_rules().prove(statement, random);
      const Spoilt spoilt = divisibility_rules().spoil(statement, *proof, random);
      const std::string text = to_text(spoilt.proof);
      const int halves = halves_of(divisibility_rules().check(statement, proof_of(text)));
      ++counts[halves];
      if (halves != slow_halves(statement, text)) FAIL_CHECK(statement << "\n" << text << halves);
    }
    CHECK(counts[0] > 30'000);
    CHECK(counts[1] > 30'000);
    CHECK(counts[2] < 1000);
  }

  TEST_CASE("a proof of another statement earns 1 only if that is true") {
    Random random(6);
    int earned = 0;
    for (int i = 0; i < 100'000; ++i) {
      const std::string statement = divisibility_rules().sample(1 + i % 3, random);
      const auto proof = divisibility_rules().prove(statement, random);
      SlowClaim other = slow_claim(statement);
      const std::size_t term = std::size_t(random.below(int64_t(other.terms.size())));
      if (i % 2 == 0) other.terms[term].first = random.between(1, 9);
      if (i % 2 == 1) other.terms[term].second = int(random.between(0, 5));
      std::string text = std::to_string(other.modulus) + "|";
      for (const auto& [c, d] : other.terms)
        text += (text.ends_with('|') ? "" : "+") + std::to_string(c) + "n^" + std::to_string(d);
      const std::string claim = read(text + " for all n");
      CAPTURE(claim);
      const int halves = halves_of(divisibility_rules().check(claim, *proof));
      earned += halves == 2;
      if (halves == 2) CHECK(is_true(slow_claim(claim)));
    }
    CHECK(earned > 100);
  }
}
