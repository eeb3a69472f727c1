#include "model/tokenizer_bytes.h"

#include <array>
#include <cstdint>

#include "text/utf8.h"

namespace model {
namespace {

constexpr char32_t kFirstOther = 0x100;

constexpr bool stands_for_itself(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Table {
  std::array<char32_t, 256> symbol = {};
  std::array<int16_t, 512> byte = {};  // by symbol; -1: none
};

constexpr Table make_table() {
  Table table;
  table.byte.fill(-1);
  char32_t next = kFirstOther;
  for (int byte = 0; byte < 256; ++byte) {
    const char32_t symbol = stands_for_itself(byte) ? char32_t(byte) : next++;
    table.symbol[std::size_t(byte)] = symbol;
    table.byte[symbol] = int16_t(byte);
  }
  return table;
}

constexpr Table kTable = make_table();

}  // namespace

std::optional<std::string> bytes_of_symbols(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t offset = 0; offset < text.size();) {
    const char32_t symbol = text::next_character(text, offset);
    if (symbol >= kTable.byte.size() || kTable.byte[symbol] < 0) return std::nullopt;
    bytes += char(kTable.byte[symbol]);
  }
  return bytes;
}

std::string symbols_of_bytes(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes)
    text::append_character(text, kTable.symbol[static_cast<unsigned char>(byte)]);
  return text;
}

}  // namespace model
