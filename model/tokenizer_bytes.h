#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace model {

// Byte-level BPE writes every byte as one printable character (GPT-2's table): the printable bytes
// of Latin-1 stand for themselves, the other 68 follow from U+0100 on. A space is "Ġ".

// The bytes that `text` stands for; nothing if a character of it stands for none.
std::optional<std::string> bytes_of_symbols(std::string_view text);

std::string symbols_of_bytes(std::string_view bytes);

}  // namespace model
