#include "theorems/deduction.h"

#include <doctest/doctest.h>

#include <map>

#include "tests/theorems/slow_logic.h"

using namespace theorems;

namespace {

const FamilyRules& rules() { return deduction_rules(); }

Proof proof_of(const std::string& text) { return std::get<Proof>(read_proof(text + "QED\n")); }

std::string label(const LineReport& report) {
  std::string text(to_text(report.status));
  if (report.defect != Defect::None) text += " " + std::string(to_text(report.defect));
  for (const int line : report.because) text += " " + std::to_string(line);
  return text;
}

// The labels of all lines, one after the other, and the score in halves.
std::string verdict(const std::string& statement, const std::string& lines) {
  const auto reports = rules().check(statement, proof_of(lines));
  std::string text;
  for (const LineReport& report : reports) text += label(report) + (report.needed ? "; " : "*; ");
  return text + std::to_string(halves_of(reports));
}

LineReport report_of(const std::string& statement, const std::string& lines, int line) {
  return rules().check(statement, proof_of(lines))[std::size_t(line) - 1];
}

// What the statement says, by the slow judge's own reading.
struct Claim {
  slow::Logic logic = {};
  std::vector<int> premises = {};
  int goal = 0;
};

Claim claim_of(const std::string& statement) {
  Claim claim;
  const std::size_t prove = statement.find("Prove: ");
  claim.goal = claim.logic.parse(statement.substr(prove + 7)).value();
  if (prove == 0) return claim;
  const std::string given = statement.substr(7, prove - 9);
  for (std::size_t at = 0; at < given.size();) {
    const std::size_t end = std::min(given.find("; ", at), given.size());
    claim.premises.push_back(claim.logic.parse(given.substr(at, end - at)).value());
    at = end + 2;
  }
  return claim;
}

// Follows a proof as the checker's labels and its scopes demand, and compares each label with what
// can be found by trying everything.
class Comparison {
 public:
  explicit Comparison(const std::string& statement) : claim_(claim_of(statement)) {}

  void compare(const Proof& proof, const std::vector<LineReport>& reports) {
    REQUIRE(reports.size() == proof.lines.size());
    const bool with_goal =
        std::ranges::any_of(proof.lines, [](const Line& line) { return line.body == "goal"; });
    body_.assign(proof.lines.size() + 1, -1);
    closed_.assign(proof.lines.size() + 1, false);
    tainted_.assign(proof.lines.size() + 1, false);
    for (const Line& line : proof.lines) {
      const LineReport& report = reports[std::size_t(line.number) - 1];
      // Without a goal's line the last line is blamed for that.
      if (!with_goal && line.number == int(proof.lines.size()) && report.defect == Defect::Other)
        break;
      CHECK_FALSE(report.working.empty());
      if (line.body == "goal")
        compare_goal(line, report);
      else
        compare_line(line, report);
      for (const int k : report.because) CHECK(tainted_[std::size_t(k)]);
      tainted_[std::size_t(line.number)] =
          report.status == Status::Wrong || report.status == Status::Depends;
    }
    if (halves_of(reports) == 2) CHECK(claim_.logic.entails(claim_.premises, claim_.goal));
  }

  int wrong_compared = 0, merged_compared = 0;

 private:
  std::vector<int> usable(int below, bool sound) const {
    std::vector<int> lines;
    for (int k = 1; k < below; ++k) {
      const auto at = std::size_t(k);
      if (body_[at] >= 0 && !closed_[at] && !(sound && tainted_[at])) lines.push_back(body_[at]);
    }
    return lines;
  }

  void compare_goal(const Line& line, const LineReport& report) {
    if (report.status == Status::Wrong || report.status == Status::Depends) return;
    CHECK(claim_.logic.entails(claim_.premises, claim_.goal));
    if (report.status != Status::Ok) return;
    REQUIRE(line.refs.size() == 1);
    const auto at = std::size_t(line.refs[0]);
    CHECK(body_[at] == claim_.goal);
    CHECK_FALSE(closed_[at]);
    CHECK((open_.empty() || line.refs[0] < open_.front()));
  }

