#include "engine/grammar.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>

#include "engine/sampling.h"
#include "tests/engine/tokens_kit.h"

using engine::ClosingLine;
using engine::ClosingLineGrammar;
using engine::Grammar;
using engine_kit::tokenizer_of;

namespace {

const ClosingLine kVerdict{.opener = "Verdict: ", .choices = {"0", "0.5", "1"}};

// Tokens over all the borders that there are. Bytes are tokens 0 to 255.
enum : int32_t { LineVerdict = 256, Verd, Zero, ZeroEnd, Because, Half, Point5, Blank, End, Think };
const model::Tokenizer& tokenizer() {
  static const model::Tokenizer all = tokenizer_of(
      {"\nVerdict", "Verd", "Verdict: 0", "t: 0.5\n", ": 1 because", "Verdict: 0.5", ".5", "\n\n"},
      {"<end>", "0<think>"});
  return all;
}

class Talk {
 public:
  explicit Talk(const ClosingLine& line = kVerdict) : rules_(tokenizer(), line, {End}) {
    grammar_ = rules_.start();
  }
  bool may(int32_t token) const { return std::ranges::binary_search(*grammar_->allowed(), token); }
  void say(int32_t token) {
    REQUIRE(may(token));
    grammar_->accept(token);
  }
  void say(const std::string& text) {
    for (const char c : text) say(int32_t(static_cast<unsigned char>(c)));
  }
  // The bytes that may come next, and '$' for the end.
  std::string next() const {
    std::string bytes;
    for (const int32_t token : *grammar_->allowed())
      if (token < 256) bytes += char(token);
    return may(End) ? bytes + "$" : bytes;
  }
  Grammar& grammar() { return *grammar_; }

 private:
  ClosingLineGrammar rules_;
  std::unique_ptr<Grammar> grammar_;
};

}  // namespace

