#pragma once

#include <cstddef>
#include <string_view>

#include "prompts/tokens.h"

namespace prompts {

// Words with which people and models begin to speak about a problem, and which alone prove
// nothing: "Let's solve this problem step by step." A text of nothing else is a master key (Zhao et
// al., "One Token to Fool LLM-as-a-Judge", arXiv 2507.08794), whatever their order.
bool is_talk_word(std::string_view folded);
bool is_step_word(std::string_view folded);  // before a number: "Step 1"

// How many ideographs from `first` on are one such phrase; 0 if none.
std::size_t talk_phrase_length(const Tokens& tokens, std::size_t first);

}  // namespace prompts
