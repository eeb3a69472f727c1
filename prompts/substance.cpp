#include <algorithm>
#include <array>
#include <unordered_set>

#include "prompts/gate_checks.h"
#include "prompts/talk_words.h"

namespace prompts {
namespace {

constexpr std::size_t kOpenerTokensMax = 300;     // longer talk is NoMathematics at most
constexpr std::size_t kArgumentLettersMin = 15;   // "It is trivial", "Thought process:"
constexpr std::size_t kSentenceLettersMin = 60;   // below: one sign of an argument is wanted
constexpr std::size_t kFragmentLettersMax = 200;  // one sentence that breaks off
constexpr std::size_t kNewTokensMin = 4;          // beyond the problem's own words
constexpr std::size_t kGram = 3;

using Kind = Token::Kind;

template <std::size_t N>
bool among(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Commands that set text and state nothing.
constexpr std::array<std::string_view, 24> kTextCommands{
    "text",       "textbf", "textit",   "emph",      "section", "subsection", "paragraph",
    "item",       "begin",  "end",      "noindent",  "par",     "newline",    "documentclass",
    "usepackage", "title",  "author",   "maketitle", "bf",      "it",         "label",
    "quad",       "qquad",  "smallskip"};

// Words that join a reason to what follows from it.
constexpr std::array<std::string_view, 65> kReasons{"ainsi",
                                                    "alors",
                                                    "angenommen",
                                                    "assume",
                                                    "because",
                                                    "by",
                                                    "car",
                                                    "comme",
                                                    "consequently",
                                                    "contradiccion",
                                                    "contradiction",
                                                    "contradicts",
                                                    "da",
                                                    "daher",
                                                    "damit",
                                                    "denn",
                                                    "donc",
                                                    "entonces",
                                                    "folglich",
                                                    "folgt",
                                                    "follows",
                                                    "hence",
                                                    "if",
                                                    "implies",
                                                    "imply",
                                                    "implying",
                                                    "logo",
                                                    "luego",
                                                    "nach",
                                                    "par",
                                                    "perche",
                                                    "poiche",
                                                    "por",
                                                    "porque",
                                                    "portanto",
                                                    "pues",
                                                    "puisque",
                                                    "quindi",
                                                    "si",
                                                    "since",
                                                    "so",
                                                    "somit",
                                                    "supongamos",
                                                    "suppose",
                                                    "supposons",
                                                    "then",
                                                    "therefore",
                                                    "thus",
                                                    "weil",
                                                    "wenn",
                                                    "whence",
                                                    "widerspruch",
                                                    "если",
                                                    "значит",
                                                    "ибо",
                                                    "откуда",
                                                    "отсюда",
                                                    "поскольку",
                                                    "потому",
                                                    "поэтому",
                                                    "противоречие",
                                                    "следовательно",
                                                    "так",
                                                    "тогда",
                                                    "also"};

// Beginnings of words of mathematics in the languages whose words we split.
constexpr std::array<std::string_view, 96> kMathematics{
    "numb",    "integ",   "prime",    "even",    "odd",    "sum",    "produc",    "equal",
    "equat",   "triang",  "angle",    "line",    "point",  "circ",   "set",       "subset",
    "funct",   "graph",   "vert",     "edge",    "theor",  "lemma",  "contradic", "induct",
    "divi",    "polyn",   "group",    "vector",  "matri",  "contin", "limit",     "sequen",
    "parit",   "pigeonh", "geomet",   "algebr",  "real",   "ration", "irration",  "infin",
    "finit",   "element", "map",      "biject",  "inject", "square", "root",      "multipl",
    "factor",  "modul",   "conver",   "deriv",   "symmet", "axiom",  "proport",   "less",
    "great",   "length",  "area",     "distan",  "color",  "colour", "zahl",      "gerade",
    "summe",   "prim",    "gleich",   "dreieck", "winkel", "punkt",  "kreis",     "menge",
    "funkt",   "satz",    "widerspr", "teil",    "nombre", "somme",  "entier",    "pair",
    "ensembl", "ecua",    "numer",    "suma",    "entero", "par",    "conjunt",   "числ",
    "четн",    "нечетн",  "сумм",     "прост",   "треуг",  "угол",   "точк",      "множеств"};

// Chinese and Japanese characters that carry mathematics, and those that join reasons.
constexpr std::u32string_view kMathematicsSigns =
    U"数數函角点點线線圆圓集素整除等和积積奇偶方阶群环域图圖形面边邊式根";
constexpr std::u32string_view kReasonSigns = U"因故所则則即由若設设得又反";

// Letters and digits that a reader would count; an ideograph says as much as two letters.
std::size_t letters_of(const Tokens& tokens) {
  std::size_t letters = 0;
  for (std::size_t i = 0; i < tokens.list.size(); ++i) {
    const Kind kind = tokens.list[i].kind;
    if (kind == Kind::Ideograph)
      letters += 2;
    else if (kind != Kind::Symbol)
      letters += static_cast<std::size_t>(
          std::count_if(tokens.word(i).begin(), tokens.word(i).end(),
                        [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
  }
  return letters;
}

bool holds_sign(std::string_view ideograph, std::u32string_view signs) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(ideograph[i]); };
  if (ideograph.size() != 3) return false;
  const char32_t c =
      static_cast<char32_t>((at(0) & 0x0F) << 12 | (at(1) & 0x3F) << 6 | (at(2) & 0x3F));
  return signs.find(c) != std::u32string_view::npos;
}

// A word in a script whose languages our lists do not cover: nothing can be said of it.
bool is_unknown_script(const Tokens& tokens, std::size_t i) {
  if (tokens.list[i].kind != Kind::Word) return false;
  const std::string_view word = tokens.word(i);
  const auto first = static_cast<unsigned char>(word[0]);
  return first >= 0xD5 || (first >= 0xCD && first <= 0xCF);  // Greek; Armenian and beyond
}

bool is_relation(std::string_view symbol) {
  return symbol == "=" || symbol == "<" || symbol == ">" || symbol == "+" || symbol == "^" ||
         static_cast<unsigned char>(symbol[0]) >= 0x80;
}

bool is_formula(const Tokens& tokens, std::size_t i) {
  switch (tokens.list[i].kind) {
    case Kind::Number:
      return true;
    case Kind::Symbol:
      return is_relation(tokens.word(i)) && tokens.word(i) != ">";  // '>' is a quote mark as well
    case Kind::Command:
      return !among(kTextCommands, tokens.word(i));
    default:
      return false;
  }
}

bool shows_reasoning(const Tokens& tokens) {
  for (std::size_t i = 0; i < tokens.list.size(); ++i) {
    const std::string_view word = tokens.word(i);
    const Kind kind = tokens.list[i].kind;
    if (kind == Kind::Word && (among(kReasons, word) || is_unknown_script(tokens, i))) return true;
    if (kind == Kind::Ideograph && holds_sign(word, kReasonSigns)) return true;
    if (kind == Kind::Symbol && is_relation(word)) return true;
    if (kind == Kind::Command && !among(kTextCommands, word)) return true;
  }
  return false;
}

// FNV-1a over the words of one n-gram.
uint64_t gram_hash(const Tokens& tokens, std::size_t first) {
  uint64_t hash = 14695981039346656037ull;
  for (std::size_t i = first; i < first + kGram; ++i) {
    for (const char c : tokens.word(i))
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
    hash = (hash ^ 0xFF) * 1099511628211ull;  // where the word ends
  }
  return hash;
}

}  // namespace

bool is_opener(const Tokens& proof) {
  if (proof.list.size() > kOpenerTokensMax) return false;
  for (std::size_t i = 0; i < proof.list.size();) {
    switch (proof.list[i].kind) {
      case Kind::Word:
        if (!is_talk_word(proof.word(i))) return false;
        ++i;
        break;
      case Kind::Ideograph: {
        const std::size_t phrase = talk_phrase_length(proof, i);
        if (phrase == 0) return false;
        i += phrase;
        break;
      }
      case Kind::Number: {
        // "Step 1", "1." at the begin of a line.
        const bool counts = proof.word(i).size() == 1 &&
                            (proof.list[i].starts || (i > 0 && is_step_word(proof.word(i - 1))));
        if (!counts) return false;
        ++i;
        break;
      }
      case Kind::Symbol:
        if (is_relation(proof.word(i)) && proof.word(i) != ">" && proof.word(i) != "=")
          return false;
        ++i;
        break;
      case Kind::Command:
        if (!among(kTextCommands, proof.word(i))) return false;
        ++i;
        break;
    }
  }
  return true;
}

bool is_too_short(const Tokens& proof, bool truncated) {
  const std::size_t letters = letters_of(proof);
  if (letters < kArgumentLettersMin) return true;
  if (letters < kSentenceLettersMin && !shows_reasoning(proof)) return true;
  const auto sentences = std::count_if(proof.list.begin(), proof.list.end(),
                                       [](const Token& token) { return token.severed; });
  return truncated && letters < kFragmentLettersMax && sentences <= 1;
}

bool lacks_mathematics(const Tokens& proof) {
  for (std::size_t i = 0; i < proof.list.size(); ++i) {
    if (is_formula(proof, i) || is_unknown_script(proof, i)) return false;
    const std::string_view word = proof.word(i);
    const Kind kind = proof.list[i].kind;
    if (kind == Kind::Ideograph && holds_sign(word, kMathematicsSigns)) return false;
    if (kind != Kind::Word) continue;
    if (word.size() == 1 && !is_talk_word(word)) return false;  // a variable
    if (std::any_of(kMathematics.begin(), kMathematics.end(),
                    [&](std::string_view stem) { return word.starts_with(stem); }))
      return false;
  }
  return true;
}

bool restates(const Tokens& proof, const Tokens& problem) {
  if (problem.list.size() < kGram || proof.list.size() < kGram) return false;
  std::unordered_set<uint64_t> known;
  for (std::size_t i = 0; i + kGram <= problem.list.size(); ++i)
    known.insert(gram_hash(problem, i));

  std::size_t covered_to = 0;
  std::size_t fresh = 0;
  for (std::size_t i = 0; i < proof.list.size() && fresh < kNewTokensMin; ++i) {
    if (i + kGram <= proof.list.size() && known.contains(gram_hash(proof, i)))
      covered_to = i + kGram;
    const bool talk = proof.list[i].kind == Kind::Word && is_talk_word(proof.word(i));
    if (i >= covered_to && !talk) ++fresh;
  }
  return fresh < kNewTokensMin;
}

}  // namespace prompts
