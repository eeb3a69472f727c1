#include "theorems/formula.h"

#include <doctest/doctest.h>

#include "tests/theorems/slow_logic.h"
#include "theorems/random.h"

using theorems::FormulaId;
using theorems::Formulas;
using theorems::Random;

namespace {

std::string brought_into_form(std::string_view text) {
  Formulas formulas;
  const auto f = formulas.read(text);
  return f ? formulas.text(*f) : "no formula";
}

std::string random_formula(Random& random, int depth, int atoms) {
  if (depth == 0 || random.chance(0.2)) return std::string(1, char('a' + random.below(atoms)));
  const std::string left = random_formula(random, depth - 1, atoms);
  const std::string right = random_formula(random, depth - 1, atoms);
  switch (random.below(6)) {
    case 0:
      return "!" + left;
    case 1:
      return "(" + left + ")";
    case 2:
      return left + " & " + right;
    case 3:
      return left + "|" + right;
    case 4:
      return left + "->" + right;
    default:
      return "!(" + left + "->" + right + ")";
  }
}

}  // namespace

TEST_SUITE("theorems/formula") {
  TEST_CASE("not binds closest, then and, or, implies, which groups to the right") {
    CHECK(brought_into_form("!p&q|r->s") == "((!p&q)|r)->s");
    CHECK(brought_into_form("p->q->r") == "p->(q->r)");
    CHECK(brought_into_form("(p->q)->r") == "(p->q)->r");
    CHECK(brought_into_form("p&q&r") == "(p&q)&r");
    CHECK(brought_into_form(" ! ! ( ( p ) ) ") == "!!p");
    CHECK(brought_into_form("!(p|q)") == "!(p|q)");
  }

  TEST_CASE("TeX is read as well, and what is written in TeX reads as the same formula") {
    CHECK(brought_into_form("p \\land q \\to \\lnot r \\lor s") == "(p&q)->(!r|s)");
    CHECK(brought_into_form("\\neg p \\wedge q \\Rightarrow r\\vee s") == "(!p&q)->(r|s)");
    Random random(1);
    for (int k = 0; k < 2000; ++k) {
      Formulas formulas;
      const FormulaId f = formulas.read(random_formula(random, 4, 5)).value();
      CHECK(formulas.read(formulas.tex(f)) == f);
      CHECK(formulas.read(formulas.text(f)) == f);
    }
  }

  TEST_CASE("what is no formula is refused") {
    for (const char* text :
         {"",     " ", "p q", "p&",  "&p",  "(p", "p)",     "()",        "!",  "p->",
          "p<-q", "P", "v",   "p=q", "p-q", "1",  "p || q", "p \\foo q", "->", "p!q"})
      CHECK_MESSAGE(brought_into_form(text) == "no formula", text);
  }

  TEST_CASE("formulas nested too deeply are refused") {
    CHECK(brought_into_form(std::string(10, '!') + "p") == std::string(10, '!') + "p");
    CHECK(brought_into_form(std::string(100000, '!') + "p") == "no formula");
    CHECK(brought_into_form(std::string(100000, '(')) == "no formula");
    std::string chain = "p", arrows = "p";
    for (int k = 0; k < 5000; ++k) chain += "&p", arrows += "->p";
    CHECK(brought_into_form(chain) == "no formula");
    CHECK(brought_into_form(arrows) == "no formula");
  }

  TEST_CASE("equal formulas are the same formula") {
    Formulas formulas;
    CHECK(formulas.read("p->(q&r)") == formulas.read("(p) -> q & r"));
    CHECK(formulas.read("p&q") != formulas.read("q&p"));
    CHECK(formulas.opposite(*formulas.read("!p")) == *formulas.read("p"));
    CHECK(formulas.opposed(*formulas.read("!!p"), *formulas.read("!p")));
    CHECK_FALSE(formulas.opposed(*formulas.read("!!p"), *formulas.read("p")));
  }

  TEST_CASE("truth tables decide what follows") {
    Formulas f;
    const auto id = [&](const char* text) { return f.read(text).value(); };
    CHECK(entails(f, {id("p->q"), id("p")}, id("q")) == true);
    CHECK(entails(f, {id("p->q"), id("q")}, id("p")) == false);
    CHECK(entails(f, {}, id("p|!p")) == true);
    CHECK(satisfiable(f, {id("p"), id("!p|q")}) == true);
    CHECK(satisfiable(f, {id("p"), id("!p|q"), id("!q")}) == false);
    CHECK(entails(f, {id("a&b&c&d&e&f&g&h")}, id("a")) == true);
    CHECK(entails(f, {id("a&b&c&d&e&f&g&h")}, id("i")) == std::nullopt);
  }

  TEST_CASE("reading and truth tables agree with a slow judge") {
    Random random(2);
    int entailed = 0;
    for (int k = 0; k < 5000; ++k) {
      Formulas fast;
      slow::Logic slow;
      std::vector<FormulaId> ours;
      std::vector<int> theirs;
      for (int i = 0; i < 3; ++i) {
        const std::string text = random_formula(random, 3, 4);
        ours.push_back(fast.read(text).value());
        theirs.push_back(slow.parse(text).value());
        CHECK(slow.parse(fast.text(ours.back())) == theirs.back());
      }
      const auto said = entails(fast, {ours[0], ours[1]}, ours[2]);
      CHECK(said == slow.entails({theirs[0], theirs[1]}, theirs[2]));
      entailed += said.value();
    }
    CHECK(entailed > 500);
    CHECK(entailed < 4500);
  }
}