  // What the line's rule gives, for a line that is said to be right.
  bool by_its_rule(const Line& line, int body) const {
    if (line.rule == "suppose") return line.refs.empty();
    if (line.rule == "given") {
      return line.refs.size() == 1 && line.refs[0] <= int(claim_.premises.size()) &&
             claim_.premises[std::size_t(line.refs[0]) - 1] == body;
    }
    std::vector<int> from;
    for (const int ref : line.refs) {
      if (ref >= line.number || closed_[std::size_t(ref)] || body_[std::size_t(ref)] < 0)
        return false;
      from.push_back(body_[std::size_t(ref)]);
    }
    if (line.rule == "impi") {
      const auto& logic = claim_.logic;
      return from.size() == 2 && !open_.empty() && line.refs[0] == open_.back() &&
             logic.op(body) == '>' && logic.left(body) == from[0] && logic.right(body) == from[1];
    }
    return claim_.logic.rule(line.rule, from, body);
  }

  void compare_line(const Line& line, const LineReport& report) {
    const int body = claim_.logic.parse(line.body).value_or(-1);
    CHECK((report.defect == Defect::Unreadable) == (body < 0));
    const int supposed = open_.empty() ? -1 : body_[std::size_t(open_.back())];
    const auto sound = usable(line.number, true), any = usable(line.number, false);
    auto& logic = claim_.logic;
    if (body >= 0 && line.rule != "suppose") {
      const bool right = by_its_rule(line, body);
      const bool restated = std::ranges::count(any, body) > 0;
      const bool one = restated || logic.in_one(claim_.premises, any, body, supposed);
      if (report.status == Status::Ok || report.defect == Defect::NoGoal) CHECK(right);
      if (report.defect == Defect::Reference) {
        CHECK_FALSE(right);
        CHECK((std::ranges::count(sound, body) > 0 ||
               logic.in_one(claim_.premises, sound, body, supposed)));
      }
      if (report.defect == Defect::Merged) {
        ++merged_compared;
        CHECK((std::ranges::count(sound, body) == 0 &&
               !logic.in_one(claim_.premises, sound, body, supposed)));
        CHECK(logic.in_two(claim_.premises, sound, body, supposed));
      }
      if (report.status == Status::Wrong) {
        ++wrong_compared;
        CHECK_FALSE(right);
        CHECK_FALSE(one);
        CHECK_FALSE(logic.in_two(claim_.premises, any, body, supposed));
        CHECK(report.working.ends_with("none"));
      }
    }
    follow_scope(line, report, body);
    if (report.status != Status::Ok && report.status != Status::Gap) return;
    std::vector<int> from = claim_.premises;
    for (const int k : open_) from.push_back(body_[std::size_t(k)]);
    CHECK(logic.entails(from, body));
  }

  void follow_scope(const Line& line, const LineReport& report, int body) {
    body_[std::size_t(line.number)] = body;
    if (line.rule == "suppose" && body >= 0) return open_.push_back(line.number);
    if (open_.empty()) return;
    const bool says = (report.status == Status::Wrong || (body >= 0 && by_its_rule(line, body))) &&
                      line.rule == "impi" && !line.refs.empty() && line.refs[0] == open_.back();
    const std::string meant = "impi " + std::to_string(open_.back()) + " ";
    // A discharge that depends on a wrong line shows in its working alone.
    const bool found =
        report.remedy.find(meant) != std::string::npos && report.status == Status::Gap;
    const std::string end = report.working.substr(report.working.rfind(';') + 1);
    const bool depends = report.status == Status::Depends &&
                         report.working.find(';') != std::string::npos && end.starts_with(" ") &&
                         discharges(end, body);
    if (!says && !found && !depends) return;
    for (int k = open_.back(); k < line.number; ++k) closed_[std::size_t(k)] = true;
    open_.pop_back();
  }

