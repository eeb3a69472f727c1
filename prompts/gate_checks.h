#pragma once

#include <optional>
#include <string_view>

#include "prompts/gates.h"
#include "prompts/tokens.h"

namespace prompts {

// The single checks of gates.h, by subject. Bytes [begin, end) of the proof.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// A whole text that is no argument. substance.cpp
bool is_opener(const Tokens& proof);                     // only an opener
bool is_too_short(const Tokens& proof, bool truncated);  // less than an argument
// Numbered steps, each with its rule in brackets, and QED at the end: an argument however few
// letters it has.
bool is_derivation(std::string_view proof);
bool lacks_mathematics(const Tokens& proof);                // no word or sign of it
bool restates(const Tokens& proof, const Tokens& problem);  // the problem's words alone

// Where the text breaks off. ending.cpp
std::optional<Span> find_truncation(std::string_view proof);

// Where it speaks to whoever grades it. grader_phrases.cpp
std::optional<Span> find_address(const Tokens& proof);

// hidden_text.cpp
std::optional<Span> find_hidden(std::string_view proof);
std::optional<Span> find_mixed_scripts(std::string_view proof);

}  // namespace prompts
