#include "training/lexemes.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

namespace training {
namespace {

using Json = nlohmann::ordered_json;

// GPT-2's alphabet: every byte as a printable character.
std::vector<std::string> byte_characters() {
  const auto utf8 = [](int code) {
    if (code < 0x80) return std::string(1, char(code));
    return std::string{char(0xC0 | (code >> 6)), char(0x80 | (code & 0x3F))};
  };
  std::vector<std::string> characters(256);
  int next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    const bool printable =
        (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    characters[std::size_t(byte)] = utf8(printable ? byte : next++);
  }
  return characters;
}

std::string escaped(const std::string& text) {
  std::string pattern;
  for (const char c : text) {
    if (c == '\n')
      pattern += "\\n";
    else if (std::string_view("\\^$.|?*+()[]{}#-").find(c) != std::string_view::npos)
      pattern += std::string("\\") + c;
    else
      pattern += c;
  }
  return pattern;
}

// Merges in the order of their ranks. A lexeme is added by merging what the merges so far make of
// it, from the left; those come later than all that others need, so nothing that was whole breaks.
class Merges {
 public:
  explicit Merges(std::vector<std::string> characters) : characters_(std::move(characters)) {
    vocabulary_ = characters_;
  }

  void add(const std::string& lexeme) {
    std::vector<std::string> parts = apply(lexeme);
    while (parts.size() > 1) {
      rank_.emplace(std::pair(parts[0], parts[1]), int(order_.size()));
      order_.push_back({parts[0], parts[1]});
      vocabulary_.push_back(parts[0] + parts[1]);
      parts = apply(lexeme);
    }
  }

  const std::vector<std::string>& vocabulary() const { return vocabulary_; }
  const std::vector<std::pair<std::string, std::string>>& order() const { return order_; }

 private:
  std::vector<std::string> apply(const std::string& text) const {
    std::vector<std::string> parts;
    for (const char c : text) parts.push_back(characters_[static_cast<unsigned char>(c)]);
    while (true) {
      std::size_t best = parts.size();
      int best_rank = int(order_.size());
      for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        const auto found = rank_.find(std::pair(parts[i], parts[i + 1]));
        if (found == rank_.end() || found->second >= best_rank) continue;
        best = i;
        best_rank = found->second;
      }
      if (best == parts.size()) return parts;
      parts[best] += parts[best + 1];
      parts.erase(parts.begin() + std::ptrdiff_t(best) + 1);
    }
  }

  std::vector<std::string> characters_;
  std::vector<std::string> vocabulary_;
  std::map<std::pair<std::string, std::string>, int> rank_;
  std::vector<std::pair<std::string, std::string>> order_;
};

// Ids of the control tokens follow those of the vocabulary.
constexpr const char* kControls[] = {"<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>",
                                     "<｜User｜>", "<｜Assistant｜>"};

Json added_tokens(std::size_t first) {
  Json added = Json::array();
  for (const char* control : kControls)
    added.push_back({{"id", first++},
                     {"content", control},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  return added;
}

}  // namespace

const std::vector<std::string>& lexemes() {
  static const std::vector<std::string> all = {
      // Prompts and headings.
      "Prove.\n", "Verify.\n", "Judge.\n", "Refine.\n", "## Solution\n", "## Self Evaluation\n",
      "## Evaluation\n",
      // Statements.
      "Prove: ", "Find x: ", "Find a,b > 1: ", "Find x,y: ", "Given: ", ". Prove: ", " (mod ",
      " == ", " + ", " - ", " = ", " | ", " for all n", " >= 1", "sum(i=1..n) (", "; ", "->",
      // Lines of proofs.
      ". ", "take ", "goal [", "]\n", "QED\n", " [calc]\n", " [add ", " [mul ", " [sub ",
      " [take]\n", "case n=", " [case]\n", "cases ", "base: ", " [base]\n", "step: ", " [hyp]\n",
      "ind ", " [given ", "suppose ", " [suppose]\n", " [mp ", " [mt ", " [hs ", " [ds ", " [andi ",
      " [ande ", " [ori ", " [impi ", "next: ", " [next]\n", "claim: ", "]",
      // Evaluations.
      ": ", " ok\n", " gap\n", " gap", " wrong\n", " wrong", " depends ", " not ", "none", " -> ",
      " gives ", "ISSUE ", " (fatal)\n", " (minor)\n", "QUOTE: ", "REASON: ", "NO ISSUES\n",
      "VERDICT: ", ": real\n", ": not real\n", "SCORE: consistent\n", "SCORE: inconsistent\n",
      // What is wrong with a line.
      "intermediate", "reference", "slip", "merged", "no goal", "value", "operand", "rule",
      "missing", "forced", "order", "other", "witness", "unreadable", "later", " [calc]", " [take]",
      " [case]", " [base]", " [hyp]", " [hyp ", " [next]", "given ", "base step claim"};
  return all;
}

std::string tokenizer_json() {
  std::vector<std::string> by_length = lexemes();
  std::ranges::stable_sort(by_length, {}, &std::string::size);
  Merges merges(byte_characters());
  for (const std::string& lexeme : by_length) merges.add(lexeme);

  std::string pattern;
  for (auto lexeme = by_length.rbegin(); lexeme != by_length.rend(); ++lexeme)
    if (lexeme->size() > 1) pattern += escaped(*lexeme) + "|";
  pattern += "[\\s\\S]";

  Json vocabulary = Json::object();
  std::size_t id = 0;
  for (const std::string& token : merges.vocabulary()) vocabulary[token] = id++;
  Json list = Json::array();
  for (const auto& [left, right] : merges.order()) list.push_back(left + " " + right);

  const Json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", true},
                           {"use_regex", false}};
  const Json split = {{"type", "Split"},
                      {"pattern", {{"Regex", pattern}}},
                      {"behavior", "Isolated"},
                      {"invert", false}};
  const Json file = {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", added_tokens(id)},
      {"normalizer", nullptr},
      {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", {split, byte_level}}}},
      {"post_processor", nullptr},
      {"decoder", byte_level},
      {"model",
       {{"type", "BPE"},
        {"dropout", nullptr},
        {"unk_token", nullptr},
        {"continuing_subword_prefix", nullptr},
        {"end_of_word_suffix", nullptr},
        {"fuse_unk", false},
        {"byte_fallback", false},
        {"ignore_merges", false},
        {"vocab", vocabulary},
        {"merges", list}}}};
  return file.dump(1) + "\n";
}

}  // namespace training
