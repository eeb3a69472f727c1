#include "theorems/induction.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "theorems/tex.h"

using namespace theorems;

namespace {

constexpr const char* kClaim = "Prove: sum(i=1..n) (4*i - 1) = 2*n^2 + n for all n >= 1";
constexpr const char* kProof =
    "1. base: 4-1 = 3 = 2+1 [base]\n"
    "2. next: (4*k+4)-1 = 4*k+3 [next]\n"
    "3. step: (2*k^2+k)+(4*k+3) = 2*k^2+5*k+3 [hyp 2]\n"
    "4. claim: (2*k^2+4*k+2)+(k+1) = 2*k^2+5*k+3 [calc]\n"
    "5. goal [ind 1 3 4]\n"
    "QED\n";

std::string read(std::string_view text) {
  const auto result = induction_rules().read(text);
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
  return induction_rules().check(claim, proof_of(proof));
}

std::string verdict(const LineReport& line) {
  return std::string(to_text(line.status)) + " " + std::string(to_text(line.defect)) + ": " +
         line.working;
}

// The slow judge. It knows statements and lines in our spelling only, and reads them by itself.

using Powers = std::map<int, long long>;  // degree and coefficient, none of them 0

// "2*k^2-5*k+3", with or without blanks.
std::vector<std::pair<int, long long>> slow_terms(std::string text) {
  std::erase(text, ' ');
  std::vector<std::pair<int, long long>> terms;
  for (std::size_t at = 0; at < text.size();) {
    long long sign = 1;
    if (text[at] == '+' || text[at] == '-') sign = text[at++] == '-' ? -1 : 1;
    const std::size_t end = std::min(text.find_first_of("+-", at), text.size());
    const std::string term = text.substr(at, end - at);
    const std::size_t letter = term.find_first_of("ikn");
    const long long size = letter == 0 ? 1 : std::stoll(term);
    int degree = 0;
    if (letter != std::string::npos)
      degree = letter + 1 < term.size() ? std::stoi(term.substr(letter + 2)) : 1;
    terms.emplace_back(degree, sign * size);
    at = end;
  }
  return terms;
}

Powers collect(const std::vector<std::pair<int, long long>>& terms) {
  Powers powers;
  for (const auto& [degree, coefficient] : terms) powers[degree] += coefficient;
  std::erase_if(powers, [](const auto& power) { return power.second == 0; });
  return powers;
}

Powers plus(Powers a, const Powers& b) {
  for (const auto& [degree, coefficient] : b) a[degree] += coefficient;
  std::erase_if(a, [](const auto& power) { return power.second == 0; });
  return a;
}

// c*(k+1)^d by Pascal's triangle.
Powers at_next(int degree, long long coefficient) {
  std::vector<long long> row = {1};
  for (int i = 0; i < degree; ++i) {
    row.push_back(0);
    for (std::size_t j = row.size() - 1; j > 0; --j) row[j] += row[j - 1];
  }
  Powers powers;
  for (int d = 0; d <= degree; ++d) powers[d] = coefficient * row[std::size_t(d)];
  return powers;
}

std::vector<Powers> slow_groups(const std::string& text) {
  std::vector<Powers> groups;
  int depth = 0;
  long long sign = 1;
  std::string inner;
  const auto end = [&] {
    if (inner.empty()) return;
    Powers group = collect(slow_terms(inner));
    for (auto& [degree, coefficient] : group) coefficient *= sign;
    groups.push_back(group);
    inner.clear();
    sign = 1;
  };
  for (const char c : text) {
    if (c == '(') {
      ++depth;
    } else if (c == ')') {
      --depth;
    } else if (depth == 0 && (c == '+' || c == '-')) {
      end();
      sign = c == '-' ? -1 : 1;
    } else {
      inner += c;
    }
  }
  end();
  return groups;
}

struct SlowClaim {
  std::vector<std::pair<int, long long>> summand;  // with the factor
  std::vector<std::pair<int, long long>> closed;
  std::vector<std::pair<int, long long>> plain;  // without the factor
  long long factor = 1;
};

SlowClaim slow_claim(const std::string& statement) {
  SlowClaim claim;
  if (std::isdigit(static_cast<unsigned char>(statement[7])))
    claim.factor = std::stoll(statement.substr(7));
  const std::size_t open = statement.find(" (") + 2, close = statement.find(") = ");
  claim.plain = slow_terms(statement.substr(open, close - open));
  claim.summand = claim.plain;
  for (auto& [degree, coefficient] : claim.summand) coefficient *= claim.factor;
  claim.closed = slow_terms(statement.substr(close + 4, statement.find(" for ") - close - 4));
  return claim;
}

long long value(const std::vector<std::pair<int, long long>>& terms, long long n) {
  long long sum = 0;
  for (const auto& [degree, coefficient] : terms) {
    long long product = coefficient;
    for (int i = 0; i < degree; ++i) product *= n;
    sum += product;
  }
  return sum;
}

bool is_true(const SlowClaim& claim) {
  long long sum = 0;
  for (long long n = 1; n <= 50; ++n) {
    sum += value(claim.plain, n);
    if (claim.factor * sum != value(claim.closed, n)) return false;
  }
  return true;
}

struct SlowLine {
  std::string kind;  // base, next, step, claim, goal
  std::vector<std::string> parts;
  std::string rule;
  std::vector<int> refs;
  char state = 'w';
  Powers result;
};

int different(Powers a, const Powers& b) {
  for (const auto& [degree, coefficient] : b) a[degree] -= coefficient;
  return int(std::ranges::count_if(a, [](const auto& power) { return power.second != 0; }));
}

char slow_base(const SlowClaim& claim, const SlowLine& line) {
  const auto numbers = [](const std::string& text) {
    std::vector<long long> values;
    for (const auto& [degree, number] : slow_terms(text)) values.push_back(number);
    return values;
  };
  std::vector<long long> f, c;
  for (const auto& term : claim.summand) f.push_back(term.second);
  for (const auto& term : claim.closed) c.push_back(term.second);
  const long long sum = value(claim.summand, 1);
  if (sum != value(claim.closed, 1)) return 'w';
  std::vector<std::vector<long long>> parts;
  for (const std::string& part : line.parts) parts.push_back(numbers(part));
  if (parts.size() == 3) {
    if (parts[0].size() != f.size() || parts[2] != c) return 'w';
    int wrong = parts[1][0] != sum;
    for (std::size_t i = 0; i < f.size(); ++i) wrong += parts[0][i] != f[i];
    return wrong == 0 ? 'r' : wrong == 1 ? 'g' : 'w';
  }
  const bool sum_first = parts[0].size() == 1 && f.size() > 1;
  const bool sum_last = !sum_first && parts[1].size() == 1 && c.size() > 1;
  if (sum_first) return parts[0][0] == sum && parts[1] == c ? 'g' : 'w';
  if (sum_last) return parts[0] == f && parts[1][0] == sum ? 'g' : 'w';
  if (parts[0] != f || parts[1] != c) return 'w';
  return f.size() == 1 || c.size() == 1 ? 'r' : 'g';
}

char slow_collected(const std::vector<Powers>& right, const SlowLine& line) {
  Powers sum;
  for (const Powers& group : right) sum = plus(sum, group);
  const bool good = line.result == sum;
  if (line.parts.size() == 1) return !good ? 'w' : right.size() == 1 ? 'r' : 'g';
  std::vector<Powers> groups = slow_groups(line.parts[0]);
  if (right.size() == 1) groups = {collect(slow_terms(line.parts[0]))};
  if (groups.size() != right.size()) {
    Powers total;
    for (const Powers& group : groups) total = plus(total, group);
    return good && total == sum ? 'g' : 'w';
  }
  int wrong = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) wrong += different(groups[i], right[i]);
  return !good || wrong > 1 ? 'w' : wrong == 1 ? 'g' : 'r';
}

