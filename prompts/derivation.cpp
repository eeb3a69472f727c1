#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>

#include "prompts/gate_checks.h"

namespace prompts {
namespace {

constexpr int kLinesMin = 2;

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// "3. q [mp 1 2]" with the number that is due.
bool is_numbered_step(std::string_view line, int number) {
  int found = 0;
  const auto read = std::from_chars(line.data(), line.data() + line.size(), found);
  const std::size_t digits = std::size_t(read.ptr - line.data());
  return read.ec == std::errc() && found == number && line.substr(digits).starts_with(". ") &&
         line.ends_with(']') && line.find('[') != std::string_view::npos;
}

}  // namespace

bool is_derivation(std::string_view proof) {
  int steps = 0;
  bool ended = false;
  while (!proof.empty()) {
    const std::size_t end = std::min(proof.find('\n'), proof.size());
    const std::string_view line = trimmed(proof.substr(0, end));
    proof.remove_prefix(std::min(end + 1, proof.size()));
    if (line.empty()) continue;
    if (ended) return false;
    if (line == "QED")
      ended = true;
    else if (!is_numbered_step(line, ++steps))
      return false;
  }
  return ended && steps >= kLinesMin;
}

}  // namespace prompts
