#pragma once

#include <doctest/doctest.h>

#include <string>
#include <variant>

#include "theorems/theorem.h"

// What the tests of a family's checker share.
namespace judge_kit {

inline theorems::Proof proof_of(const std::string& text) {
  const auto read = theorems::read_proof(text);
  REQUIRE_MESSAGE(std::holds_alternative<theorems::Proof>(read), text);
  return std::get<theorems::Proof>(read);
}

// "o" for each line that is ok, "g" a gap, "w" wrong, "d" depends.
inline std::string letters_of(const std::vector<theorems::LineReport>& lines) {
  std::string letters;
  for (const theorems::LineReport& line : lines) letters += "ogwd"[int(line.status)];
  return letters;
}

// Everything about one line in a row: "wrong value: 37*20=740 ... -> 37*24 = 888 [calc]".
inline std::string told(const theorems::LineReport& line) {
  std::string text = std::string(to_text(line.status)) + " " + std::string(to_text(line.defect)) +
                     ": " + line.working;
  return line.remedy.empty() ? text : text + " -> " + line.remedy;
}

// A proof as a careless hand changes it: one character put in, taken out or replaced.
inline std::string edited(std::string text, theorems::Random& random) {
  static const std::string kCharacters = "0123456789+-*^=[]. \nQEDgoalcdmtksubvxyab";
  const auto at = std::size_t(random.below(int64_t(text.size())));
  const char c = kCharacters[std::size_t(random.below(int64_t(kCharacters.size())))];
  const int64_t way = random.below(4);
  if (way == 0) return text.insert(at, 1, c);
  if (way == 1) return text.erase(at, 1);
  text[at] = c;
  return text;
}

}  // namespace judge_kit