std::vector<SlowLine> slow_lines(const std::string& text) {
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
    const std::size_t dot = row.find(". ") + 2;
    std::string body = row.substr(dot, open - dot - 1);
    line.kind = body.substr(0, body.find(':'));
    if (line.kind != "goal") {
      body = body.substr(line.kind.size() + 2);
      for (std::size_t at; (at = body.find(" = ")) != std::string::npos; body.erase(0, at + 3))
        line.parts.push_back(body.substr(0, at));
      line.parts.push_back(body);
      if (line.kind != "base") line.result = collect(slow_terms(body));
    }
    lines.push_back(line);
  }
  return lines;
}

int slow_halves(const std::string& statement, const std::string& text) {
  const SlowClaim claim = slow_claim(statement);
  std::vector<SlowLine> lines = slow_lines(text);
  std::vector<Powers> next, closed;
  for (const auto& [degree, c] : claim.summand) next.push_back(at_next(degree, c));
  for (const auto& [degree, c] : claim.closed) closed.push_back(at_next(degree, c));
  Powers whole_next;
  for (const Powers& group : next) whole_next = plus(whole_next, group);
  bool gap = false;
  if (lines.back().kind != "goal") {
    lines.push_back(
        {.kind = "goal", .parts = {}, .rule = "ind", .refs = {}, .state = 'r', .result = {}});
    gap = true;
  }
  std::map<int, int> used_next;
  for (int number = 1; number < int(lines.size()); ++number) {
    SlowLine& line = lines[std::size_t(number - 1)];
    std::string rule = line.kind;
    if (line.kind == "base") line.state = slow_base(claim, line);
    if (line.kind == "next") line.state = slow_collected(next, line);
    if (line.kind == "claim") line.state = slow_collected(closed, line), rule = "calc";
    if (line.kind == "step") {
      int cited = 0, earlier = 0;
      bool later = false;
      for (int i = 1; i < number; ++i)
        if (lines[std::size_t(i - 1)].kind == "next") earlier = i;
      for (const int ref : line.refs) {
        later = later || ref >= number;
        if (cited == 0 && ref < number && lines[std::size_t(ref - 1)].kind == "next") cited = ref;
      }
      const int use = cited != 0 ? cited : earlier;
      const Powers operand = use != 0 ? lines[std::size_t(use - 1)].result : whole_next;
      line.state = later ? 'w' : slow_collected({collect(claim.closed), operand}, line);
      used_next[number] = use;
      if (line.state == 'r' &&
          (use == 0 || line.refs != std::vector<int>{use} || line.rule != "hyp"))
        line.state = 'g';
      continue;
    }
    if (line.state == 'r' && (line.rule != rule || !line.refs.empty())) line.state = 'g';
  }
  const SlowLine& goal = lines.back();
  const int last = int(lines.size());
  for (const int ref : goal.refs)
    if (ref >= last) return 0;
  std::map<std::string, int> used;
  for (const char* kind : {"base", "step", "claim"}) {
    for (const int ref : goal.refs)
      if (used[kind] == 0 && lines[std::size_t(ref - 1)].kind == kind) used[kind] = ref;
    const bool cited = used[kind] != 0;
    for (int i = 1; !cited && i < last; ++i)
      if (lines[std::size_t(i - 1)].kind == kind) used[kind] = i;
    if (used[kind] == 0 || lines[std::size_t(used[kind] - 1)].state == 'w') return 0;
    gap = gap || !cited;
  }
  const int below = used_next[used["step"]];
  if (below != 0 && lines[std::size_t(below - 1)].state == 'w') return 0;
  if (lines[std::size_t(used["step"] - 1)].result != lines[std::size_t(used["claim"] - 1)].result)
    return 0;
  gap = gap || goal.rule != "ind" || goal.refs.size() != 3;
  for (const SlowLine& line : lines) gap = gap || (line.kind != "goal" && line.state != 'r');
  return gap ? 1 : 2;
}

}  // namespace

