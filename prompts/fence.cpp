#include "prompts/fence.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "prompts/characters.h"
#include "text/sha256.h"
#include "text/utf8.h"
#include "text/words.h"

// How it works: control strings are found at each character of the text on its own, overlapping
// ones too, and each gets a mark after its first character. No control string contains a mark,
// and what may stand before one at the start of a line includes marks. So a mark can end a match
// but never begin one, and one pass leaves nothing, not even from <<think>think>.
//
// Runs of marks: k marks of the author become 2k, and at most one of ours stands before a run
// (never inside or after it: a control string does not begin with a mark). A run of n marks
// therefore came from n / 2 of the author's.

namespace prompts {
namespace {

constexpr std::size_t kNameCharactersMax = 48;  // longer than every known token's name
constexpr std::size_t kBlanksMax = 8;           // inside a tag: "<  think  >"

constexpr char32_t kFullWidthBar = 0xFF5C;
constexpr char32_t kMarkCharacter = 0x241B;

template <std::size_t N>
bool among(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Tags between < and >, also closing ones: thinking and tool tags are added tokens of DeepSeek,
// Qwen and GLM, turns of Gemma; Python-like ones end a Llama prompt.
constexpr std::array<std::string_view, 19> kTags{"think",
                                                 "thinking",
                                                 "thought",
                                                 "reasoning",
                                                 "tool_call",
                                                 "tool_calls",
                                                 "tool_response",
                                                 "function_results",
                                                 "function_calls",
                                                 "start_of_turn",
                                                 "end_of_turn",
                                                 "begin_of_text",
                                                 "end_of_text",
                                                 "start_of_image",
                                                 "end_of_image",
                                                 "bos_token",
                                                 "eos_token",
                                                 "sop",
                                                 "eop"};

// Tags that are ordinary mathematics once blanks surround the name: "r < s > t".
constexpr std::array<std::string_view, 6> kTightTags{"s", "bos", "eos", "unk", "pad", "mask"};

// Names between <| and |>: ChatML, Llama 3, Phi, GLM, Kimi, Cohere, gpt-oss, DeepSeek-Coder. A
// list, since 0<|x|> is mathematics.
constexpr std::array<std::string_view, 31> kBarNames{
    "system",      "user",      "assistant",  "tool",          "tools",      "observation",
    "developer",   "human",     "end",        "start",         "message",    "channel",
    "constrain",   "return",    "call",       "eot",           "endoftext",  "endofprompt",
    "startoftext", "endofmask", "python_tag", "eot_id",        "eom_id",     "repo_name",
    "file_sep",    "image_pad", "video_pad",  "chatbot_token", "user_token", "system_token",
    "pad"};
constexpr std::array<std::string_view, 17> kBarFamilies{
    "im_",          "fim_",       "tool_",     "begin_of",     "end_of",    "start_of",
    "start_header", "end_header", "reserved_", "place_holder", "finetune_", "vision_",
    "object_ref_",  "box_",       "quad_",     "search_",      "dsml"};

// Names between [ and ], also closing ones: Llama 2, Mistral, GLM.
constexpr std::array<std::string_view, 8> kBracketNames{
    "inst",         "system_prompt", "available_tools", "tool_calls",
    "tool_results", "tool_content",  "think",           "gmask"};

// Roles at the start of a line, as models trained on dialogues without tokens write them. Lower
// case "system:" is left out: it may well introduce a system of equations.
constexpr std::array<std::string_view, 12> kRoles{"User",      "USER",      "user",   "Assistant",
                                                  "ASSISTANT", "assistant", "Human",  "HUMAN",
                                                  "human",     "System",    "SYSTEM", "Developer"};

// Reads characters of `text` from `at` as `narrow` sees them.
struct Reader {
  std::string_view text;
  std::size_t at = 0;

  char32_t raw() const {
    std::size_t next = at;
    return next < text.size() ? text::next_character(text, next) : 0;
  }
  char32_t peek() const { return narrow(raw()); }
  void skip() {
    if (at < text.size()) text::next_character(text, at);
  }
  bool take(char32_t wanted) {
    if (at >= text.size() || peek() != wanted) return false;
    skip();
    return true;
  }
  bool blanks() {
    std::size_t taken = 0;
    while (taken < kBlanksMax && (take(' ') || take('\t'))) ++taken;
    return taken > 0;
  }
  // Letters, digits and underscores of ASCII after narrowing.
  std::string name() {
    std::string read;
    while (at < text.size() && read.size() < kNameCharactersMax) {
      const char32_t c = peek();
      const bool part = c < 0x80 && (is_letter(c) || is_digit(c) || c == '_');
      if (!part) break;
      read += static_cast<char>(c);
      skip();
    }
    return read;
  }
};

bool bar_token_follows(Reader reader) {
  reader.blanks();
  const std::string name = text::lower_ascii(reader.name());
  reader.blanks();
  if (!reader.take('|')) return false;
  reader.blanks();
  if (!reader.take('>') && !name.starts_with("dsml")) return false;
  return among(kBarNames, name) ||
         std::any_of(kBarFamilies.begin(), kBarFamilies.end(),
                     [&](std::string_view family) { return name.starts_with(family); });
}

// After "<<": our own fence lines and Llama's <<SYS>>.
bool double_angle_follows(Reader reader) {
  Reader fence = reader;
  if (fence.take('<')) {
    fence.blanks();
    const std::string word = text::lower_ascii(fence.name());
    return word.starts_with("begin") || word.starts_with("end");
  }
  reader.blanks();
  reader.take('/');
  const bool sys = text::lower_ascii(reader.name()) == "sys";
  reader.blanks();
  return sys && reader.take('>');
}

bool tag_starts(Reader reader) {
  reader.skip();
  if (reader.take('<')) return double_angle_follows(reader);
  bool loose = reader.blanks();
  reader.take('/');
  if (!loose && reader.raw() == kFullWidthBar) return true;  // every added token of DeepSeek
  loose = reader.blanks() || loose;
  if (reader.take('|')) return bar_token_follows(reader);
  const std::string name = text::lower_ascii(reader.name());
  loose = reader.blanks() || loose;
  if (!reader.take('>')) return false;
  return among(kTags, name) || (!loose && among(kTightTags, name));
}

bool bracket_starts(Reader reader) {
  reader.skip();
  reader.blanks();
  reader.take('/');
  const std::string name = text::lower_ascii(reader.name());
  reader.blanks();
  return reader.take(']') && among(kBracketNames, name);
}

// "｜>", the end of an added token, and the marker ｜DSML｜ of tool calls.
bool bar_starts(Reader reader) {
  if (reader.raw() != kFullWidthBar) return false;
  reader.skip();
  if (reader.peek() == '>') return true;
  return text::lower_ascii(reader.name()) == "dsml" && reader.take('|');
}

bool is_emphasis(char32_t c) { return c == '*' || c == '_' || c == '`' || c == '~'; }

bool colon_follows(Reader reader) {
  for (std::size_t i = 0; i < kBlanksMax; ++i) {
    const char32_t c = reader.peek();
    if (c != ' ' && c != '\t' && !is_emphasis(c)) break;
    reader.skip();
  }
  return reader.take(':');
}

bool only_decoration_follows(Reader reader) {
  while (reader.at < reader.text.size()) {
    const char32_t c = reader.peek();
    if (is_line_end(c)) return true;
    if (!is_blank(c) && !is_emphasis(c) && c != ':' && c != '#' && c != kMarkCharacter)
      return false;
    reader.skip();
  }
  return true;
}

// What stands before the current character on its line.
struct LineHead {
  bool open = true;      // nothing but decoration so far
  bool heading = false;  // with a '#' in it

  void pass(char32_t raw) {
    const char32_t c = narrow(raw);
    if (is_line_end(raw)) {
      *this = {};
    } else if (c == '#') {
      heading = true;
    } else if (!is_decoration(c)) {
      open = false;
    }
  }

 private:
  // Blanks, emphasis, quotes, list marks, numbers, comments, marks: all that leaves a keyword
  // where it catches the eye.
  static bool is_decoration(char32_t c) {
    if (c < 0x80)
      return is_digit(c) ||
             std::string_view(" \t*_`~>#-+=|.,:;()[]{}\"'$%/<!&?@^").find(static_cast<char>(c)) !=
                 std::string_view::npos;
    return is_blank(c) || is_combining(c) || c == kMarkCharacter || c == 0xA7 || c == 0xAB ||
           c == 0xB7 || c == 0xBB || (c >= 0x2010 && c <= 0x2027) || (c >= 0x25A0 && c <= 0x25FF) ||
           (c >= 0x3001 && c <= 0x3011);
  }
};

// A heading, keyword or role of ours at the start of a line.
bool keyword_starts(Reader reader, const LineHead& head) {
  const std::string word = reader.name();
  const std::string lower = text::lower_ascii(word);
  if (head.heading) {
    if (lower == "solution" && only_decoration_follows(reader)) return true;
    if (lower == "instruction" || lower == "response") return colon_follows(reader);  // Alpaca
    if (lower == "self") {
      Reader rest = reader;
      if (!rest.take('-')) rest.blanks();
      if (text::lower_ascii(rest.name()) == "evaluation" && only_decoration_follows(rest))
        return true;
    }
  }
  if (lower == "verdict" || word == "QUOTE" || word == "REASON" || word == "SCORE" ||
      among(kRoles, word))
    return colon_follows(reader);
  if (word == "ISSUE") {
    reader.blanks();
    return is_digit(reader.peek());
  }
  if (word == "NO") return reader.blanks() && reader.name() == "ISSUES";
  return false;
}

bool control_starts(std::string_view text, std::size_t at, const LineHead& head) {
  const Reader reader{text, at};
  const char32_t c = reader.peek();
  if (c == '<') return tag_starts(reader);
  if (c == '[') return bracket_starts(reader);
  if (c == '|') return bar_starts(reader);
  return head.open && is_letter(c) && keyword_starts(reader, head);
}

// Calls found(offset behind the first character) for each control string, in order, until it
// returns false.
template <class Found>
void each_control(std::string_view text, Found found) {
  LineHead head;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t next = at;
    const char32_t c = text::next_character(text, next);
    if (control_starts(text, at, head) && !found(next)) return;
    head.pass(c);
    at = next;
  }
}

}  // namespace

std::string nonce_of(std::string_view secret, std::string_view text) {
  const text::Digest digest = text::hmac_sha256(secret, text);
  return text::to_hex({reinterpret_cast<const char*>(digest.data()), 16});
}

std::string neutralised(std::string_view text) {
  std::string result;
  result.reserve(text.size() + text.size() / 16);
  std::size_t copied = 0;
  // Copies up to `end`, the author's own marks twice.
  const auto copy_to = [&](std::size_t end) {
    std::string_view piece = text.substr(copied, end - copied);
    for (std::size_t mark = piece.find(kMark); mark != std::string_view::npos;
         mark = piece.find(kMark)) {
      result.append(piece.substr(0, mark + kMark.size())).append(kMark);
      piece.remove_prefix(mark + kMark.size());
    }
    result.append(piece);
    copied = end;
  };

  each_control(text, [&](std::size_t behind_first) {
    copy_to(behind_first);
    result.append(kMark);
    return true;
  });
  copy_to(text.size());
  return result;
}

std::string restored(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t mark = std::min(text.find(kMark), text.size());
    result.append(text.substr(0, mark));
    text.remove_prefix(mark);
    std::size_t run = 0;
    for (; text.starts_with(kMark); ++run) text.remove_prefix(kMark.size());
    for (std::size_t i = 0; i < run / 2; ++i) result.append(kMark);
  }
  return result;
}

bool holds_control_string(std::string_view text) {
  bool held = false;
  each_control(text, [&](std::size_t) {
    held = true;
    return false;
  });
  return held;
}

Fence fence_with_nonce(std::string_view label, std::string_view text, std::string_view nonce) {
  if (text::lower_ascii(text).find(nonce) != std::string::npos)
    throw std::runtime_error("cannot fence the text for \"" + std::string(label) +
                             "\": it holds the nonce " + std::string(nonce));
  const std::string name = std::string(label) + " " + std::string(nonce);
  return {"<<<BEGIN " + name + ">>>\n", neutralised(text), "\n<<<END " + name + ">>>"};
}

Fence fence_of(std::string_view label, std::string_view text, std::string_view secret) {
  return fence_with_nonce(label, text, nonce_of(secret, text));
}

std::string fenced(std::string_view label, std::string_view text, std::string_view secret) {
  const Fence fence = fence_of(label, text, secret);
  return fence.begin + fence.text + fence.end;
}

}  // namespace prompts
