#include "prompts/verdict.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using prompts::Score;
using prompts::Severity;

std::string reason_of(const auto& read) {
  const auto* unparsed = std::get_if<prompts::Unparsed>(&read);
  return unparsed ? unparsed->reason : "parsed";
}

bool parses(const std::string& answer) {
  return std::holds_alternative<prompts::Verification>(prompts::read_verification(answer));
}

const std::string kIssue = "ISSUE 1 (fatal)\nQUOTE: a < b\nREASON: it is not\n";

// Endings of an answer that lists no issue and would be scored 1 with "VERDICT: 1" at its end.
const std::vector<std::string>& hostile_verdicts() {
  static const std::vector<std::string> list{
      // none
      "",
      "1",
      "0.5",
      "The proof is correct.",
      "VERDICT",
      "VERDICT:",
      "VERDICT: ",
      "**VERDICT:**",
      "Verdict: 1",
      "verdict: 1",
      "VERDIKT: 1",
      "THE VERDICT: 1",
      "FINAL VERDICT: 1",
      "SCORE: 1",
      "\\boxed{1}",
      "$\\boxed{1}$",
      "unboxed{1}",
      "<verdict>1</verdict>",
      "{\"verdict\": 1}",
      // other spellings of numbers
      "VERDICT: inf",
      "VERDICT: +inf",
      "VERDICT: infinity",
      "VERDICT: nan",
      "VERDICT: NaN",
      "VERDICT: 1e9",
      "VERDICT: 1e0",
      "VERDICT: 7",
      "VERDICT: -1",
      "VERDICT: -0",
      "VERDICT: +1",
      "VERDICT: 2",
      "VERDICT: 10",
      "VERDICT: 01",
      "VERDICT: 00",
      "VERDICT: 1.0",
      "VERDICT: 1.",
      "VERDICT: 0.50",
      "VERDICT: .5",
      "VERDICT: 0.",
      "VERDICT: 0.0",
      "VERDICT: 0,5",
      "VERDICT: \u00BD",
      "VERDICT: 1/2",
      "VERDICT: 1/1",
      "VERDICT: 100%",
      "VERDICT: 1%",
      "VERDICT: 0x1",
      "VERDICT: 1f",
      "VERDICT: \uFF11",
      "VERDICT: \uFF10",
      "VERDICT: \u0661",
      "VERDICT: \u00B9",
      "VERDICT: \U0001D7CF",
      "VERDICT: \\text{1}",
      "VERDICT: $1$",
      "VERDICT: \\boxed{1}",
      "VERDICT: {1}",
      "VERDICT: (1)",
      "VERDICT: [1]",
      "VERDICT: \"1\"",
      "VERDICT: `1`",
      "VERDICT: I",
      "VERDICT: one",
      "VERDICT: ONE",
      "VERDICT: zero",
      "VERDICT: half",
      "VERDICT: correct",
      "VERDICT: true",
      "VERDICT: yes",
      "VERDICT: eyes",
      "VERDICT: null",
      "VERDICT: 0 or 1",
      "VERDICT: 0|0.5|1",
      "VERDICT: 1 (one)",
      "VERDICT: 1 point",
      "VERDICT: 1!",
      "VERDICT: 1,",
      "VERDICT: 1;",
      "VERDICT: 1 - correct",
      "VERDICT: \u0435\u0434\u0438\u043D\u0438\u0446\u0430",
      "VERDICT: eins",
      "VERDICT: \u4E00",
      // other spellings of the line
      "VERDICT:1",
      "VERDICT:  1",
      "VERDICT:\t1",
      "VERDICT : 1",
      "VERDICT\uFF1A1",
      "VERDICT\uFF1A 1",
      "VERDICT = 1",
      "VERDICT - 1",
      "VERDICT is 1",
      " VERDICT: 1",
      "\tVERDICT: 1",
      "> VERDICT: 1",
      "- VERDICT: 1",
      "# VERDICT: 1",
      "`VERDICT: 1`",
      "*VERDICT: 1*",
      "__VERDICT: 1__",
      "***VERDICT: 1***",
      "**VERDICT:** 1",
      "**VERDICT: 1",
      "VERDICT: 1**",
      "** VERDICT: 1 **",
      "~~VERDICT: 1~~",
      "| VERDICT: 1 |",
      "\u200BVERDICT: 1",
      "VERDICT\u200B: 1",
      "VERDICT: 1\u200B",
      "V\u0415RDICT: 1",
      "VERDICT: 1\xC2\xA0",
      "VERDICT:\xC2\xA0"
      "1",
      "VERDICT: 1\\\\",
      "VERDICT: 1\r\r",
      "VERDICT: 1\x0B",
      "\u8BC4\u5206: 1",
      "\u7ED3\u8BBA: 1",
      "\u0412\u0415\u0420\u0414\u0418\u041A\u0422: 1",
      "URTEIL: 1",
      "VEREDICTO: 1",
      // two and more
      "VERDICT: 1\nVERDICT: 1",
      "VERDICT: 0\nVERDICT: 1",
      "VERDICT: 1\nVERDICT: 0",
      "**VERDICT: 1**\nVERDICT: 1",
      "> VERDICT: 0\nVERDICT: 1",
      "`VERDICT: 0`\nVERDICT: 1",
      "VERDICT: 1 VERDICT: 1",
      "VERDICT: 1\n\nVERDICT:",
      "- VERDICT: 0.5\n\nVERDICT: 1",
      // not the last line
      "VERDICT: 1\nI hope this helps.",
      "VERDICT: 1\n```",
      "```\nVERDICT: 1\n```\nDone.",
      "VERDICT: 1\n.",
      "VERDICT: 1\n---",
      "VERDICT: 1\n</answer>",
      "VERDICT: 1\nISSUE 1 (fatal)",
      "VERDICT: 1\nNO ISSUES",
      "VERDICT: 1\nQUOTE: x",
      "VERDICT: 1\n\xE2\x90\x9B",
      // cut
      "VERDI",
      "VERDICT: 0.5}",
      "VERDICT: 1\\",
      "**VERDICT: 0.5*",
      "\\boxed{1",
      "<think>\nVERDICT: 1",
  };
  return list;
}

}  // namespace

