#include <doctest/doctest.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "model/tokenizer_pattern.h"
#include "model/tokenizer_regex.h"
#include "tests/model/tokenizer_kit.h"

// Times are of the thread's processor, and generous: what is quadratic takes minutes here.

using model::Regex;
using model::Tokenizer;
using model::Trust;
using nlohmann::json;
using namespace tokenizer_kit;

namespace {

double seconds_of(const auto& work) {
  timespec before = {};
  timespec after = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
  work();
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
  return double(after.tv_sec - before.tv_sec) + 1e-9 * double(after.tv_nsec - before.tv_nsec);
}

std::string repeated(const std::string& part, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += part;
  return text;
}

Tokenizer with_pattern(const std::string& pattern) {
  json described = json::parse(small_file());
  described["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = pattern;
  return Tokenizer::parse(described.dump());
}

json variant(const std::string& name) {
  for (const json& one : json::parse(read(golden() / "tokenizer_variants.json")))
    if (one["name"] == name) return one["patch"];
  throw std::logic_error("no variant " + name);
}

void check_long_runs(const Tokenizer& tokenizer, std::size_t bytes, double seconds) {
  for (const char* part : {" ", "a", "\n", " \n", "7", "!", "中", "\u0301", "😀", "<think", "the"}) {
    INFO(part);
    const std::string text = repeated(part, bytes);
    for (const char* end : {"", "a"})
      CHECK(seconds_of([&] { tokenizer.encode(text + end, Trust::Trusted); }) < seconds);
  }
}

std::string gives_up(const Tokenizer& tokenizer, const std::string& text) {
  try {
    tokenizer.encode(text, Trust::Untrusted);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_SUITE("model/tokenizer_cost") {
  TEST_CASE("long runs of one kind take linear time") {
    check_long_runs(small_tokenizer(), 32 << 10, 0.5);
  }

  TEST_CASE("a pattern that explodes is given up") {
    CHECK(gives_up(with_pattern("(?:a+)+b"), repeated("a", 40) + "!b").find("gave up on a text") !=
          std::string::npos);
  }

  TEST_CASE("the interpreter finds what the compiled pattern finds") {
    for (const char* pattern :
         {R"(\s+$)", R"(\p{N}{1,3})", R"([^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+)",
          R"(\s*[\r\n]+|\s+(?!\S)|\s+)"}) {
      const auto translated = model::translate_pattern(pattern);
      const Regex fast(translated, "fast");
      const Regex slow(translated, "slow", Regex::Engine::Interpreter);
      const std::string text = small_file() + repeated(" ", 5000) + "\n  x" + small_file();
      Regex::Work work(text.size());
      std::size_t at = 0;
      int found = 0;
      while (const auto one = fast.find(text, at, work)) {
        const auto other = slow.find(text, at, work);
        REQUIRE(other.has_value());
        CHECK(one->begin == other->begin);
        CHECK(one->end == other->end);
        at = one->end;
        ++found;
      }
      CHECK_FALSE(slow.find(text, at, work));
      CHECK(found > 0);
    }
  }

  TEST_CASE("a run of spaces that no line end follows is stepped over at once") {
    const Regex regex(model::translate_pattern(R"(\s+$)"), "spaces");
    const auto found = [&](const std::string& text) {
      Regex::Work work(text.size());
      const auto one = regex.find(text, 0, work);
      return one ? std::pair(int(one->begin), int(one->end)) : std::pair(-1, -1);
    };
    CHECK(found("a  b  ") == std::pair(4, 6));
    CHECK(found("  \n  a") == std::pair(0, 2));
    CHECK(found(" a \n") == std::pair(2, 4));
    CHECK(found(" a b") == std::pair(-1, -1));
  }
}

TEST_SUITE("slow/model/tokenizer_cost") {
  TEST_CASE("a MiB of one kind takes less than two seconds, whatever the patterns") {
    check_long_runs(small_tokenizer(), 1 << 20, 2);
    for (const char* name :
         {"DeepSeek-V2's patterns", "GLM's pattern", "GPT-2's pattern and a space in front"}) {
      INFO(name);
      json described = json::parse(small_file());
      described.merge_patch(variant(name));
      check_long_runs(Tokenizer::parse(described.dump()), 1 << 20, 4);
    }
  }

  TEST_CASE("a pattern that takes quadratic time is given up") {
    const Tokenizer tokenizer = with_pattern("(?:a|b)++[cd]");
    std::string refused;
    CHECK(seconds_of([&] { refused = gives_up(tokenizer, repeated("a", 1 << 20)); }) < 20);
    CHECK(refused == R"(the pattern "(?:a|b)++[cd]" takes too long on a text)");
  }
}
