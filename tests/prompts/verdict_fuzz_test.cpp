#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "prompts/verdict.h"
#include "tests/prompts/verdict_oracle.h"

namespace {

// Writes verifications: right ones, and right ones with something done to them.
class Writer {
 public:
  explicit Writer(uint64_t seed) : random_(seed) {}

  struct Answer {
    std::string text;
    std::optional<int> halves;  // of an answer that is right by the grammar
  };

  Answer write() {
    std::vector<std::string> lines;
    for (std::size_t i = below(4); i > 0; --i) lines.push_back(pick(kHarmless));
    const std::size_t issues = below(4);
    std::size_t fatal = 0;
    for (std::size_t i = 1; i <= issues; ++i) {
      const bool is_fatal = below(2) == 0;
      fatal += is_fatal ? 1 : 0;
      lines.push_back(bold("ISSUE " + std::to_string(i) + (is_fatal ? " (fatal)" : " (minor)")));
      write_part(lines, "QUOTE:");
      write_part(lines, "REASON:");
    }
    if (issues == 0) lines.push_back(bold("NO ISSUES"));
    const int halves = fatal > 0 ? 0 : issues == 0 ? 2 : 1 + static_cast<int>(below(2));
    lines.push_back(bold(std::string("VERDICT: ") + kScores[halves]));
    const bool right = below(3) == 0;
    if (!right)
      for (std::size_t i = 1 + below(3); i > 0; --i) spoil(lines);
    return {join(lines), right ? std::optional(halves) : std::nullopt};
  }

 private:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

  std::string pick(const std::vector<std::string>& from) { return from[below(from.size())]; }

  std::string bold(const std::string& line) { return below(5) == 0 ? "**" + line + "**" : line; }

  void write_part(std::vector<std::string>& lines, const std::string& label) {
    std::string line = below(5) == 0 ? "**" + label + "**" : label;
    if (below(4) == 0) {
      lines.push_back(line);
      lines.push_back(pick(kHarmless));
    } else {
      lines.push_back(line + " " + pick(kHarmless));
      if (below(3) == 0) lines.push_back(pick(kHarmless));
    }
    if (below(4) == 0) lines.push_back("");
  }

  void spoil(std::vector<std::string>& lines) {
    const std::size_t at = below(lines.size());
    const auto place = lines.begin() + static_cast<std::ptrdiff_t>(at);
    std::string& line = lines[at];
    switch (below(9)) {
      case 0:
        lines.insert(place, pick(kHostile));
        break;
      case 1:
        lines.push_back(pick(kHostile));
        break;
      case 2:
        lines.insert(place, std::string(line));
        break;
      case 3:
        if (lines.size() > 1) lines.erase(place);
        break;
      case 4:
        std::swap(line, lines[below(lines.size())]);
        break;
      case 5:
        line = pick(kDecorations) + line;
        break;
      case 6:
        line += pick(kEndings);
        break;
      case 7:
        if (!line.empty()) line.erase(below(line.size()), 1);
        break;
      default:
        line.insert(below(line.size() + 1), 1, " *_:.015Q\r`>"[below(12)]);
    }
  }

  std::string join(const std::vector<std::string>& lines) {
    std::string text;
    const std::string end = below(4) == 0 ? "\r\n" : "\n";
    for (std::size_t i = 0; i < lines.size(); ++i) {
      text += lines[i];
      if (below(6) == 0) text += below(2) == 0 ? "  " : "\t";
      if (i + 1 < lines.size() || below(2) == 0) text += end;
    }
    if (below(4) == 0) text += end + "  " + end;
    return text;
  }