TEST_SUITE("prompts/verdict") {
  TEST_CASE("a verification has its issues, with what they quote, and its score") {
    const std::string answer =
        "The first step is right.\n"
        "\n"
        "ISSUE 1 (fatal)\n"
        "QUOTE: Since $a < b$,\n"
        "we have $a^2 < b^2$.\n"
        "REASON: It fails for a = -2, b = 1.\n"
        "\n"
        "ISSUE 2 (minor)\n"
        "QUOTE:\n"
        "By Lemma 3\n"
        "REASON:\n"
        "There is no Lemma 3.\n"
        "\n"
        "VERDICT: 0\n";

    const auto read = prompts::read_verification(answer);

    REQUIRE(reason_of(read) == "parsed");
    const auto& verification = std::get<prompts::Verification>(read);
    CHECK(verification.score == Score::Zero);
    REQUIRE(verification.issues.size() == 2);
    CHECK(verification.issues[0].severity == Severity::Fatal);
    CHECK(verification.issues[0].quote == "Since $a < b$,\nwe have $a^2 < b^2$.");
    CHECK(verification.issues[0].reason == "It fails for a = -2, b = 1.");
    CHECK(verification.issues[1].severity == Severity::Minor);
    CHECK(verification.issues[1].quote == "By Lemma 3");
    CHECK(verification.issues[1].reason == "There is no Lemma 3.");
  }

  TEST_CASE("blanks behind a line, CRLF, blank lines and bold lines change nothing") {
    for (const std::string answer :
         {"NO ISSUES\nVERDICT: 1", "NO ISSUES\r\n\r\nVERDICT: 1\r\n",
          "**NO ISSUES**\n**VERDICT: 1**", "NO ISSUES  \n \t\nVERDICT: 1 \t\n\n  \n",
          "Fine.\nNO ISSUES\n**VERDICT: 1**  "}) {
      CAPTURE(answer);
      const auto read = prompts::read_verification(answer);
      REQUIRE(reason_of(read) == "parsed");
      CHECK(std::get<prompts::Verification>(read).score == Score::One);
    }
    CHECK(parses("**ISSUE 1 (fatal)**\n**QUOTE:** x\n**REASON:** y\n**VERDICT: 0**"));
  }

  TEST_CASE("nothing but the three spellings in the last line is a score") {
    CHECK(hostile_verdicts().size() >= 100);
    for (const std::string& ending : hostile_verdicts()) {
      CAPTURE(ending);
      CHECK_FALSE(parses("The proof is fine.\nNO ISSUES\n" + ending));
      CHECK_FALSE(parses("The proof is fine.\nNO ISSUES\n" + ending + "\n"));
    }
    for (int count : {2, 50}) {
      std::string many = "NO ISSUES\n";
      for (int i = 0; i < count; ++i) many += "VERDICT: 1\n";
      CHECK_FALSE(parses(many));
    }
  }

  TEST_CASE("the line that whoever writes a verdict is held to is the one that is read") {
    const prompts::VerdictLine line = prompts::verdict_line();
    CHECK(line.scores == std::vector<std::string>{"0", "0.5", "1"});
    CHECK(parses("NO ISSUES\n" + line.opener + line.scores[2]));
    CHECK(parses(kIssue + line.opener + line.scores[0]));
  }

  TEST_CASE("a verdict that the verifier quotes makes its answer ambiguous") {
    CHECK_FALSE(parses("It says:\n> VERDICT: 1\nNO ISSUES\nVERDICT: 1"));
    CHECK_FALSE(parses("ISSUE 1 (fatal)\nQUOTE: x\n**VERDICT: 1**\nREASON: y\nVERDICT: 0"));
    CHECK_FALSE(parses("VERDICT: 1\nAll steps are right.\nNO ISSUES"));
    CHECK(parses("It says \"VERDICT: 1\", which proves nothing.\n" + kIssue + "VERDICT: 0"));
  }

  TEST_CASE("the score agrees with the issues") {
    const std::string minor = "ISSUE 1 (minor)\nQUOTE: x\nREASON: y\n";
    CHECK(parses(kIssue + "VERDICT: 0"));
    CHECK(parses(minor + "VERDICT: 0.5"));
    CHECK(parses(minor + "VERDICT: 1"));
    CHECK_FALSE(parses(kIssue + "VERDICT: 0.5"));
    CHECK_FALSE(parses(kIssue + "VERDICT: 1"));
    CHECK_FALSE(parses(minor + "VERDICT: 0"));
    CHECK_FALSE(parses("NO ISSUES\nVERDICT: 0"));
    CHECK_FALSE(parses("NO ISSUES\nVERDICT: 0.5"));
    CHECK_FALSE(parses("VERDICT: 1"));
  }

  TEST_CASE("issues out of form make an answer unparsed") {
    const std::string end = "VERDICT: 0";
    for (const std::string issues :
         {"ISSUE 2 (fatal)\nQUOTE: x\nREASON: y\n",
          "ISSUE 0 (fatal)\nQUOTE: x\nREASON: y\n",
          "ISSUE 01 (fatal)\nQUOTE: x\nREASON: y\n",
          "ISSUE 1 (Fatal)\nQUOTE: x\nREASON: y\n",
          "ISSUE 1 (fatal):\nQUOTE: x\nREASON: y\n",
          "ISSUE 1: fatal\nQUOTE: x\nREASON: y\n",
          "ISSUE 1 (fatal)\nREASON: y\n",
          "ISSUE 1 (fatal)\nQUOTE: x\n",
          "ISSUE 1 (fatal)\nQUOTE:\nREASON: y\n",
          "ISSUE 1 (fatal)\nQUOTE: x\nREASON: \n",
          "ISSUE 1 (fatal)\ntext\nQUOTE: x\nREASON: y\n",
          "ISSUE 1 (fatal)\nREASON: y\nQUOTE: x\n",
          "ISSUE 1 (fatal)\nQUOTE: x\nQUOTE: x\nREASON: y\n",
          "ISSUE 1 (fatal)\nQUOTE: x\nREASON: y\nREASON: y\n",
          "QUOTE: x\n",
          "ISSUE 1 (fatal)\nQUOTE: x\nREASON: y\nISSUE 1 (fatal)\nQUOTE: x\nREASON: y\n",
          "ISSUE 1 (fatal)\nQUOTE: x\nREASON: y\nNO ISSUES\n",
          "NO ISSUES\nISSUE 1 (fatal)\nQUOTE: x\nREASON: y\n",
          "NO ISSUES\nbut one\n",
          "ISSUE 99999 (fatal)\nQUOTE: x\nREASON: y\n",
          "- ISSUE 1 (fatal)\nQUOTE: x\nREASON: y\n"}) {
      CAPTURE(issues);
      CHECK_FALSE(parses(issues + end));
    }
  }

  TEST_CASE(
      "an answer has at most kIssuesMax issues and kAnswerBytesMax bytes, all of them UTF-8") {
    const auto with_issues = [](std::size_t count) {
      std::string answer;
      for (std::size_t i = 1; i <= count; ++i)
        answer += "ISSUE " + std::to_string(i) + " (fatal)\nQUOTE: x\nREASON: y\n";
      return answer + "VERDICT: 0";
    };
    CHECK(parses(with_issues(prompts::kIssuesMax)));
    CHECK_FALSE(parses(with_issues(prompts::kIssuesMax + 1)));

    const std::string end = "\nNO ISSUES\nVERDICT: 1";
    CHECK(parses(std::string(prompts::kAnswerBytesMax - end.size(), 'x') + end));
    CHECK_FALSE(parses(std::string(prompts::kAnswerBytesMax - end.size() + 1, 'x') + end));
    CHECK_FALSE(parses("\xFF" + end));
    CHECK(parses(std::string(5 << 20, '\n') + end));
  }

  TEST_CASE("a meta-verification judges each issue once, in order") {
    const auto read = prompts::read_meta_verification(
        "It is so.\nISSUE 1: real\nHm.\nISSUE 2: not real\n"
        "SCORE: inconsistent\nVERDICT: 0.5\n",
        2);
    REQUIRE(reason_of(read) == "parsed");
    const auto& meta = std::get<prompts::MetaVerification>(read);
    CHECK(meta.score == Score::Half);
    CHECK(meta.real == std::vector<bool>{true, false});
    CHECK_FALSE(meta.consistent);

    const auto reads = [](const std::string& answer, std::size_t issues) {
      return reason_of(prompts::read_meta_verification(answer, issues)) == "parsed";
    };
    CHECK(reads("SCORE: consistent\nVERDICT: 1", 0));
    CHECK(reads("**ISSUE 1: not real**\n**SCORE: inconsistent**\n**VERDICT: 0**", 1));
    for (const std::string answer :
         {"SCORE: consistent\nVERDICT: 1", "ISSUE 1: real\nVERDICT: 1",
          "ISSUE 1: real\nSCORE: consistent", "ISSUE 2: real\nSCORE: consistent\nVERDICT: 1",
          "ISSUE 1: real\nISSUE 1: real\nSCORE: consistent\nVERDICT: 1",
          "ISSUE 1: real\nISSUE 2: real\nSCORE: consistent\nVERDICT: 1",
          "ISSUE 1: true\nSCORE: consistent\nVERDICT: 1",
          "ISSUE 1: real.\nSCORE: consistent\nVERDICT: 1",
          "ISSUE 1: real\nSCORE: Consistent\nVERDICT: 1",
          "SCORE: consistent\nISSUE 1: real\nVERDICT: 1",
          "ISSUE 1: real\nSCORE: consistent\nSCORE: consistent\nVERDICT: 1",
          "ISSUE 1: real\nSCORE: consistent\nVERDICT: 1\nVERDICT: 1",
          "ISSUE 1: real\nSCORE: consistent\nVERDICT: 2",
          "ISSUE 1: real\nSCORE: consistent\nVERDICT: 1\nok",
          "ISSUE 1: not real\nSCORE: consistent\nVERDICT: 1",
          "ISSUE 1: real\nSCORE: inconsistent\nVERDICT: 1",
          "ISSUE 1: real\nSCORE: consistent\nVERDICT: 0"}) {
      CAPTURE(answer);
      CHECK_FALSE(reads(answer, 1));
    }
  }

  TEST_CASE("a generation has a proof and a self evaluation that reads as a verification") {
    const std::string evaluation = "## Self Evaluation\nFine.\nNO ISSUES\nVERDICT: 1\n";
    const auto read =
        prompts::read_generation("Here:\n## Solution \n\nTake n = 2.\n\n" + evaluation);
    REQUIRE(reason_of(read) == "parsed");
    const auto& generation = std::get<prompts::Generation>(read);
    CHECK(generation.proof == "Take n = 2.");
    CHECK(generation.self_evaluation == "Fine.\nNO ISSUES\nVERDICT: 1");
    CHECK(generation.self_score == Score::One);

    for (const std::string& answer : std::vector<std::string>{
             "Take n = 2.", "## Solution\nx\n", "x\n" + evaluation, "## Solution\n \n" + evaluation,
             evaluation + "## Solution\nx\n", "## Solution\nx\n## Solution\ny\n" + evaluation,
             "## Solution\nx\n" + evaluation + evaluation, "**Solution**\nx\n" + evaluation,
             "## solution\nx\n" + evaluation, " ## Solution\nx\n" + evaluation,
             "## Solution\nx\n## Self Evaluation\n",
             "## Solution\nx\n## Self Evaluation\nVERDICT: 1",
             "## Solution\nx\n## Self-Evaluation\nNO ISSUES\nVERDICT: 1",
             "## Solution\nx\n" + evaluation + "and more"}) {
      CAPTURE(answer);
      CHECK_FALSE(reason_of(prompts::read_generation(answer)) == "parsed");
    }
  }

  TEST_CASE("reasoning is what stands before the last closing tag") {
    const auto plain = prompts::split_reasoning("<think>\nhm\n</think>\n\nNO ISSUES");
    CHECK(plain.reasoning == "hm");
    CHECK(plain.content == "NO ISSUES");
    CHECK(prompts::split_reasoning("a </think> b </think> c").content == "c");
    CHECK(prompts::split_reasoning("just an answer").content == "just an answer");
    CHECK(prompts::split_reasoning("just an answer").reasoning.empty());
    CHECK(prompts::split_reasoning("<think>NO ISSUES\nVERDICT: 1").content.empty());
    CHECK(prompts::split_reasoning("x</think>y<think>VERDICT: 1").content.empty());
  }

  TEST_CASE("a published trace is scored by the last box behind its closing phrase") {
    const std::string phrase = "Based on my evaluation, the final overall score should be:";
    const std::string slip = "Based on my evaluation, the final overal score should be: ";
    const auto scored = [](const std::string& text) {
      const auto read = prompts::read_legacy_score(text);
      const auto* score = std::get_if<Score>(&read);
      return score ? std::string(prompts::to_text(*score)) : "unparsed";
    };
    CHECK(scored("It says \\boxed{1}.\n" + phrase + "\n\\boxed{0.5}") == "0.5");
    CHECK(scored(slip + "\\boxed{ 1 }.") == "1");
    CHECK(scored(slip + "\\boxed{0}\n" + phrase + " $\\boxed{1}$") == "1");
    for (const std::string box :
         {"", "1", "unboxed{1}", "\\boxed{inf}", "\\boxed{nan}", "\\boxed{7}", "\\boxed{1e9}",
          "\\boxed{0.5}\n\\boxed{1}", "\\boxed{\\text{1}}", "\\boxed{1", "\\boxed{}",
          "\\boxed{1/1}", "\\boxed{0,5}", "\\boxed{\uFF11}", "\\boxed{1.0}",
          "\\boxed{1}\\boxed{x}"}) {
      CAPTURE(box);
      CHECK(scored(phrase + box) == "unparsed");
    }
    CHECK(scored("\\boxed{1}") == "unparsed");
    CHECK(scored("\\boxed{1}\n" + phrase) == "unparsed");
  }

  TEST_CASE("scores are three spellings and nothing else") {
    for (const Score score : {Score::Zero, Score::Half, Score::One})
      CHECK(prompts::score_of(prompts::to_text(score)) == score);
    for (const std::string text : {"", " 1", "1 ", "1.0", "0.50", ".5", "\uFF11", "1\n"})
      CHECK_FALSE(prompts::score_of(text));
    CHECK(prompts::halves(Score::Half) == 1);
    CHECK(prompts::halves(Score::One) == 2);
  }
}
