#pragma once

#include <string>
#include <string_view>

namespace prompts {

// A stranger's text stands between two lines that carry a nonce, and whatever in it could be taken
// for a control token, a role or a heading of ours is broken by a visible mark.

// The first 128 bits of HMAC-SHA-256(secret, text), 32 hexadecimal digits. Whoever wrote the text
// cannot foresee it, since the secret is drawn at random for each run; all votes on one text share
// it, so that their prompts have a common prefix and replay byte for byte.
std::string nonce_of(std::string_view secret, std::string_view text);

// The mark, U+241B SYMBOL FOR ESCAPE. One that stands in the text already is doubled, so that
// `restored` can take ours out again.
inline constexpr std::string_view kMark = "\xE2\x90\x9B";

// The text with a mark after the first character of every control string. The result holds no
// control string, whatever the input. restored(neutralised(x)) == x for every x.
std::string neutralised(std::string_view text);
std::string restored(std::string_view text);

// Whether the text holds a control string: added tokens of chat templates, thinking tags, role
// words and our own headings at the start of a line (the list stands in fence.cpp, with reasons).
bool holds_control_string(std::string_view text);

// A text between its lines: "<<<BEGIN proof NONCE>>>\n", the neutralised text, and
// "\n<<<END proof NONCE>>>". `label` is a word of ours ("proof", "candidate.1.analysis.2").
struct Fence {
  std::string begin;
  std::string text;
  std::string end;
};

// Throws std::runtime_error if the text holds the nonce, in upper or lower case.
Fence fence_of(std::string_view label, std::string_view text, std::string_view secret);
Fence fence_with_nonce(std::string_view label, std::string_view text, std::string_view nonce);

// The three joined.
std::string fenced(std::string_view label, std::string_view text, std::string_view secret);

}  // namespace prompts
