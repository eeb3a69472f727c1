#pragma once

#include <string>
#include <vector>

namespace training {

// The words of the built-in domain, each one token: line furniture, rule names, verdict words.
// Digits, letters and signs are tokens of their own; so are all bytes, so that nothing is lost.
const std::vector<std::string>& lexemes();

// tokenizer.json in Hugging Face's format: byte-level BPE whose pre-tokeniser cuts a text at the
// lexemes, the longest first, and whose merges build each of them up again. The control tokens of
// DeepSeek's chat format are the only added ones.
std::string tokenizer_json();

}  // namespace training
