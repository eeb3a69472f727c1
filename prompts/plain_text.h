#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace prompts {

// A text without what counts for nothing when a quote is looked up (quotes.h), and where each of
// its bytes came from.
struct PlainText {
  struct Source {
    uint32_t begin = 0;  // bytes of the text as it was written
    uint32_t end = 0;
  };
  std::string bytes;
  std::vector<Source> sources;  // [bytes]
};

// How any ellipsis is written in PlainText::bytes.
inline constexpr char kEllipsis = '\x01';

// REQUIRES: text.size() < 2^32.
PlainText plain_text(std::string_view text);

}  // namespace prompts
