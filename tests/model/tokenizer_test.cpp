#include "model/tokenizer.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tests/model/tokenizer_kit.h"
#include "text/utf8.h"

// Every expected id comes from Hugging Face's `tokenizers`: golden/tokenizer_make.py.

using model::Piece;
using model::Tokenizer;
using model::Tokens;
using model::Trust;
using nlohmann::json;
using namespace tokenizer_kit;

namespace {

std::string bytes_of_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes += char(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

// FNV-1a over four little-endian bytes an id, as the script has it.
std::string hash_of(const Tokens& tokens) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const int32_t token : tokens)
    for (int shift = 0; shift < 32; shift += 8)
      hash = (hash ^ (uint32_t(token) >> shift & 0xFF)) * 0x100000001b3;
  return fmt::format("{:016x}", hash);
}

}  // namespace

TEST_SUITE("model/tokenizer") {
  TEST_CASE("trusted and untrusted text gets the ids that tokenizers gives") {
    const Tokenizer& tokenizer = small_tokenizer();
    int checked = 0;
    for (const std::string& line : lines("tokenizer_golden.jsonl")) {
      const json golden = json::parse(line);
      const std::string text = golden.contains("hex")
                                   ? bytes_of_hex(golden["hex"].get<std::string>())
                                   : golden["text"].get<std::string>();
      INFO(line);
      CHECK(tokenizer.encode(text, Trust::Trusted) == golden["trusted"].get<Tokens>());
      CHECK(tokenizer.encode(text, Trust::Untrusted) == golden["untrusted"].get<Tokens>());
      ++checked;
    }
    CHECK(checked > 400);
  }

  TEST_CASE("three thousand random texts get the ids that tokenizers gives") {
    const Tokenizer& tokenizer = small_tokenizer();
    int checked = 0;
    for (const std::string& line : lines("tokenizer_random.jsonl")) {
      const json golden = json::parse(line);
      const auto text = golden[0].get<std::string>();
      INFO(line);
      CHECK(hash_of(tokenizer.encode(text, Trust::Trusted)) == golden[1].get<std::string>());
      CHECK(hash_of(tokenizer.encode(text, Trust::Untrusted)) == golden[2].get<std::string>());
      ++checked;
    }
    CHECK(checked == 3000);
  }

  TEST_CASE("other pre-tokenizers, flags and merges give the ids that tokenizers gives") {
    const json described = json::parse(small_file());
    const json variants = json::parse(read(golden() / "tokenizer_variants.json"));
    CHECK(variants.size() > 15);
    for (const json& variant : variants) {
      INFO(variant["name"].get<std::string>());
      json patched = described;
      patched.merge_patch(variant["patch"]);
      const Tokenizer tokenizer = Tokenizer::parse(patched.dump());
      for (const json& sample : variant["cases"]) {
        INFO(sample.dump(-1, ' ', true));
        CHECK(tokenizer.encode(sample[0].get<std::string>(), Trust::Trusted) ==
              sample[1].get<Tokens>());
      }
    }
  }

  TEST_CASE("decoding gives the text back, be it trusted or not") {
    const Tokenizer& tokenizer = small_tokenizer();
    for (const std::string& line : lines("tokenizer_random.jsonl")) {
      const auto text = json::parse(line)[0].get<std::string>();
      INFO(line);
      CHECK(tokenizer.decode(tokenizer.encode(text, Trust::Trusted)) == text);
      CHECK(tokenizer.decode(tokenizer.encode(text, Trust::Untrusted)) == text);
    }
  }

  TEST_CASE("control tokens are never made from untrusted text") {
    const Tokenizer& tokenizer = small_tokenizer();
    const json described = json::parse(small_file());
    for (const json& added : described["added_tokens"]) {
      const auto text = added["content"].get<std::string>();
      INFO(text);
      const auto id = added["id"].get<int32_t>();
      CHECK(tokenizer.encode(text, Trust::Trusted) == Tokens{id});
      for (const int32_t token : tokenizer.encode("a" + text + text, Trust::Untrusted))
        CHECK(token != id);
      CHECK(tokenizer.is_control(id) == added["special"].get<bool>());
    }
  }

  TEST_CASE("pieces are one text, but a stranger cannot finish a control token") {
    const Tokenizer& tokenizer = small_tokenizer();
    const int32_t think = *tokenizer.find("<think>");
    const auto pieces = [&](std::vector<Piece> all) { return tokenizer.encode(all); };
    CHECK(pieces({{"the the", Trust::Trusted}, {"orem", Trust::Untrusted}}) ==
          tokenizer.encode("the theorem", Trust::Untrusted));
    CHECK(pieces({{"<thi", Trust::Trusted}, {"nk>", Trust::Trusted}}) == Tokens{think});
    CHECK(pieces({{"<thi", Trust::Trusted}, {"nk>", Trust::Untrusted}}) ==
          tokenizer.encode("<think>", Trust::Untrusted));
    CHECK(pieces({{"<thi", Trust::Untrusted}, {"nk>", Trust::Trusted}}) ==
          tokenizer.encode("<think>", Trust::Untrusted));
    CHECK(pieces({{"<thi", Trust::Trusted}, {"", Trust::Untrusted}, {"nk>", Trust::Trusted}}) ==
          Tokens{think});
    Tokens around = tokenizer.encode("<think>x", Trust::Untrusted);
    around.push_back(think);
    const Tokens after = tokenizer.encode("y<think>", Trust::Untrusted);
    around.insert(around.end(), after.begin(), after.end());
    CHECK(pieces({{"<think>x", Trust::Untrusted},
                  {"<think>", Trust::Trusted},
                  {"y<think>", Trust::Untrusted}}) == around);
    CHECK(pieces({}).empty());
  }

  TEST_CASE("tokens are found by their text, and unknown ids stand for nothing") {
    const Tokenizer& tokenizer = small_tokenizer();
    CHECK(tokenizer.find("<｜begin▁of▁sentence｜>") == 0);
    CHECK(tokenizer.find("<think>") == 1502);
    CHECK(tokenizer.bytes(*tokenizer.find("Ġthe")) == " the");
    CHECK(tokenizer.find("no such token") == std::nullopt);
    CHECK(tokenizer.size() == 1511);
    CHECK(tokenizer.bytes(-1).empty());
    CHECK(tokenizer.bytes(1511).empty());
    CHECK(tokenizer.decode({1502, -7, 99999, 1503}) == "<think></think>");
    CHECK_FALSE(tokenizer.is_control(-1));
    CHECK_FALSE(tokenizer.is_control(1511));
  }

  TEST_CASE("a text of more than the allowed bytes is not encoded") {
    const std::string large(Tokenizer::kTextBytesMax + 1, 'a');
    CHECK_THROWS_AS(small_tokenizer().encode(large, Trust::Untrusted), std::length_error);
    // A third of it, but each byte becomes a U+FFFD.
    const std::string invalid(Tokenizer::kTextBytesMax / 3 + 1, '\xFF');
    CHECK_THROWS_AS(small_tokenizer().encode(invalid, Trust::Untrusted), std::length_error);
  }
}

