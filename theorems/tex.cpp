#include "theorems/tex.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace theorems {
namespace {

struct Replacement {
  std::string_view command, text;
};
constexpr std::array kCommands = std::to_array<Replacement>({
    {"\\rightarrow", "->"},
    {"\\implies", "->"},
    {"\\Rightarrow", "->"},
    {"\\equiv", "=="},
    {"\\lnot", "!"},
    {"\\neg", "!"},
    {"\\land", "&"},
    {"\\wedge", "&"},
    {"\\lor", "|"},
    {"\\vee", "|"},
    {"\\times", "*"},
    {"\\cdot", "*"},
    {"\\mid", "|"},
    {"\\geq", ">="},
    {"\\leq", "<="},
    {"\\ge", ">="},
    {"\\le", "<="},
    {"\\left", ""},
    {"\\right", ""},
    {"\\quad", " "},
    {"\\text", ""},
    {"\\mathrm", ""},
    {"\\to", "->"},
    {"\\,", ""},
    {"\\;", ""},
    {"\\ ", " "},
    {"\\(", ""},
    {"\\)", ""},
    {"\\[", ""},
    {"\\]", ""},
});

// What follows `open` up to its closing brace; moves `at` behind it.
std::string_view group(std::string_view text, std::size_t& at) {
  const std::size_t begin = at + 1;
  int depth = 0;
  for (std::size_t i = at; i < text.size(); ++i) {
    depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
    if (depth == 0) {
      at = i + 1;
      return text.substr(begin, i - begin);
    }
  }
  at = text.size();
  return text.substr(begin);
}

class Converter {
 public:
  explicit Converter(std::string_view text) : text_(text) {}

  std::string run() {
    while (at_ < text_.size()) step();
    while (!out_.empty() && out_.back() == ' ') out_.pop_back();
    return std::move(out_);
  }

 private:
  void put(std::string_view text) {
    for (const char c : text) {
      if (c == ' ' && (out_.empty() || out_.back() == ' ')) continue;
      out_.push_back(c);
    }
  }

  // A backslash and, as TeX reads it, all letters that follow, else one character.
  std::string_view command_here() const {
    std::size_t end = at_ + 1;
    while (end < text_.size() && std::isalpha(static_cast<unsigned char>(text_[end]))) ++end;
    return text_.substr(at_, std::max(end - at_, std::size_t{2}));
  }

  void step() {
    const char c = text_[at_];
    if (std::isspace(static_cast<unsigned char>(c))) {
      put(" ");
      ++at_;
    } else if (c == '$' || c == '{' || c == '}') {
      ++at_;
    } else if (c != '\\') {
      out_.push_back(c);
      ++at_;
    } else {
      step_command();
    }
  }

  void step_command() {
    const std::string_view command = command_here();
    at_ += command.size();
    if (command == "\\pmod") {
      put("(mod ");
      if (at_ < text_.size() && text_[at_] == '{') put(ascii_of(group(text_, at_)));
      put(")");
      return;
    }
    if (command == "\\sum") return step_sum();
    for (const Replacement& known : kCommands)
      if (command == known.command) return put(known.text);
    out_ += command;  // not known: left for the reader to refuse
  }

  // \sum_{i=1}^{n} or \sum_{i=1}^n
  void step_sum() {
    std::string low, high;
    while (at_ < text_.size() && (text_[at_] == '_' || text_[at_] == '^')) {
      std::string& bound = text_[at_] == '_' ? low : high;
      ++at_;
      if (at_ < text_.size() && text_[at_] == '{')
        bound = group(text_, at_);
      else if (at_ < text_.size())
        bound = text_[at_++];
    }
    put("sum(" + low + ".." + high + ") ");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::string ascii_of(std::string_view text) { return Converter(text).run(); }

}  // namespace theorems