  // Whether the last step is "5: p 8: s gives p->s", or "... gives s 5: p gives p->s".
  bool discharges(const std::string& steps, int body) {
    auto& logic = claim_.logic;
    if (body < 0 || logic.op(body) != '>' || logic.left(body) != body_[std::size_t(open_.back())])
      return false;
    const std::string name = " " + std::to_string(open_.back()) + ": ";
    const std::size_t at = steps.rfind(name);
    if (at == std::string::npos) return false;
    const std::string before = steps.substr(0, at), after = steps.substr(at + name.size());
    if (after.find(" gives ") != after.rfind(" gives ")) return false;
    if (after.find(": ") != std::string::npos) return true;  // the other line stands behind it
    const std::size_t given = before.rfind("given "), gives = before.rfind(" gives ");
    const std::size_t last = before.find_last_of(' ') + 1;
    return (given != std::string::npos || gives != std::string::npos) &&
           logic.parse(before.substr(last)) == logic.right(body);
  }

  Claim claim_;
  std::vector<int> body_ = {};
  std::vector<bool> closed_ = {};
  std::vector<bool> tainted_ = {};
  std::vector<int> open_ = {};
};

void compare_right_proofs(uint64_t seed, int level, int count) {
  Random random(seed);
  for (int k = 0; k < count; ++k) {
    const std::string statement = rules().sample(level, random);
    CAPTURE(statement);
    REQUIRE(std::get<std::string>(rules().read(statement)) == statement);
    const auto proof = rules().prove(statement, random);
    REQUIRE(proof);
    const auto reports = rules().check(statement, *proof);
    CHECK(halves_of(reports) == 2);
    for (const LineReport& report : reports) CHECK(report.status == Status::Ok);
    for (const LineReport& report : reports) CHECK(report.needed);
    Comparison(statement).compare(*proof, reports);
  }
}

struct Compared {
  int wrong = 0, merged = 0;
  std::map<int, int> halves = {};
};

Compared compare_spoilt_proofs(uint64_t seed, int level, int count) {
  Random random(seed);
  Compared compared;
  for (int k = 0; k < count; ++k) {
    const std::string statement = rules().sample(level, random);
    const Spoilt spoilt = rules().spoil(statement, *rules().prove(statement, random), random);
    const std::string text = to_text(spoilt.proof);
    CAPTURE(statement);
    CAPTURE(text);
    REQUIRE(std::holds_alternative<Proof>(read_proof(text)));
    CHECK(spoilt.injections.size() >= 1);
    CHECK(spoilt.injections.size() <= 3);
    const auto reports = rules().check(statement, spoilt.proof);
    Comparison comparison(statement);
    comparison.compare(spoilt.proof, reports);
    compared.wrong += comparison.wrong_compared;
    compared.merged += comparison.merged_compared;
    ++compared.halves[halves_of(reports)];
  }
  return compared;
}

// Lines that nobody would write, built of what occurs in proofs.
std::string hostile_line(Random& random, int number, bool with_scopes) {
  static const std::vector<std::string> bodies = {
      "p",       "q",    "!p",   "!!p",  "p->q",  "q->r", "p->(q->p)", "p|q", "p&q", "!q|p",
      "(p&q)|r", "goal", "p->p", "q->p", "p v q", "((",   "goal goal", "p q", "r",   "p->r"};
  static const std::vector<std::string> names = {"given", "mp",  "mt",    "hs",   "ds", "andi",
                                                 "ande",  "ori", "cases", "impi", "",   "raa"};
  std::string rule = random.pick(names);
  if (with_scopes && random.chance(0.3)) rule = random.chance(0.5) ? "suppose" : "impi";
  std::string text = std::to_string(number) + ". " + random.pick(bodies) + " [" + rule;
  const int64_t refs = rule == "suppose" && random.chance(0.7) ? 0 : random.below(4);
  for (int64_t k = 0; k < refs; ++k)
    text += " " + std::to_string(random.chance(0.05) ? 9999 : random.between(1, number));
  return text + "]\n";
}

void compare_hostile_proofs(uint64_t seed, int count) {
  Random random(seed);
  const std::vector<std::string> statements = {"Given: p->q; q->r; p. Prove: r",
                                               "Given: p|q; !q. Prove: p->p", "Prove: p->(q->p)",
                                               "Given: p; !p. Prove: q"};
  for (int k = 0; k < count; ++k) {
    const std::string& statement = random.pick(statements);
    std::string text;
    const int lines = int(random.between(1, 9));
    for (int i = 1; i <= lines; ++i) text += hostile_line(random, i, true);
    CAPTURE(statement);
    CAPTURE(text);
    const Proof proof = proof_of(text);
    Comparison(statement).compare(proof, rules().check(statement, proof));
  }
}

const std::string kStatement = "Given: p->q; q->(r&s); t|p; !t. Prove: s";
const std::string kStart = "1. t|p [given 3]\n2. !t [given 4]\n3. p [ds 1 2]\n4. p->q [given 1]\n";
const std::string kRight = kStart +
                           "5. q [mp 4 3]\n6. q->(r&s) [given 2]\n7. r&s [mp 6 5]\n"
                           "8. s [ande 7]\n9. goal [8]\n";

}  // namespace

