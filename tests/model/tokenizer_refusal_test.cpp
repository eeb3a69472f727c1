#include <doctest/doctest.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "model/tokenizer_file.h"
#include "tests/model/tokenizer_kit.h"

using model::Tokenizer;
using model::TokenizerFile;
using nlohmann::json;
using namespace tokenizer_kit;

namespace {

const json& described() {
  static const json small = json::parse(small_file());
  return small;
}

// The refusal of the small tokenizer with a patch (RFC 7396).
std::string refusal_with(const std::string& patch) {
  json patched = described();
  patched.merge_patch(json::parse(patch));
  return refusal(patched.dump());
}

std::string split_of(const std::string& pattern) {
  const json stages = {{{"type", "Split"},
                        {"pattern", {{"Regex", pattern}}},
                        {"behavior", "Isolated"},
                        {"invert", false}},
                       {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}};
  return json{{"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", stages}}}}.dump();
}

bool says(const std::string& refused, const std::string& part) {
  INFO(refused);
  const bool found = refused.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

}  // namespace

TEST_SUITE("model/tokenizer_refusal") {
  TEST_CASE("the small tokenizer itself is not refused") { CHECK(refusal_with("{}").empty()); }

  TEST_CASE("what is no JSON, or too deep, or says a name twice is refused") {
    says(refusal(""), "tokenizer.json: it is not JSON");
    says(refusal("{"), "it is not JSON at byte 2");
    says(refusal("[]"), "the file is no object");
    says(refusal("{}"), "the file has no model");
    says(refusal(std::string(100, '[')), "nested more than 16 deep");
    says(refusal(R"({"model": 1, "model": 2})"), R"(the name "model" occurs twice)");
    std::string many = "[0";
    for (std::size_t i = 0; i < TokenizerFile::kValuesMax; ++i) many += ",0";
    says(refusal(many + "]"), "more than 4194304 values");
    says(refusal(std::string(Tokenizer::kFileBytesMax + 1, ' ')), "has 67108865 bytes");
  }

  TEST_CASE("a model other than byte-level BPE is refused by name") {
    says(refusal_with(R"({"version": "2.0"})"), "its version is not 1.0");
    says(refusal_with(R"({"model": {"type": "WordPiece"}})"), R"(model "WordPiece")");
    says(refusal_with(R"({"model": {"type": null}})"), "model has no type");
    says(refusal_with(R"({"model": {"byte_fallback": true}})"), "byte_fallback");
    says(refusal_with(R"({"model": {"dropout": 0.1}})"), "dropout");
    says(refusal_with(R"({"model": {"continuing_subword_prefix": "#"}})"),
         "continuing_subword_prefix");
    says(refusal_with(R"({"model": {"end_of_word_suffix": "</w>"}})"), "end_of_word_suffix");
    CHECK(refusal_with(R"({"model": {"end_of_word_suffix": "", "unk_token": "?"}})").empty());
    says(refusal_with(R"({"decoder": {"type": "WordPiece"}})"), R"(decoder "WordPiece")");
    says(refusal_with(R"({"decoder": null})"), "the file has no decoder");
    says(refusal_with(R"({"normalizer": {"type": "NFC"}})"), R"(normalizer "NFC")");
    says(refusal_with(R"({"normalizer": {"normalizers": [{"type": "NFKC"}]}})"), R"("NFKC")");
  }

  TEST_CASE("a pre-tokenizer that is not supported is refused by name") {
    says(refusal_with(R"({"pre_tokenizer": null})"), "the file has no pre_tokenizer");
    says(refusal_with(R"({"pre_tokenizer": {"type": "Metaspace"}})"), R"("Metaspace")");
    says(refusal_with(R"({"pre_tokenizer": {"pretokenizers": []}})"), "has no ByteLevel");
    says(refusal_with(R"({"pre_tokenizer": {"pretokenizers":
             [{"type": "ByteLevel"}, {"type": "Digits"}]}})"),
         R"("Digits" comes after ByteLevel)");
    const std::string cut = R"({"pre_tokenizer": {"pretokenizers": [{"type": "Split", )";
    says(refusal_with(cut + R"("pattern": {"Glob": "*"}}]}})"), R"("Glob")");
    says(refusal_with(cut + R"("pattern": "a"}]}})"), "the pattern of a Split is not one");
    says(refusal_with(cut + R"("pattern": {"Regex": "a"}, "behavior": "Chopped"}]}})"), "Chopped");
    says(refusal_with(cut + R"("pattern": {"Regex": "a"}, "behavior": "Isolated",
             "invert": 1}]}})"),
         "invert of a Split is neither true nor false");
    std::string many = R"({"pre_tokenizer": {"pretokenizers": [{"type": "Digits"})";
    for (std::size_t i = 0; i < TokenizerFile::kStagesMax; ++i) many += R"(, {"type": "Digits"})";
    says(refusal_with(many + "]}}"), "more than 16 pre-tokenizers");
    says(refusal_with(split_of(std::string(TokenizerFile::kPatternBytesMax + 1, 'a'))),
         "16385 bytes");
  }

  TEST_CASE("patterns that PCRE2 and Oniguruma read differently are refused by name") {
    const auto refused = [](const std::string& pattern, const std::string& part) {
      INFO(pattern);
      says(refusal_with(split_of(pattern)), part);
    };
    refused(R"(\w+)", R"(has \w)");
    refused(R"(\h)", R"(has \h)");
    refused(R"((a)\1)", R"(has \1)");
    refused(R"(\bfoo)", R"(has \b)");
    refused("(?<name>a)", "has a group other than");
    refused("(?m:a.b)", "has a group other than");
    refused("(?x)a b", "has a group other than");
    refused("(*UTF8)a", "has the group (*");
    refused("[a[bc]]", "has a [ in a set");
    refused("[[:alpha:]]", "has a [ in a set");
    refused("[a-z&&[^b]]", "has && in a set");
    refused("[]a]", "has a set that begins with ]");
    refused("[a", "has a set without an end");
    refused(R"([\s-z])", "begins with a class");
    refused(R"([+-\s])", "ends in a class");
    refused("a{,3}", "has a { that is neither");
    refused("a{2}+", "has + or ? behind");
    refused("a{x}", "has a { that is neither");
    refused("a{", "has a { that is not escaped");
    refused(R"(\p{Emoji})", "neither a category");
    refused(R"(\p{lu})", "neither a category");
    refused(R"(\pL)", "without {");
    refused(R"(\x9)", "by number");
    refused(R"(\xE9)", "x80 or above");
    refused(R"(\u12)", "by number");
    refused(R"((?i:\p{Lu}))", "ignores case");
    refused("a\\", "escapes a character");
    refused("(a", "cannot be compiled");
    refused("a)", "cannot be compiled");
    refused("*a", "cannot be compiled");
    refused("[z-a]", "cannot be compiled");
    refused("(?:a{60000}){60000}", "cannot be compiled");
    refused("a*", "can match an empty text");
    refused("", "can match an empty text");
    refused("a|(?=b)", "can match an empty text");
  }

  TEST_CASE("ids that are no ids, occur twice or contradict each other are refused") {
    says(refusal_with(R"({"model": {"vocab": {"a": -1}}})"), R"(the id of "a" is no whole)");
    says(refusal_with(R"({"model": {"vocab": {"a": 1.5}}})"), R"(the id of "a" is no whole)");
    says(refusal_with(R"({"model": {"vocab": {"a": 1048576}}})"), "1048575 is the largest");
    says(refusal_with(R"({"model": {"vocab": {"zz": 5}}})"), "two tokens have the id 5");
    says(refusal_with(R"({"added_tokens": [{"id": 7, "content": "<new>"}]})"),
         R"(the id 7 of the added token "<new>" is another token's)");
    says(refusal_with(R"({"added_tokens": [{"id": 2000, "content": "er"}]})"),
         R"("er" has the id 2000, but)");
    says(refusal_with(R"({"added_tokens": [{"id": 2000, "content": "<n>"},
             {"id": 2001, "content": "<n>"}]})"),
         R"("<n>" occurs twice)");
    says(refusal_with(R"({"added_tokens": [{"id": 2000, "content": ""}]})"), "has 0 bytes");
    says(refusal_with(R"({"added_tokens": [{"id": 2000}]})"), "an added token has no content");
    const std::string large(TokenizerFile::kAddedBytesMax + 1, 'x');
    says(refusal_with(R"({"added_tokens": [{"id": 2000, "content": ")" + large + R"("}]})"),
         "has 1025 bytes");
  }

  TEST_CASE("bytes without a token and merges of unknown tokens are refused") {
    says(refusal_with(R"({"model": {"vocab": {"!": null}, "merges": []}})"), "the byte 0x21");
    says(refusal_with(R"({"model": {"merges": ["a"]}})"), R"(the merge "a" is no pair)");
    says(refusal_with(R"({"model": {"merges": ["a b c"]}})"), R"("a b c" is no pair)");
    says(refusal_with(R"({"model": {"merges": [["a"]]}})"), "merge 0 is no pair");
    says(refusal_with(R"({"model": {"merges": [["a", 1]]}})"), "merge 0 is no pair");
    says(refusal_with(R"({"model": {"merges": [1]}})"), "a merge is no text");
    says(refusal_with(R"({"model": {"merges": ["q q"]}})"), R"(a merge has "qq")");
    says(refusal_with(R"({"model": {"merges": {}}})"), "merges is no array");
    json many = described();
    many["model"]["merges"] = json::array();
    for (std::size_t i = 0; i <= TokenizerFile::kMergesMax; ++i)
      many["model"]["merges"].push_back("");
    says(refusal(many.dump()), "there are 2097153 merges");
  }

  TEST_CASE("special tokens that plain text could become are refused") {
    json reachable = described();
    const int er = reachable["model"]["vocab"]["er"].get<int>();
    reachable["added_tokens"].push_back({{"id", er}, {"content", "er"}, {"special", true}});
    says(refusal(reachable.dump()), R"(merges make the special token "er" of plain text)");
    json byte = described();
    const int bang = byte["model"]["vocab"]["!"].get<int>();
    byte["added_tokens"].push_back({{"id", bang}, {"content", "!"}, {"special", true}});
    says(refusal(byte.dump()), R"(the special token "!" is the byte 0x21)");
    // Words are looked up whole, but not to find added tokens.
    json whole = described();
    whole["model"]["ignore_merges"] = true;
    whole["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
    whole["model"]["vocab"]["STOP"] = 3000;
    const auto stop = [&] {
      return Tokenizer::parse(whole.dump()).encode("STOP", model::Trust::Untrusted);
    };
    CHECK(stop() == model::Tokens{3000});
    whole["added_tokens"].push_back({{"id", 3000}, {"content", "STOP"}, {"special", true}});
    CHECK(stop() == model::Tokens{53, 54, 49, 50});
  }

  TEST_CASE("a directory without a tokenizer.json is refused, also if it has tiktoken's") {
    const auto folder =
        std::filesystem::temp_directory_path() /
        ("tokenizer_refusal_" +
         std::to_string(std::chrono::steady_clock::now().time_since_epoch().count()));
    std::filesystem::create_directory(folder);
    const auto load = [&] {
      try {
        Tokenizer::load(folder);
      } catch (const model::Refused& refused) {
        return std::string(refused.what());
      }
      return std::string();
    };
    says(load(), "tokenizer.json");
    std::ofstream(folder / "tiktoken.model") << "IQ== 0\n";
    says(load(), "has tiktoken.model, which is not supported");
    std::ofstream(folder / "tokenizer.json") << "{}";
    says(load(), "the file has no model");
    std::filesystem::resize_file(folder / "tokenizer.json", Tokenizer::kFileBytesMax + 1);
    says(load(), "at most 67108864 are read");
    std::filesystem::remove_all(folder);
  }

  TEST_CASE("what a stranger's file says is shown short and without control characters") {
    const std::string refused =
        refusal_with(R"({"model": {"type": ")" + std::string(500, 'x') + R"("}})");
    CHECK(refused.size() < 250);
    says(refusal_with(R"({"model": {"type": "\u001b[31m\nx"}})"), R"("?[31m?x")");
  }
}
