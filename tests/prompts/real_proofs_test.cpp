#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "prompts/fence.h"
#include "prompts/gates.h"
#include "prompts/quotes.h"
#include "text/utf8.h"

namespace {

// The string behind "key": in one line of JSON; for this data only.
std::string json_string(const std::string& line, const std::string& key) {
  const std::size_t at = line.find("\"" + key + "\":");
  if (at == std::string::npos) return {};
  std::string value;
  for (std::size_t i = line.find('"', at + key.size() + 3) + 1; i < line.size() && line[i] != '"';
       ++i) {
    if (line[i] != '\\') {
      value += line[i];
      continue;
    }
    const char escape = line[++i];
    if (escape == 'u') {
      char32_t character = static_cast<char32_t>(std::stoul(line.substr(i + 1, 4), nullptr, 16));
      i += 4;
      if (character >= 0xD800 && character < 0xDC00) {
        const auto low = static_cast<char32_t>(std::stoul(line.substr(i + 3, 4), nullptr, 16));
        character = 0x10000 + ((character - 0xD800) << 10) + (low - 0xDC00);
        i += 6;
      }
      text::append_character(value, character);
    } else {
      value += escape == 'n' ? '\n' : escape == 't' ? '\t' : escape == 'r' ? '\r' : escape;
    }
  }
  return value;
}

struct Item {
  std::string problem;
  std::string proof;
};

std::vector<Item> published_proofs() {
  std::vector<Item> items;
  const std::filesystem::path folder =
      std::filesystem::path(SOURCE_DIR) / "../shared/data/dsmv2_outputs";
  if (!std::filesystem::is_directory(folder)) return items;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);)
      items.push_back({json_string(line, "question"), json_string(line, "proof")});
  }
  return items;
}

}  // namespace

TEST_SUITE("prompts/real_proofs") {
  TEST_CASE("published proofs pass the gates and the fence unchanged") {
    const std::vector<Item> items = published_proofs();
    if (items.empty()) {
      MESSAGE("skipped: the published outputs of DeepSeek-Math-V2 are not beside the checkout");
      return;
    }
    CHECK(items.size() == 84);
    std::size_t flagged = 0;
    for (const Item& item : items) {
      CAPTURE(item.problem);
      REQUIRE(item.proof.size() > 500);
      const auto flags = prompts::inspect_proof(item.proof, item.problem);
      flagged += flags.empty() ? 0 : 1;
      CHECK_FALSE(prompts::refused(flags));
      CHECK(prompts::neutralised(item.proof) == item.proof);
    }
    MESSAGE(flagged << " of " << items.size() << " proofs have a flag");
    CHECK(flagged * 100 <= items.size());
  }

  TEST_CASE("each published proof is refused or flagged once it is cut or its statement repeated") {
    std::size_t cut_flagged = 0;
    std::size_t cuts = 0;
    for (const Item& item : published_proofs()) {
      CHECK(prompts::refused(prompts::inspect_proof(item.problem, item.problem)));
      ++cuts;
      const std::size_t middle = item.proof.find(' ', item.proof.size() / 2);
      const std::string cut = item.proof.substr(0, middle);
      cut_flagged += prompts::inspect_proof(cut, item.problem).empty() ? 0 : 1;
    }
    // The gate flags only what surely breaks off, so this is a figure and no promise.
    if (cuts > 0) MESSAGE(cut_flagged << " of " << cuts << " proofs cut in the middle are flagged");
  }

  TEST_CASE("every line of a published proof is found in it, and no line of another proof") {
    const std::vector<Item> items = published_proofs();
    std::size_t lines = 0;
    for (std::size_t i = 0; i < items.size(); i += 7) {
      const std::string& proof = items[i].proof;
      for (std::size_t at = 0; at < proof.size();) {
        const std::size_t end = std::min(proof.find('\n', at), proof.size());
        const std::string line = proof.substr(at, end - at);
        at = end + 1;
        if (line.size() < 60 || ++lines % 5 != 0) continue;
        CAPTURE(line);
        CHECK(prompts::find_quote(proof, line));
        CHECK(prompts::find_quote(proof, prompts::neutralised("> \u201C" + line + "\u201D")));
        CHECK_FALSE(prompts::find_quote(items[(i + 1) % items.size()].proof, line));
      }
    }
  }
}
