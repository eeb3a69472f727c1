#include "training/lexemes.h"

#include <doctest/doctest.h>

#include "model/tokenizer.h"

TEST_SUITE("training/lexemes") {
  TEST_CASE("every lexeme is one token, and so is every digit") {
    const auto tokenizer = model::Tokenizer::parse(training::tokenizer_json());
    for (const std::string& lexeme : training::lexemes()) {
      CAPTURE(lexeme);
      CHECK(tokenizer.encode(lexeme, model::Trust::Untrusted).size() == 1);
    }
    CHECK(tokenizer.encode("3456", model::Trust::Untrusted).size() == 4);
  }

  TEST_CASE("a line of a proof is cut at its words, the longest first") {
    const auto tokenizer = model::Tokenizer::parse(training::tokenizer_json());
    std::vector<std::string> words;
    for (const int32_t token :
         tokenizer.encode("1. 8*9 = 72 [calc]\nQED\n", model::Trust::Untrusted))
      words.emplace_back(tokenizer.bytes(token));
    CHECK(words == std::vector<std::string>{"1", ". ", "8", "*", "9", " = ", "7", "2", " [calc]\n",
                                            "QED\n"});
  }

  TEST_CASE("nothing is lost: any bytes come back") {
    const auto tokenizer = model::Tokenizer::parse(training::tokenizer_json());
    for (const std::string text :
         {"", "x", "\n\n  ISSUE 1 (fatal)\n", "größer ∑ 😀", "= = ==", "VERDICT:"})
      CHECK(tokenizer.decode(tokenizer.encode(text, model::Trust::Untrusted)) == text);
  }

  TEST_CASE("a stranger's text makes no control token") {
    const auto tokenizer = model::Tokenizer::parse(training::tokenizer_json());
    const std::string control = "<｜User｜>";
    const int32_t user = tokenizer.find(control).value();
    CHECK(tokenizer.encode(control, model::Trust::Trusted) == model::Tokens{user});
    for (const int32_t token : tokenizer.encode(control, model::Trust::Untrusted))
      CHECK_FALSE(tokenizer.is_control(token));
  }
}
