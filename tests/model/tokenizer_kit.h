#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "model/tokenizer.h"

// What the tests of the tokenizer share: the golden files that golden/tokenizer_make.py writes.
namespace tokenizer_kit {

inline std::filesystem::path golden() {
  return std::filesystem::path(SOURCE_DIR) / "tests/model/golden";
}

inline std::string read(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

inline std::string small_file() { return read(golden() / "tokenizer.json"); }

inline const model::Tokenizer& small_tokenizer() {
  static const model::Tokenizer tokenizer = model::Tokenizer::load(golden());
  return tokenizer;
}

inline std::vector<std::string> lines(const std::string& name) {
  std::ifstream stream(golden() / name, std::ios::binary);
  std::vector<std::string> all;
  for (std::string line; std::getline(stream, line);) all.push_back(line);
  return all;
}

// What `text` makes the reader say; empty if it is loaded.
inline std::string refusal(const std::string& text) {
  try {
    model::Tokenizer::parse(text);
  } catch (const model::Refused& refused) {
    return refused.what();
  }
  return "";
}

}  // namespace tokenizer_kit