TEST_SUITE("theorems/deduction") {
  TEST_CASE("a right proof is right in every line, and each working ends in what the line says") {
    CHECK(verdict(kStatement, kRight) == "ok; ok; ok; ok; ok; ok; ok; ok; ok; 2");
    CHECK(report_of(kStatement, kRight, 1).working == "3: t|p");
    CHECK(report_of(kStatement, kRight, 3).working == "1: t|p 2: !t gives p");
    CHECK(report_of(kStatement, kRight, 5).working == "4: p->q 3: p gives q");
    CHECK(report_of(kStatement, kRight, 8).working == "7: r&s gives r, s");
    CHECK(report_of(kStatement, kRight, 9).working == "8: s");
  }

  TEST_CASE("a missing rule or reference is a gap if the line follows by one rule") {
    const auto line = report_of(kStatement, kStart + "5. q []\n", 5);
    CHECK(line.working.starts_with("none; 4: p->q 3: p gives q"));
    CHECK(line.status == Status::Wrong);  // for nothing is proved there
    const auto before = report_of(kStatement, kStart + "5. q []\n6. r [mp 1 2]\n", 5);
    CHECK(label(before) == "gap reference");
    CHECK(before.working == "none; 4: p->q 3: p gives q");
    CHECK(before.remedy == "q [mp 4 3]");
    CHECK(label(report_of(kStatement, kStart + "5. q [mp 3 4]\n6. r [mp 1 2]\n", 5)) == "ok");
    CHECK(label(report_of(kStatement, kStart + "5. q [mt 4 3]\n6. r [mp 1 2]\n", 5)) ==
          "gap reference");
  }

  TEST_CASE("two rules in one line are a gap whose remedy is both lines") {
    const auto line =
        report_of("Given: p->q; p. Prove: q", "1. p [given 2]\n2. q [mp 1]\n3. goal [2]\n", 2);
    CHECK(label(line) == "gap merged");
    CHECK(line.working == "1: p none; given 1: p->q 1: p gives q");
    CHECK(line.remedy == "p->q [given 1]; q [mp 2 1]");
    CHECK(verdict("Given: p->q; p. Prove: q", "1. p->q [given 1]\n2. p [given 2]\n3. goal [2]\n") ==
          "ok; ok; gap merged; 1");
  }

  TEST_CASE("affirming the consequent is wrong, and what is built on it depends on it") {
    const std::string statement = "Given: p->q; q; p->r; s. Prove: r";
    const std::string lines =
        "1. p->q [given 1]\n2. q [given 2]\n3. p [mp 1 2]\n4. p->r [given 3]\n5. r [mp 4 3]\n"
        "6. goal [5]\n";
    CHECK(verdict(statement, lines) == "ok; ok; wrong rule; ok; depends 3; depends 5; 0");
    CHECK(report_of(statement, lines, 3).working == "1: p->q 2: q none");
  }

  TEST_CASE("a wrong line tells the right one") {
    const auto copied = report_of(kStatement, "1. t|q [given 3]\n2. !t [given 4]\n", 1);
    CHECK(label(copied) == "wrong operand");
    CHECK(copied.working == "3: t|p; none");
    CHECK(copied.remedy == "t|p [given 3]");
    const auto other = report_of(kStatement, kStart + "5. !q [mp 4 3]\n6. s [mp 1 2]\n", 5);
    CHECK(label(other) == "wrong operand");
    CHECK(other.working == "4: p->q 3: p gives q; none");
    CHECK(other.remedy == "q [mp 4 3]");
    const auto forced = report_of(kStatement, kStart + "5. goal [3]\n", 5);
    CHECK(label(forced) == "wrong forced");
    CHECK(forced.repair == "4: p->q 3: p gives q");
    CHECK(forced.remedy == "q [mp 4 3]");
  }

  TEST_CASE("a line cannot use itself or a later one") {
    CHECK(verdict(kStatement, "1. s [ande 1]\n2. goal [1]\n") == "wrong order; depends 1; 0");
    CHECK(report_of(kStatement, "1. s [ande 2]\n2. goal [1]\n", 1).working == "2: later none");
  }

  TEST_CASE("a wrong line that the goal does not use costs half") {
    CHECK(verdict("Given: p; q. Prove: p", "1. p [given 1]\n2. r [given 2]\n3. goal [1]\n") ==
          "ok; wrong operand*; ok; 1");
  }

  TEST_CASE(
      "a missing goal's line is a gap if the goal stands there, else something else is proved") {
    const std::string lines = kRight.substr(0, kRight.find("9."));
    CHECK(verdict(kStatement, lines) == "ok; ok; ok; ok; ok; ok; ok; gap no goal; 1");
    CHECK(verdict(kStatement, kStart) == "ok*; ok*; ok*; wrong other; 0");
  }

  TEST_CASE("a supposition is discharged by the line that draws the implication") {
    const std::string statement = "Given: p->q; q->r. Prove: p->r";
    const std::string inside =
        "1. p->q [given 1]\n2. q->r [given 2]\n3. p [suppose]\n4. q [mp 1 3]\n5. r [mp 2 4]\n";
    CHECK(verdict(statement, inside + "6. p->r [impi 3 5]\n7. goal [6]\n") ==
          "ok; ok; ok; ok; ok; ok; ok; 2");
    // Without the discharge, the step to the goal is missing; hs would be one.
    CHECK(verdict(statement, inside + "6. goal [5]\n") == "ok; ok; ok*; ok*; ok*; gap merged; 1");
  }

  TEST_CASE("lines inside a supposition cannot be used outside") {
    const std::string statement = "Given: p->q; q->r. Prove: r";
    const std::string lines =
        "1. p->q [given 1]\n2. p [suppose]\n3. q [mp 1 2]\n4. p->q [impi 2 3]\n5. q->r [given 2]\n"
        "6. r [mp 5 3]\n7. goal [6]\n";
    CHECK(verdict(statement, lines) == "ok; ok; ok; ok*; ok; wrong rule; depends 6; 0");
    CHECK(report_of(statement, lines, 6).working == "5: q->r 3: closed none");
    CHECK(verdict("Given: q. Prove: p", "1. p [suppose]\n2. goal [1]\n") == "ok; wrong forced; 0");
    CHECK(report_of("Given: q. Prove: p", "1. p [suppose]\n2. goal [1]\n", 2).working ==
          "1: open; none");
  }

  TEST_CASE("only the innermost supposition can be discharged") {
    CHECK(verdict("Given: t. Prove: p->p",
                  "1. p [suppose]\n2. q [suppose]\n3. p->q [impi 1 2]\n4. goal [3]\n")
              .ends_with("0"));
  }

  TEST_CASE("statements are brought into one form") {
    const auto form = [](const char* text) {
      const auto read = rules().read(text);
      return std::holds_alternative<NotOfFamily>(read) ? "no: " + std::get<NotOfFamily>(read).reason
                                                       : std::get<std::string>(read);
    };
    CHECK(form("  Given:p->q ;p.  Prove:q. ") == "Given: p->q; p. Prove: q");
    CHECK(form("Prove: p -> q -> p") == "Prove: p->(q->p)");
    CHECK(form("Given: p v q. Prove: p") == "no: premise 1 is no formula");
    CHECK(form("Given: . Prove: p") == "no: there are no premises after \"Given:\"");
    CHECK(form("Prove: 3 | n") == "no: what is to be proved is no formula");
    CHECK(form("p->q") == "no: there is no \"Prove:\"");
    CHECK(form("Prove: a&b&c&d&e&f&g&h&i") == "no: more than 8 different letters");
  }

  TEST_CASE("the names of the atoms and the order of the premises do not count") {
    const auto same = [](const char* a, const char* b) {
      return rules().canonical(a) == rules().canonical(b);
    };
    CHECK(same("Given: p->q; p. Prove: q", "Given: x; x->b. Prove: b"));
    CHECK_FALSE(same("Given: p->q; p. Prove: q", "Given: p->q; q. Prove: p"));
    CHECK_FALSE(same("Given: p|q; p. Prove: q", "Given: p&q; p. Prove: q"));
    CHECK(same("Given: p|q; q|r; r|s; s|p. Prove: t", "Given: c|a; b|c; a|d; d|b. Prove: e"));
    CHECK(rules().canonical("Given: x->b; x. Prove: b") == "Given: a; a->b. Prove: b");

    Random random(11);
    for (int k = 0; k < 2000; ++k) {
      const std::string statement = rules().sample(int(1 + k % 4), random);
      std::vector<char> names;
      for (char c = 'a'; c <= 'u'; ++c) names.push_back(c);
      for (char c = 'w'; c <= 'z'; ++c) names.push_back(c);
      random.shuffle(names);
      const std::size_t prove = statement.find("Prove: ");
      const auto renamed = [&](std::string text) {
        for (char& c : text)
          if (c >= 'a' && c <= 'z') c = names[std::size_t(c > 'v' ? c - 'b' : c - 'a')];
        return text;
      };
      std::vector<std::string> premises;
      for (std::size_t at = 7; at + 2 < prove;) {
        const std::size_t end = std::min(statement.find("; ", at), prove - 2);
        premises.push_back(renamed(statement.substr(at, end - at)));
        at = end + 2;
      }
      random.shuffle(premises);
      std::string other = "Given: ";
      for (const std::string& premise : premises)
        other += (&premise == premises.data() ? "" : "; ") + premise;
      other += ". Prove: " + renamed(statement.substr(prove + 7));
      CAPTURE(statement);
      CAPTURE(other);
      CHECK(same(statement.c_str(), other.c_str()));
      CHECK(rules().canonical(rules().canonical(statement)) == rules().canonical(statement));
    }
  }

  TEST_CASE("a statement in TeX reads as the same statement") {
    CHECK(rules().to_tex("Given: p->(q&!r); p|s. Prove: q") ==
          "Given: p \\to (q \\land \\lnot r); p \\lor s. Prove: q");
    Random random(3);
    for (int k = 0; k < 500; ++k) {
      const std::string statement = rules().sample(1 + k % 4, random);
      CHECK(std::get<std::string>(rules().read(rules().to_tex(statement))) == statement);
    }
  }

  TEST_CASE("what the rules can reach is proved, what is false is not") {
    Random random(4);
    for (const char* statement :
         {"Prove: p->p", "Prove: p->(q->p)", "Given: p. Prove: p", "Given: p; q. Prove: q&p",
          "Given: p->q; q->r; r->s. Prove: p->s", "Given: p->(q->r). Prove: q->(p->r)",
          "Given: (p->q)->r; q. Prove: r", "Given: p->(q->r); p->q. Prove: p->r",
          "Given: p|q; p->r; q->s. Prove: !r->s", "Prove: (p&q)->(q&p)",
          "Given: (p->r)->s; p->q; q->r. Prove: s|t", "Given: !!p. Prove: q->!!p"}) {
      CAPTURE(statement);
      const auto proof = rules().prove(statement, random);
      REQUIRE(proof);
      CAPTURE(to_text(*proof));
      CHECK(halves_of(rules().check(statement, *proof)) == 2);
    }
    for (const char* statement : {"Prove: p", "Given: p->q; q. Prove: p", "Given: p|q. Prove: p&q"})
      CHECK_FALSE(rules().prove(statement, random));
  }

  TEST_CASE("sampled statements keep to the lines of their level") {
    constexpr int kLow[] = {3, 5, 7, 10, 15}, kHigh[] = {4, 6, 9, 14, 20};
    Random random(5);
    for (int level = 1; level <= kLevels; ++level) {
      int suppositions = 0;
      const int count = level == 5 ? 40 : 200;
      for (int k = 0; k < count; ++k) {
        const std::string statement = rules().sample(level, random);
        const Proof proof = rules().prove(statement, random).value();
        const int lines = int(proof.lines.size()) - 1;
        CHECK(lines >= kLow[level - 1]);
        CHECK(lines <= kHigh[level - 1] + 1);  // another search may find another proof
        suppositions += std::ranges::count(proof.lines, "suppose", &Line::rule) > 0;
      }
      if (level < 4)
        CHECK(suppositions == 0);
      else
        CHECK(suppositions > count / 3);
    }
  }

  TEST_CASE("the same seed gives the same statements, proofs and errors") {
    const auto all = [] {
      Random random(6);
      std::string text;
      for (int k = 0; k < 20; ++k) {
        const std::string statement = rules().sample(1 + k % 4, random);
        const Proof proof = rules().prove(statement, random).value();
        text += statement + to_text(proof) + to_text(rules().spoil(statement, proof, random).proof);
      }
      return text;
    };
    CHECK(all() == all());
  }

  TEST_CASE("right proofs are right for a slow judge too") {
    for (int level = 1; level <= 4; ++level) compare_right_proofs(uint64_t(20 + level), level, 150);
  }

  TEST_CASE("labels of spoilt proofs are what a slow judge finds") {
    Compared all;
    for (int level = 1; level <= 4; ++level) {
      const Compared some = compare_spoilt_proofs(uint64_t(30 + level), level, 60);
      all.wrong += some.wrong;
      all.merged += some.merged;
      for (const auto& [halves, count] : some.halves) all.halves[halves] += count;
    }
    CHECK(all.wrong > 40);
    CHECK(all.merged > 40);
    CHECK(all.halves[0] > 80);
    CHECK(all.halves[1] > 80);
  }

  TEST_CASE("hostile proofs are judged as a slow judge does") { compare_hostile_proofs(40, 1500); }

  TEST_CASE("long hostile proofs get a report in time") {
    Random random(41);
    std::string text;
    for (int k = 1; k <= int(kProofLinesMax); ++k) text += hostile_line(random, k, k % 7 == 0);
    CHECK(rules().check(kStatement, proof_of(text)).size() == kProofLinesMax);
    std::string deep = "1. " + std::string(150, '(') + "p" + std::string(150, ')') + " [given 1]\n";
    deep += "2. " + std::string(300, '!') + "p [mt 1 1]\n3. goal [9999]\n";
    CHECK(label(report_of(kStatement, deep, 1)) == "wrong unreadable");
    CHECK(label(report_of(kStatement, deep, 3)) == "wrong order");
  }
}

TEST_SUITE("slow/theorems/deduction") {
  TEST_CASE("a hundred thousand right proofs are right for a slow judge too") {
    for (int level = 1; level <= 3; ++level)
      compare_right_proofs(uint64_t(120 + level), level, 32000);
    compare_right_proofs(124, 4, 5000);
    compare_right_proofs(125, 5, 1000);
  }

  TEST_CASE("labels of many spoilt proofs are what a slow judge finds") {
    for (int level = 1; level <= 3; ++level)
      compare_spoilt_proofs(uint64_t(130 + level), level, 10000);
    compare_spoilt_proofs(134, 4, 2000);
    compare_spoilt_proofs(135, 5, 300);
  }

  TEST_CASE("a hundred thousand hostile proofs are judged as a slow judge does") {
    compare_hostile_proofs(140, 30000);
  }
}
