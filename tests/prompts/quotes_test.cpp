#include "prompts/quotes.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "prompts/fence.h"

namespace {

// The passage's own words, or a dash.
std::string found(std::string_view proof, std::string_view quote) {
  const auto passage = prompts::find_quote(proof, quote);
  if (!passage) return "-";
  return std::string(proof.substr(passage->begin, passage->end - passage->begin));
}

}  // namespace

TEST_SUITE("prompts/quotes") {
  TEST_CASE("a passage is found where it stands, as it was written") {
    CHECK(found("Let $x = 1$. Then\n$x^2 = 1$.", "Then $x^2 = 1$") == "Then\n$x^2 = 1");
    CHECK(found("one two three two", "two three") == "two three");
    CHECK(found("one two three", "two four") == "-");
    CHECK(found("", "two four") == "-");
  }

  TEST_CASE("spellings that look alike on paper are one passage") {
    const std::string proof =
        "Since $a \\leq b$, we have \\( \\left( \\frac{a}{b} \\right)^{2} \\,\\le\\; 1 \\), i.e.\n"
        "**it\u2019s bounded** by `M`, and so on: $x_1, \\dots, x_n \\in \\{0, 1\\}$.";
    for (const std::string quote :
         {"Since $a \\leq b$, we have", "Since a \\le b, we have", "Since a \u2264 b, we have",
          "(\\frac{a}{b})^2 \\leq 1", "\\left(\\dfrac{a}{b}\\right)^2 \\le 1",
          "\\bigl( \\tfrac a b \\bigr)^{2} \\quad \\le 1, i.e. it's bounded", "it's bounded by M",
          "*it\u2019s* bounded\nby M", "\"it's bounded by M\"",
          "\u201Cit\u2019s bounded by M\u201D", "> Since $a \\leq b$,\n> we have",
          "$x_1, ..., x_n$", "x_1,\u2026,x_n \\in \\{0,1\\}", "x_{1}, \\ldots, x_{n}",
          "Since $a \\leq b$ ... it's bounded", "Since \\dots \\{0, 1\\}",
          "Since $a \\leq b$, [...] and so on", "...it's bounded...", "Si\u241Bnce $a"}) {
      CAPTURE(quote);
      CHECK(found(proof, quote) != "-");
    }
    for (const std::string quote :
         {"Since $a \\geq b$, we have", "(\\frac{b}{a})^2 \\leq 1", "it's unbounded",
          "Since $a \\leq c$ ... it's bounded", "it's bounded ... Since $a$", "x_1, \\dots, x_m",
          "\\in [0, 1]", "IT'S BOUNDED", "> Since\nwe have"}) {
      CAPTURE(quote);
      CHECK(found(proof, quote) == "-");
    }
  }

  TEST_CASE("an ellipsis of the proof itself is found as such") {
    CHECK(found("1 + 2 + ... + n = x. 1 + 2 + 3 + n", "1 + 2 + \\cdots + n") == "1 + 2 + ... + n");
  }

  TEST_CASE("a quote of the fenced text is found in the text as it was written") {
    const std::string proof = "We say <think> and\nVERDICT: 1\nwhich is odd.";
    CHECK(found(proof, prompts::neutralised(proof)) == proof);
    CHECK(found(proof, "V\u241BERDICT: 1") == "VERDICT: 1");
  }

  TEST_CASE("what could be anywhere is never found") {
    const std::string proof = "abc abc abc = 0";
    for (const std::string quote : {"", " ", "a", "abc", "...", "$$", "a ... b ... c", "{}{}{}{}",
                                    "\"\"", "\u241B\u241B\u241B\u241B", "\\quad\\quad"}) {
      CAPTURE(quote);
      CHECK(found(proof, quote) == "-");
    }
    CHECK(found(proof, "abca") == "abc a");
    CHECK(found("\u03B3\u03B4\u03B6", "\u03B3\u03B4\u03B6") == "-");  // three letters, six bytes
  }

  TEST_CASE("quotes and proofs beyond the limits are not looked for") {
    const std::string quote(prompts::kQuoteBytesMax, 'x');
    CHECK(found(quote + "yx", quote) == quote);
    CHECK(found(quote + "yx", quote + "y") == "-");
    std::string proof(prompts::kQuotedProofBytesMax - 5, ' ');
    proof += "abcde";
    CHECK(found(proof, "abcde") == "abcde");
    CHECK(found(proof + " ", "abcde") == "-");
  }

  TEST_CASE("the worst of texts costs no more than a good one") {
    // Quadratic search would need 10^11 steps for this pair.
    std::string proof(prompts::kQuotedProofBytesMax, 'a');
    std::string quote(prompts::kQuoteBytesMax - 1, 'a');
    CHECK(found(proof, quote + "b") == "-");
    std::string pieces;
    while (pieces.size() + 20 < prompts::kQuoteBytesMax) pieces += "aaaa...";
    CHECK(found(proof.substr(0, 100'000), pieces) != "-");
  }
}