TEST_SUITE("theorems/induction") {
  TEST_CASE("statements are read as people type them") {
    CHECK(read(kClaim) == kClaim);
    CHECK(read("sum(i=1..n) (4i-1) = 2n^2+n for all n") == kClaim);
    CHECK(read("sum(j=1..m)(4j-1) = 2m^2+m for all natural numbers m") == kClaim);
    CHECK(read("sum(i=1..n) i = n(n+1)/2 for all n>=1") ==
          "Prove: 2*sum(i=1..n) (i) = n^2 + n for all n >= 1");
    CHECK(read("3 sum(i=1..n) i^2 = n(n+1)(2n+1)/2 for all n>=1") ==
          "Prove: 6*sum(i=1..n) (i^2) = 2*n^3 + 3*n^2 + n for all n >= 1");
  }

  TEST_CASE("other texts are refused with a reason") {
    CHECK(read("sum(i=1..n) i = n").starts_with("no: it does not end"));
    CHECK(read("sum(i=0..n) i = n for all n").starts_with("no: it does not begin"));
    CHECK(read("sum(n=1..n) n = n for all n").starts_with("no: it does not begin"));
    CHECK(read("sum(i=1..n) i for all n") == "no: there is no \"=\" behind the sum");
    CHECK(read("sum(i=1..n) i*n = n for all n").starts_with("no: the summand"));
    CHECK(read("sum(i=1..n) i = i for all n").starts_with("no: the right side"));
    CHECK(read("sum(i=1..n) i^6 = n for all n").starts_with("no: the degree"));
    CHECK(read("9999 sum(i=1..n) 2i = n for all n").starts_with("no: the degree"));
    CHECK(read("").starts_with("no:"));
  }

  TEST_CASE("only the spelling is left out of the canonical form") {
    const FamilyRules& rules = induction_rules();
    CHECK(rules.canonical(read("sum(i=1..n) (-1+4i) = n+2n^2 for all n")) ==
          rules.canonical(kClaim));
    CHECK(rules.canonical(read("2sum(i=1..n) (-1+4i) = 2n+4n^2 for all n")) !=
          rules.canonical(kClaim));
  }

  TEST_CASE("a proof has base, next, step and claim") {
    Random random(1);
    const auto proof = induction_rules().prove(kClaim, random);
    REQUIRE(proof);
    CHECK(to_text(*proof) == kProof);
    const auto squares =
        induction_rules().prove(read("6sum(i=1..n) i^2 = 2n^3+3n^2+n for all n"), random);
    REQUIRE(squares);
    CHECK(squares->lines[0].text == "1. base: 6 = 2+3+1 [base]");
    CHECK(squares->lines[1].text == "2. next: 6*k^2+12*k+6 [next]");
    CHECK_FALSE(induction_rules().prove(read("sum(i=1..n) i = n for all n"), random));
    CHECK_FALSE(induction_rules().prove(read("sum(i=1..n) 2i = n^2+n+1 for all n"), random));
  }

  TEST_CASE("each line is worked through in single steps") {
    const auto lines = checked(kProof);
    CHECK(verdict(lines[0]) == "ok none: 4-1=3; 2+1=3");
    CHECK(verdict(lines[1]) == "ok none: 4; 4-1=3");
    CHECK(verdict(lines[2]) == "ok none: 2; 1+4=5; 3");
    CHECK(verdict(lines[3]) == "ok none: 1 2 1 2*2=4; 2; 4+1=5; 2+1=3");
    CHECK(verdict(lines[4]) == "ok none: base step claim; 2 5 3 = 2 5 3");
    CHECK(halves_of(lines) == 2);
    CHECK(std::ranges::all_of(lines, [](const LineReport& line) { return line.needed; }));
  }

  TEST_CASE("a wrong result is an error, and what takes it over depends on it") {
    const auto lines = checked(with(with(with(kProof, "= 4*k+3", "= 4*k+5"), "(4*k+3)", "(4*k+5)"),
                                    "5*k+3 [hyp", "5*k+5 [hyp"));
    CHECK(verdict(lines[1]) == "wrong value: 4; 4-1=3 not 5");
    CHECK(lines[1].remedy == "next: (4*k+4)-1 = 4*k+3 [next]");
    CHECK(lines[2].status == Status::Depends);
    CHECK(lines[2].because == std::vector<int>{2});
    CHECK(verdict(lines[4]) == "wrong forced: base step claim; 2 5 5 not 2 5 3");
    CHECK(halves_of(lines) == 0);
  }

  TEST_CASE("an operand that differs from its line is an error") {
    const auto lines = checked(with(kProof, "(4*k+3) = 2*k^2+5*k+3", "(3*k+3) = 2*k^2+4*k+3"));
    CHECK(verdict(lines[2]) == "wrong operand: 4*k+3 not 3*k+3; 2; 1+4=5 not 4; 3");
    CHECK(lines[2].remedy == "step: (2*k^2+k)+(4*k+3) = 2*k^2+5*k+3 [hyp 2]");
  }

  TEST_CASE("a single wrong coefficient that nothing uses is a slip") {
    CHECK(verdict(checked(with(kProof, "+4*k+2)", "+6*k+2)"))[3]) ==
          "gap slip: 1 2 1 2*2=4 not 6; 2; 4+1=5; 2+1=3");
    CHECK(checked(with(kProof, "= 3 =", "= 4 ="))[0].defect == Defect::Slip);
    CHECK(checked(with(kProof, "= 2+1", "= 2+2"))[0].defect == Defect::Value);
    CHECK(checked(with(kProof, "(4*k+3) =", "(4*k+2) ="))[2].defect == Defect::Slip);
  }

  TEST_CASE("what is left out is a gap if the rest follows") {
    CHECK(verdict(checked(with(kProof, "(4*k+4)-1 = ", ""))[1]) ==
          "gap intermediate: none; 4; 4-1=3");
    CHECK(checked(with(kProof, "= 3 =", "="))[0].defect == Defect::NoIntermediate);
    CHECK(checked(with(kProof, "+(k+1)", ""))[3].defect == Defect::Missing);
    CHECK(checked(with(kProof, "[hyp 2]", "[hyp]"))[2].defect == Defect::Reference);
    const auto merged = checked(
        "1. base: 4-1 = 3 = 2+1 [base]\n2. step: (2*k^2+k)+(4*k+3) = 2*k^2+5*k+3 [hyp]\n"
        "3. claim: (2*k^2+4*k+2)+(k+1) = 2*k^2+5*k+3 [calc]\n4. goal [ind 1 2 3]\nQED");
    CHECK(verdict(merged[1]) == "gap merged: next none; 2; 1+4=5; 3");
    CHECK(merged[1].remedy == "next: (4*k+4)-1 = 4*k+3 [next]");
    CHECK(halves_of(merged) == 1);
  }

  TEST_CASE("the goal needs base, step and claim") {
    const auto uncited = checked(with(kProof, "[ind 1 3 4]", "[ind 3 4]"));
    CHECK(verdict(uncited[4]) == "gap reference: step claim; base; 2 5 3 = 2 5 3");
    CHECK(uncited[4].remedy == "goal [ind 1 3 4]");
    CHECK(checked(with(kProof, "[ind 1 3 4]", "[ind 1 3 5]"))[4].defect == Defect::Order);
    const auto baseless = checked(
        "1. next: (4*k+4)-1 = 4*k+3 [next]\n2. step: (2*k^2+k)+(4*k+3) = 2*k^2+5*k+3 [hyp 1]\n"
        "3. claim: (2*k^2+4*k+2)+(k+1) = 2*k^2+5*k+3 [calc]\n4. goal [ind 2 3]\nQED");
    CHECK(verdict(baseless[3]) == "wrong missing: step claim; base none");
    CHECK(baseless[3].remedy == "base: 4-1 = 3 = 2+1 [base]");
    CHECK(checked("1. base: 4-1 = 3 = 2+1 [base]\n2. goal [ind]\nQED")[1].defect == Defect::Forced);
    const auto open = checked(with(kProof, "5. goal [ind 1 3 4]\n", ""));
    CHECK(open[3].defect == Defect::NoGoal);
    CHECK(halves_of(open) == 1);
    CHECK(checked("1. base: 4-1 = 3 = 2+1 [base]\nQED")[0].defect == Defect::Missing);
  }

  TEST_CASE("a false statement fails in its base or in its goal") {
    const std::string base = read("sum(i=1..n) 2i = n^2+n+1 for all n");
    const auto lines = checked("1. base: 2 = 2 = 1+1+1 [base]\n2. goal [ind 1]\nQED", base);
    CHECK(verdict(lines[0]) == "wrong value: 2; 1+1=2 2+1=3 not 2");
    CHECK(lines[0].remedy.empty());
  }

  TEST_CASE("hostile lines get a report") {
    for (const char* body :
         {"base", "base:", "base: =", "base: 1=1=1=1", "step:", "step: k^99", "claim: ((((((((k",
          "next: (k+1)^12*(k+1)", "next: 999999999999999999999999999999*k*9", "goal now", "x: k",
          "next: k+k", "claim: k/2", "base: 3/2 = 1 = 2"}) {
      const auto lines = checked(std::string("1. ") + body + " [x 1 7]\n2. goal [ind 1 2 9]\nQED");
      CAPTURE(body);
      CHECK(lines[0].status == Status::Wrong);
      CHECK_FALSE(lines[0].working.empty());
      CHECK(halves_of(lines) == 0);
    }
  }

  TEST_CASE("samples are true, varied, and their proofs earn 1") {
    Random random(2);
    for (int level = 1; level <= kLevels; ++level) {
      std::map<std::string, int> seen;
      for (int i = 0; i < 2000; ++i) {
        const std::string statement = induction_rules().sample(level, random);
        CAPTURE(statement);
        CHECK(is_true(slow_claim(statement)));
        CHECK(read(statement) == statement);
        ++seen[induction_rules().canonical(statement)];
        const auto proof = induction_rules().prove(statement, random);
        REQUIRE(proof);
        const std::string text = to_text(*proof);
        CHECK(halves_of(induction_rules().check(statement, proof_of(text))) == 2);
        CHECK(slow_halves(statement, text) == 2);
      }
      CHECK_MESSAGE(seen.size() > 1200, level);
    }
  }

  TEST_CASE("statements come back from TeX") {
    Random random(3);
    for (int i = 0; i < 500; ++i) {
      const std::string statement = induction_rules().sample(1 + i % kLevels, random);
      CHECK(read(ascii_of(induction_rules().to_tex(statement))) == statement);
    }
  }

  TEST_CASE("a proof is found for random statements exactly if they are true") {
    Random random(4);
    int found = 0;
    for (int i = 0; i < 100'000; ++i) {
      const auto below = [&](int count) { return std::to_string(random.below(count)); };
      const std::string statement =
          read("2sum(i=1..n) (" + below(3) + "i^2+" + below(4) + "i+" + below(3) +
               ") = " + below(2) + "n^3+" + below(4) + "n^2+" + below(5) + "n for all n");
      CAPTURE(statement);
      const auto proof = induction_rules().prove(statement, random);
      found += proof ? 1 : 0;
      CHECK(bool(proof) == is_true(slow_claim(statement)));
    }
    CHECK(found > 500);
  }
}