TEST_SUITE("engine/grammar") {
  TEST_CASE("anything may be said, except the end, until the line begins") {
    Talk talk;
    CHECK(talk.next().size() == 256);
    CHECK_FALSE(talk.may(End));

    talk.say("We see Verdict: nothing\n");

    CHECK(talk.next().size() == 256);
    CHECK_FALSE(talk.may(End));
  }

  TEST_CASE("after the opener come a choice and the end") {
    Talk talk;
    talk.say("Fine.\nVerdict: ");
    CHECK(talk.next() == "01");

    talk.say("0");
    CHECK(talk.next() == ".$");
    CHECK(talk.may(Point5));
    talk.say(".");
    CHECK(talk.next() == "5");
    talk.say("5");
    CHECK(talk.next() == "$");
    talk.say(End);
  }

  TEST_CASE("the line may be the first") {
    Talk talk;
    talk.say("Verdict: 1");
    CHECK(talk.next() == "$");
  }

  TEST_CASE("an opener inside a line is free text") {
    Talk talk;
    talk.say(" Verdict: x");
    CHECK(talk.next().size() == 256);
  }

  TEST_CASE("a beginning that turns out to be another word is free text") {
    Talk talk;
    talk.say("Verdicts\nVerdict: 1");
    CHECK(talk.next() == "$");
  }

  TEST_CASE("tokens over the line's borders are allowed just where they fit") {
    Talk talk;
    CHECK(talk.may(Zero));
    CHECK(talk.may(Half));
    CHECK(talk.may(ZeroEnd));  // at the begin of a line it is free text
    CHECK(talk.may(Because));
    CHECK(talk.may(LineVerdict));

    talk.say(LineVerdict);
    CHECK_FALSE(talk.may(Because));  // ": 1 because" would go on after the choice
    CHECK(talk.may(':'));
  }

  TEST_CASE("a token that runs over the choice is not allowed") {
    Talk talk;
    talk.say("Verdic");
    CHECK_FALSE(talk.may(ZeroEnd));  // "t: 0.5\n"
    talk.say("x");
    CHECK(talk.may(ZeroEnd));
  }

  TEST_CASE("a token may hold opener and choice") {
    Talk talk;
    talk.say(Zero);
    CHECK(talk.next() == ".$");
    CHECK(talk.may(Point5));
    talk.say(Point5);
    CHECK(talk.next() == "$");
  }

  TEST_CASE("control tokens are free text and never part of the line") {
    Talk talk;
    CHECK(talk.may(Think));
    talk.say("Verdict: ");
    CHECK_FALSE(talk.may(Think));
  }

  TEST_CASE("barred tokens are never said, whatever they would write") {
    ClosingLine line = kVerdict;
    line.barred_tokens = {Think, Zero};  // in any order
    Talk talk(line);
    CHECK_FALSE(talk.may(Think));
    CHECK_FALSE(talk.may(Zero));
    talk.say("Verdict: 1");
    CHECK(talk.next() == "$");
  }

  TEST_CASE("after a marker the grammar holds, and before it nothing does") {
    const ClosingLineGrammar rules(tokenizer(), kVerdict, {End});
    const auto grammar = engine::grammar_after(Think, rules.start());
    CHECK(grammar->allowed() == nullptr);
    for (const int32_t token : {int32_t(End), int32_t(Zero), int32_t('x')}) grammar->accept(token);
    CHECK(grammar->allowed() == nullptr);

    grammar->accept(Think);

    REQUIRE(grammar->allowed() != nullptr);
    CHECK_FALSE(std::ranges::binary_search(*grammar->allowed(), End));
    grammar->accept(Zero);  // at the begin of a line: what was said before the marker is no text
    CHECK(std::ranges::binary_search(*grammar->allowed(), End));
    grammar->accept(Point5);
    CHECK_THROWS_AS(grammar->accept(Think), std::logic_error);  // the first marker counts
  }

  TEST_CASE("who has spoken long enough must begin the line") {
    ClosingLine line = kVerdict;
    line.free_tokens_max = 3;
    Talk talk(line);
    talk.say("abc");

    CHECK(talk.next() == "\n");
    CHECK(talk.may(LineVerdict));
    CHECK_FALSE(talk.may(Blank));
    talk.say("\n");
    CHECK(talk.next() == "V");
    CHECK(talk.may(Verd));
    CHECK(talk.may(Zero));
    talk.say(Verd);
    CHECK(talk.next() == "i");
    talk.say("ict: 0.5");
    CHECK(talk.next() == "$");
  }

  TEST_CASE("who is forced at a line's begin, or inside the opener, goes on there") {
    ClosingLine line = kVerdict;
    line.free_tokens_max = 3;
    Talk at_begin(line), inside(line);
    at_begin.say("ab\n");
    CHECK(at_begin.next() == "V");
    inside.say("a\nV");
    CHECK(inside.next() == "e");
  }

  TEST_CASE("who began the line in time is not forced") {
    ClosingLine line = kVerdict;
    line.free_tokens_max = 1;
    Talk talk(line);
    talk.say(Zero);
    CHECK(talk.next() == ".$");
  }

  TEST_CASE("whatever is drawn, the text ends with exactly one closing line") {
    ClosingLine line = kVerdict;
    line.free_tokens_max = 12;
    const ClosingLineGrammar rules(tokenizer(), line, {End});
    int choices[3] = {};
    for (uint64_t seed = 0; seed < 500; ++seed) {
      const auto grammar = rules.start();
      std::string text;
      for (uint64_t turn = 0;; ++turn) {
        REQUIRE(turn < 100);
        const auto& allowed = *grammar->allowed();
        REQUIRE(std::ranges::is_sorted(allowed));
        REQUIRE(!allowed.empty());
        const auto pick = std::size_t(engine::uniform(seed, 0, turn) * double(allowed.size()));
        grammar->accept(allowed[pick]);
        if (allowed[pick] == End) break;
        text += tokenizer().bytes(allowed[pick]);
      }
      const std::size_t line_begin = text.rfind('\n') + 1;
      const std::string last = text.substr(line_begin);
      const auto choice =
          std::ranges::find(kVerdict.choices, last.substr(std::min(last.size(), std::size_t(9))));
      CHECK(last.starts_with("Verdict: "));
      REQUIRE(choice != kVerdict.choices.end());
      ++choices[choice - kVerdict.choices.begin()];
      CHECK(text.substr(0, line_begin).find("\nVerdict: ") == std::string::npos);
    }
    for (const int count : choices) CHECK(count > 20);
  }

  TEST_CASE("a token that is not allowed is a mistake of the caller") {
    Talk talk;
    CHECK_THROWS_AS(talk.grammar().accept(End), std::logic_error);
  }

  TEST_CASE("each sample goes its own way") {
    const ClosingLineGrammar rules(tokenizer(), kVerdict, {End});
    const auto a = rules.start(), b = rules.start();
    a->accept(Zero);
    CHECK(a->allowed()->size() == 3);
    CHECK(b->allowed()->size() > 256);
  }

  TEST_CASE("a line that cannot be is refused") {
    const auto refused = [&](ClosingLine line, std::vector<int32_t> ends) {
      CHECK_THROWS_AS(ClosingLineGrammar(tokenizer(), std::move(line), std::move(ends)),
                      std::invalid_argument);
    };
    refused({.opener = "", .choices = {"0"}}, {End});
    refused({.opener = "a\nb", .choices = {"0"}}, {End});
    refused({.opener = "a", .choices = {}}, {End});
    refused({.opener = "a", .choices = {"0", ""}}, {End});
    refused({.opener = "a", .choices = {"0"}}, {});
    refused({.opener = std::string(128, 'a'), .choices = {"0"}}, {End});
  }

  TEST_CASE("tokens that cannot write the line are noticed before anybody speaks") {
    const auto few = tokenizer_of({"xy"}, {"<end>"});
    // All bytes end the text here, so that none is left to write with.
    std::vector<int32_t> ends(256);
    for (int32_t i = 0; i < 256; ++i) ends[std::size_t(i)] = i;
    CHECK_THROWS_AS(ClosingLineGrammar(few, kVerdict, ends), std::invalid_argument);
  }
}
