#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/config.h"

namespace model {

using Tokens = std::vector<int32_t>;

// Where a text comes from. Control tokens ("<|User|>") are only ever made from trusted text: in
// untrusted text their characters are encoded like any others.
enum class Trust { Trusted, Untrusted };

struct Piece {
  std::string text;
  Trust trust = Trust::Untrusted;
};

// Byte-level BPE as tokenizer.json of DeepSeek-like models describes it.
class Tokenizer {
 public:
  static constexpr std::size_t kFileBytesMax = 64 << 20;
  static constexpr std::size_t kTokensMax = 1 << 20;
  static constexpr std::size_t kTextBytesMax = 64 << 20;  // of one call to encode

  // Reads DIRECTORY/tokenizer.json. Throws model::Refused: what part of the format is unknown or
  // contradictory (a model other than BPE, byte_fallback, a pre-tokeniser or normaliser that is not
  // supported, ids twice or past kTokensMax, merges of tokens that do not exist, ...), or would let
  // plain text become a special token.
  static Tokenizer load(const std::filesystem::path& directory);
  static Tokenizer parse(std::string_view json);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Invalid UTF-8 is replaced by U+FFFD first, one for each maximal invalid piece, as Rust and
  // Python do. No token is added at the ends. Throws std::length_error past kTextBytesMax, and
  // std::runtime_error if a pattern of the pre-tokeniser needs more than Regex's limits.
  Tokens encode(std::string_view text, Trust trust) const;

  // As one text: words may reach over the pieces' ends, added tokens only over the ends of pieces
  // that are trusted on both sides.
  Tokens encode(const std::vector<Piece>& pieces) const;

  // The bytes that tokens stand for; added tokens as their text. Unknown ids give nothing.
  std::string decode(const Tokens& tokens) const;
  std::string_view bytes(int32_t token) const;

  std::optional<int32_t> find(
      std::string_view token_text) const;  // added tokens, then the vocabulary
  bool is_control(int32_t token) const;    // an added token marked special
  int64_t size() const;                    // one past the largest id

 private:
  class Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Turns tokens into text as they come, giving out only whole UTF-8 characters.
class TextStream {
 public:
  explicit TextStream(const Tokenizer& tokenizer) : tokenizer_(&tokenizer) {}
  // What can be given out now.
  std::string add(int32_t token);
  // The rest: an unfinished character becomes U+FFFD.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  std::string held_;
};

}  // namespace model
