#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace prompts {

// A template as a tree, made and checked from its text.
struct TemplateNode {
  enum class Kind { Text, Place, BarePlace, Counter, Optional, Repeated };
  Kind kind = Kind::Text;
  std::string text;  // of Text; the name of the others
  std::vector<TemplateNode> children;
};

// Throws std::runtime_error with `file`, the line and what is wrong. `name` is one of the four
// templates and decides which places are needed and known.
std::vector<TemplateNode> parse_template(std::string_view name, std::string_view text,
                                         std::string_view file);

}  // namespace prompts
