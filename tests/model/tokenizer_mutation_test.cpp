#include <doctest/doctest.h>

#include <chrono>

#include "tests/model/tokenizer_kit.h"

// Mutated files are refused in one sentence, or loaded: then byte-level BPE gives every text back.

using model::Tokenizer;
using model::Trust;
using namespace tokenizer_kit;

namespace {

class Draw {
 public:
  explicit Draw(uint64_t seed) : state_(seed) {}
  std::size_t below(std::size_t bound) {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    return std::size_t(state_ >> 33) % bound;
  }

 private:
  uint64_t state_;
};

// One to three wounds: a byte changed, a piece cut out, doubled, or moved from elsewhere, or the
// end cut off. Half of them hit what stands around the vocabulary.
std::string mutated(std::string file, Draw& draw) {
  const std::size_t interesting = file.find("\"vocab\"");
  for (std::size_t wounds = 1 + draw.below(3); wounds > 0; --wounds) {
    const std::size_t reach = draw.below(2) == 0 ? std::min(interesting, file.size()) : file.size();
    const std::size_t at = draw.below(reach);
    const std::size_t length = 1 + draw.below(draw.below(4) == 0 ? 400 : 8);
    const std::string part = file.substr(at, length);
    constexpr std::string_view kTelling = "\"\\{}[],:0129-+.eutfnp(?*|^$ \xFF\x80";
    switch (draw.below(6)) {
      case 0:
        file[at] = char(draw.below(256));
        break;
      case 1:
        file[at] = kTelling[draw.below(kTelling.size())];
        break;
      case 2:
        file.erase(at, length);
        break;
      case 3:
        file.insert(at, part);
        break;
      case 4:
        file.insert(draw.below(file.size()), part);
        break;
      default:
        if (draw.below(8) == 0) file.resize(at + 1);
        break;
    }
    if (file.empty()) file = "{";
  }
  return file;
}

std::string without_spaces(std::string text) {
  std::erase(text, ' ');
  return text;
}

struct Outcome {
  int refused = 0;
  int loaded = 0;
};

Outcome try_mutations(uint64_t seed, int rounds) {
  const std::string file = small_file();
  const std::string text =
      "Proof. Let n ≥ 12345; <think> 中文 かな\r\n\t  \\frac{1}{2} don't 😀 \x01";
  Draw draw(seed);
  Outcome outcome;
  for (int round = 0; round < rounds; ++round) {
    const std::string mutant = mutated(file, draw);
    const auto before = std::chrono::steady_clock::now();
    INFO("round " << round);
    try {
      const Tokenizer tokenizer = Tokenizer::parse(mutant);
      ++outcome.loaded;
      // Without add_prefix_space there is a space in front of every piece.
      for (const Trust trust : {Trust::Trusted, Trust::Untrusted})
        CHECK(without_spaces(tokenizer.decode(tokenizer.encode(text, trust))) ==
              without_spaces(text));
    } catch (const model::Refused& refused) {
      ++outcome.refused;
      const std::string reason = refused.what();
      CHECK(reason.starts_with("tokenizer.json: "));
      CHECK(reason.find('\n') == std::string::npos);
      CHECK(reason.size() < 400);
    }
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(1));
  }
  return outcome;
}

}  // namespace

TEST_SUITE("model/tokenizer_mutation") {
  TEST_CASE("three hundred mutated files are refused in a sentence or load") {
    const Outcome outcome = try_mutations(1, 300);
    CHECK(outcome.refused > 100);
    CHECK(outcome.loaded > 10);
  }
}

TEST_SUITE("model/tokenizer_corpus") {
  TEST_CASE("what the fuzzer starts from is refused in a sentence or loads") {
    const auto folder = std::filesystem::path(SOURCE_DIR) / "tests/fuzz/corpus/tokenizer";
    const auto refused = [&](const char* name) { return refusal(read(folder / name)); };
    CHECK(refused("small.json").empty());
    CHECK(refused("whole_words.json").empty());
    CHECK(refused("deep.json") == "tokenizer.json: it is nested more than 16 deep");
    CHECK(refused("no_bytes.json").starts_with("tokenizer.json: the byte 0x00 has no token"));
  }
}

TEST_SUITE("slow/model/tokenizer_mutation") {
  TEST_CASE("eight thousand mutated files are refused in a sentence or load") {
    const Outcome outcome = try_mutations(2, 8000);
    CHECK(outcome.refused > 3000);
    CHECK(outcome.loaded > 300);
  }
}
