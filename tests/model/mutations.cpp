#include "tests/model/mutations.h"

#include <array>
#include <cstring>

namespace tiny {
namespace {

const std::array<std::string, 24> kValues = {"0",
                                             "1",
                                             "-1",
                                             "7",
                                             "-0",
                                             "1.0",
                                             "0.5",
                                             "2147483648",
                                             "4294967296",
                                             "9007199254740993",
                                             "9223372036854775807",
                                             "9223372036854775808",
                                             "18446744073709551615",
                                             "18446744073709551616",
                                             "1e308",
                                             "1e999",
                                             "NaN",
                                             "null",
                                             "true",
                                             "\"\"",
                                             "\"F32\"",
                                             "[]",
                                             "[0,0]",
                                             "{}"};

bool is_word(char c) {
  return ('0' <= c && c <= '9') || ('a' <= c && c <= 'z') || c == '.' || c == '-' || c == '+';
}

}  // namespace

std::size_t Mutator::below(std::size_t bound) { return std::size_t(random_() % bound); }

// Puts another value in the place of a number, a literal or a text that starts near some point.
void Mutator::replace_value(std::string& text) {
  std::size_t begin = below(text.size());
  while (begin < text.size() && !is_word(text[begin]) && text[begin] != '"') ++begin;
  std::size_t end = begin;
  if (begin < text.size() && text[begin] == '"') {
    end = text.find('"', begin + 1);
    end = end == std::string::npos ? text.size() : end + 1;
  } else {
    while (end < text.size() && is_word(text[end])) ++end;
  }
  text.replace(begin, end - begin, kValues[below(kValues.size())]);
}

void Mutator::change(std::string& text) {
  if (text.empty()) text = "{}";
  const std::size_t at = below(text.size());
  const std::size_t piece = 1 + below(std::min<std::size_t>(text.size() - at, 64));
  switch (below(12)) {
    case 0:
      text[at] = char(text[at] ^ (1 << below(8)));
      break;
    case 1:
      text[at] = char(below(256));
      break;
    case 2:
      text.erase(at, piece);
      break;
    case 3:
      text.insert(below(text.size()), text.substr(at, piece));
      break;
    case 4:
      text.insert(at, 1, "{}[]\",:\\0-"[below(10)]);
      break;
    case 5:
      text.insert(at, 1, "\0\xFF\xC3\xEF\x01"[below(5)]);
      break;
    case 6:
      text.insert(at, 1 + below(100'000), "[{ "[below(3)]);
      break;
    case 7:
      text.resize(at);
      break;
    case 8: {  // changes nothing
      const std::size_t comma = text.find(',', at);
      if (comma != std::string::npos) text.insert(comma + 1, 1 + below(9), " \n\t\r"[below(4)]);
      break;
    }
    default:
      replace_value(text);
  }
}

std::string Mutator::mutate(std::string text) {
  for (std::size_t changes = 1 + below(3); changes > 0; --changes) change(text);
  return text;
}

std::string Mutator::mutate_safetensors(const std::string& file) {
  uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof length);
  std::string header = file.substr(8, length), data = file.substr(8 + length);
  const std::size_t kind = below(10);
  if (kind == 0) return file.substr(0, below(file.size()));
  if (kind == 1) return file + std::string(1 + below(64), char(below(256)));
  if (kind == 2) return mutate(file.substr(0, 8)) + header + data;
  header = mutate(std::move(header));
  if (kind > 3) length = header.size();  // else the old length stands before a changed header
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + header + data;
}

}  // namespace tiny