TEST_SUITE("slow/theorems/induction") {
  TEST_CASE("spoilt proofs are judged as by the slow judge") {
    Random random(5);
    int counts[3] = {};
    for (int i = 0; i < 100'000; ++i) {
      const std::string statement = induction_rules().sample(1 + i % kLevels, random);
      const auto proof = induction_rules().prove(statement, random);
      const Spoilt spoilt = induction_rules().spoil(statement, *proof, random);
      const std::string text = to_text(spoilt.proof);
      const int halves = halves_of(induction_rules().check(statement, proof_of(text)));
      ++counts[halves];
      if (halves != slow_halves(statement, text)) FAIL_CHECK(statement << "\n" << text << halves);
    }
    CHECK(counts[0] > 30'000);
    CHECK(counts[1] > 30'000);
    CHECK(counts[2] < 1000);
  }

  // Each line of one proof may be put into the other: a score of 1 must not be had by mixing.
  TEST_CASE("no proof mixed from two earns 1 for a false statement") {
    Random random(6);
    int earned = 0;
    for (int i = 0; i < 100'000; ++i) {
      const auto below = [&](int count) { return std::to_string(random.between(1, count)); };
      const auto draw = [&] {
        return read("sum(i=1..n) (" + below(2) + "i) = " + below(2) + "n^2+" + below(2) +
                    "n for all n");
      };
      const std::string statement =
          random.chance(0.2) ? read("sum(i=1..n) (2i) = n^2+n for all n") : draw();
      Proof proof = proof_of(
          "1. base: 2 = 1+1 [base]\n2. next: 2*k+2 [next]\n"
          "3. step: (k^2+k)+(2*k+2) = k^2+3*k+2 [hyp 2]\n"
          "4. claim: (k^2+2*k+1)+(k+1) = k^2+3*k+2 [calc]\n5. goal [ind 1 3 4]\nQED\n");
      const Spoilt spoilt = induction_rules().spoil(
          "Prove: sum(i=1..n) (2*i) = n^2 + n for all n >= 1", proof, random);
      const Proof& used = random.chance(0.5) ? proof : spoilt.proof;
      const int halves = halves_of(induction_rules().check(statement, used));
      earned += halves == 2;
      if (halves == 2) CHECK(is_true(slow_claim(statement)));
    }
    CHECK(earned > 100);
  }
}
