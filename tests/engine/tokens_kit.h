#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "model/tokenizer.h"

namespace engine_kit {

// How byte-level tokenizers write a byte: as itself where it can be seen, else as the next
// character from U+0100 on.
inline std::string symbol_of(int byte) {
  int unseen = 0;
  for (int b = 0; b < byte; ++b) unseen += !((b >= 33 && b <= 126) || (b >= 161 && b != 173));
  const bool seen = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
  const int character = seen ? byte : 256 + unseen;
  if (character < 0x80) return std::string(1, char(character));
  return {char(0xC0 | character >> 6), char(0x80 | (character & 0x3F))};
}

inline std::string json_text(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return quoted + "\"";
}

// A tokenizer whose token b, below 256, is the byte b; then come `pieces` from 256 on, then
// `controls`.
inline model::Tokenizer tokenizer_of(const std::vector<std::string>& pieces,
                                     const std::vector<std::string>& controls) {
  std::string vocabulary;
  for (int byte = 0; byte < 256; ++byte)
    vocabulary += fmt::format("{}{}: {}", byte ? ", " : "", json_text(symbol_of(byte)), byte);
  std::string added;
  int id = 256;
  const auto add = [&](const std::string& text, const char* special) {
    added += fmt::format(
        R"({}{{"id": {}, "content": {}, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": {}}})",
        added.empty() ? "" : ", ", id++, json_text(text), special);
  };
  for (const std::string& piece : pieces) add(piece, "false");
  for (const std::string& control : controls) add(control, "true");
  return model::Tokenizer::parse(fmt::format(
      R"({{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [{}],
          "normalizer": null,
          "pre_tokenizer": {{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                             "use_regex": false}},
          "post_processor": null,
          "decoder": {{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                       "use_regex": true}},
          "model": {{"type": "BPE", "dropout": null, "unk_token": null,
                     "continuing_subword_prefix": null, "end_of_word_suffix": null,
                     "fuse_unk": false, "byte_fallback": false, "vocab": {{{}}}, "merges": []}}}})",
      added, vocabulary));
}

}  // namespace engine_kit