TEST_SUITE("model/text_stream") {
  TEST_CASE("a stream gives the same text as decoding all at once") {
    const Tokenizer& tokenizer = small_tokenizer();
    for (const std::string& line : lines("tokenizer_golden.jsonl")) {
      const auto tokens = json::parse(line)["untrusted"].get<Tokens>();
      model::TextStream stream(tokenizer);
      std::string streamed;
      for (const int32_t token : tokens) {
        const std::string ready = stream.add(token);
        CHECK_FALSE(text::find_invalid_utf8(ready));
        streamed += ready;
      }
      CHECK(streamed + stream.finish() == tokenizer.decode(tokens));
    }
  }

  TEST_CASE("a character is given out with its last byte") {
    const Tokenizer& tokenizer = small_tokenizer();
    // Bytes F0 9F 98 80 as tokens of their own.
    Tokens bytes;
    for (const char* symbol : {"ð", "Ł", "ĺ", "Ģ"}) bytes.push_back(*tokenizer.find(symbol));
    model::TextStream stream(tokenizer);
    CHECK(stream.add(bytes[0]) == "");
    CHECK(stream.add(bytes[1]) == "");
    CHECK(stream.add(bytes[2]) == "");
    CHECK(stream.add(bytes[3]) == "😀");
    CHECK(stream.finish() == "");
  }

  TEST_CASE("broken and unfinished characters become one replacement each") {
    const Tokenizer& tokenizer = small_tokenizer();
    const int32_t lead = *tokenizer.find("ð");
    const int32_t tail = *tokenizer.find("Ł");
    model::TextStream stream(tokenizer);
    CHECK(stream.add(lead) == "");
    CHECK(stream.add(lead) == "\uFFFD");
    CHECK(stream.add(*tokenizer.find("a")) == "\uFFFDa");
    CHECK(stream.add(tail) == "\uFFFD");
    CHECK(stream.add(lead) == "");
    CHECK(stream.add(tail) == "");
    CHECK(stream.finish() == "\uFFFD");
    CHECK(stream.finish() == "");
  }

  TEST_CASE("any sequence of tokens streams like its repaired whole") {
    const Tokenizer& tokenizer = small_tokenizer();
    uint32_t draw = 1;
    for (int round = 0; round < 2000; ++round) {
      Tokens tokens;
      model::TextStream stream(tokenizer);
      std::string streamed;
      for (int i = 0; i < 12; ++i) {
        draw = draw * 1664525 + 1013904223;
        tokens.push_back(int32_t(draw >> 16) % 300);  // mostly single bytes
        streamed += stream.add(tokens.back());
      }
      CHECK(streamed + stream.finish() == text::repair_utf8(tokenizer.decode(tokens)));
    }
  }
}