  static constexpr const char* kScores[] = {"0", "0.5", "1"};
  const std::vector<std::string> kHarmless{"The step from a to b is right.",
                                           "We check: 1 < 2.",
                                           "let $x = 0.5$",
                                           "- first \\boxed{1}",
                                           "> 0",
                                           "```",
                                           "Verdict: fine",
                                           "an issue 1 (fatal)",
                                           "score: 1",
                                           "**Case 1.**",
                                           "\xC3\xA4\xE2\x89\xA4"};
  const std::vector<std::string> kHostile{"VERDICT: 1",
                                          "VERDICT: 0",
                                          "VERDICT: 0.5",
                                          "> VERDICT: 1",
                                          "**VERDICT: 1**",
                                          "VERDICT:1",
                                          "VERDICT: 1.0",
                                          "VERDICT: 1.",
                                          " VERDICT: 1",
                                          "`VERDICT: 1`",
                                          "VERDICT\xEF\xBC\x9A 1",
                                          "VERDICT",
                                          "VERDICT: one",
                                          "VERDICT: \xC2\xBD",
                                          "VERDICT: 0,5",
                                          "VERDICT: 1/1",
                                          "ISSUE 1 (fatal)",
                                          "ISSUE 9 (minor)",
                                          "ISSUE 01 (fatal)",
                                          "ISSUE 1 fatal",
                                          "ISSUE 1: real",
                                          "ISSUE",
                                          "NO ISSUES",
                                          "NO ISSUES.",
                                          "* NO ISSUES",
                                          "QUOTE:",
                                          "QUOTE: x",
                                          "REASON:",
                                          "REASON: y",
                                          "- REASON: y",
                                          "SCORE: consistent",
                                          "SCORE: 1",
                                          "\\boxed{1}",
                                          "</think>",
                                          "<think>",
                                          "```",
                                          "",
                                          "text"};
  const std::vector<std::string> kDecorations{"**", "> ", "`", " ",  "\t", "- ",    "# ",
                                              "*",  "__", "x", "~~", "+ ", "> > **"};
  const std::vector<std::string> kEndings{"**", ".", " .", "%",        " \\", "}",           "/1",
                                          "0",  "`", "\r", " (final)", "*",   "\xE2\x80\x8B"};
  std::mt19937_64 random_;
};

struct Tally {
  int written = 0;
  int right = 0;
  int accepted_right = 0;
  int accepted = 0;
  int disagreements = 0;
  std::string first_disagreement;
};

Tally compare(int count, uint64_t seed) {
  Writer writer(seed);
  Tally tally;
  for (; tally.written < count; ++tally.written) {
    const Writer::Answer answer = writer.write();
    const auto read = prompts::read_verification(answer.text);
    const auto* accepted = std::get_if<prompts::Verification>(&read);
    const std::optional<int> ours =
        accepted ? std::optional(prompts::halves(accepted->score)) : std::nullopt;
    tally.accepted += ours ? 1 : 0;
    tally.right += answer.halves ? 1 : 0;
    tally.accepted_right += answer.halves && ours == answer.halves ? 1 : 0;
    if (ours == oracle::score_in_halves(answer.text)) continue;
    if (tally.disagreements++ == 0) tally.first_disagreement = answer.text;
  }
  return tally;
}

void check(const Tally& tally) {
  MESSAGE(tally.written << " answers, " << tally.right << " right by the grammar, "
                        << tally.accepted << " accepted, " << tally.disagreements
                        << " read otherwise by the oracle");
  CAPTURE(tally.first_disagreement);
  CHECK(tally.disagreements == 0);
  CHECK(tally.right > tally.written / 4);
  CHECK(tally.accepted_right == tally.right);
  CHECK(tally.accepted < tally.written);
}

}  // namespace

TEST_SUITE("prompts/verdict_fuzz") {
  TEST_CASE("two parsers agree on twenty thousand answers, and every right one is accepted") {
    check(compare(20'000, 1));
  }
}

TEST_SUITE("slow/prompts/verdict_fuzz") {
  TEST_CASE("two parsers agree on a million answers, and every right one is accepted") {
    check(compare(1'000'000, 2));
  }
}
