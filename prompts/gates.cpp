#include "prompts/gates.h"

#include <algorithm>
#include <unordered_set>

#include "prompts/fence.h"
#include "prompts/gate_checks.h"
#include "text/utf8.h"

namespace prompts {
namespace {

constexpr std::size_t kDetailBytesMax = 80;
constexpr std::size_t kEchoWords = 5;  // in one n-gram

std::string detail_of(std::string_view proof, Span span) {
  std::string_view piece =
      proof.substr(span.begin, std::min(span.end - span.begin, kDetailBytesMax));
  std::string detail = text::repair_utf8(piece);
  // A character cut in two became U+FFFD, which is longer than what was left of it.
  while (detail.size() > kDetailBytesMax) {
    piece.remove_suffix(1);
    detail = text::repair_utf8(piece);
  }
  return detail;
}

bool has_content(const Tokens& tokens) {
  return std::any_of(tokens.list.begin(), tokens.list.end(),
                     [](const Token& token) { return token.kind != Token::Kind::Symbol; });
}

// Where the first control string stands: neutralising moves nothing before it.
Span first_control(std::string_view proof) {
  const std::string broken = neutralised(proof);
  const auto [ours, theirs] =
      std::mismatch(broken.begin(), broken.end(), proof.begin(), proof.end());
  const auto offset = static_cast<std::size_t>(theirs - proof.begin());
  const std::size_t begin = offset > 0 ? offset - 1 : 0;
  return {begin, std::min(begin + kDetailBytesMax, proof.size())};
}

// FNV-1a over the words of one n-gram.
uint64_t gram_hash(const Tokens& tokens, std::size_t first) {
  uint64_t hash = 14695981039346656037ull;
  for (std::size_t i = first; i < first + kEchoWords; ++i) {
    for (const char c : tokens.word(i))
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
    hash = (hash ^ 0xFF) * 1099511628211ull;  // where the word ends
  }
  return hash;
}

}  // namespace

std::string_view to_text(FlagKind kind) {
  switch (kind) {
    case FlagKind::Empty:
      return "empty";
    case FlagKind::Opener:
      return "opener";
    case FlagKind::TooShort:
      return "too-short";
    case FlagKind::NoMathematics:
      return "no-mathematics";
    case FlagKind::RestatesProblem:
      return "restates-problem";
    case FlagKind::Truncated:
      return "truncated";
    case FlagKind::AddressesGrader:
      return "addresses-grader";
    case FlagKind::HiddenCharacters:
      return "hidden-characters";
    case FlagKind::MixedScripts:
      return "mixed-scripts";
    case FlagKind::ControlStrings:
      return "control-strings";
    case FlagKind::NotUtf8:
      return "not-utf8";
    case FlagKind::TooLarge:
      return "too-large";
  }
  return "unknown";
}

std::vector<Flag> inspect_proof(std::string_view proof, std::string_view problem) {
  std::vector<Flag> flags;
  const auto add = [&](FlagKind kind, bool refuses, Span span) {
    flags.push_back({kind, refuses, span.begin, detail_of(proof, span)});
  };
  const Span whole{0, proof.size()};

  if (proof.size() > kProofBytesMax) {
    add(FlagKind::TooLarge, true, whole);
    return flags;
  }
  if (const auto invalid = text::find_invalid_utf8(proof)) {
    add(FlagKind::NotUtf8, true, {*invalid, std::min(*invalid + kDetailBytesMax, proof.size())});
    return flags;
  }

  const Tokens tokens = tokens_of(proof);
  const auto truncation = find_truncation(proof);
  const bool argues = is_derivation(proof);
  if (!has_content(tokens))
    add(FlagKind::Empty, true, whole);
  else if (!argues && is_opener(tokens))
    add(FlagKind::Opener, true, whole);
  else if (!argues && is_too_short(tokens, truncation.has_value()))
    add(FlagKind::TooShort, true, whole);
  else if (!argues && lacks_mathematics(tokens))
    add(FlagKind::NoMathematics, true, whole);
  else if (!argues && problem.size() <= kProofBytesMax && restates(tokens, tokens_of(problem)))
    add(FlagKind::RestatesProblem, true, whole);

  if (truncation) add(FlagKind::Truncated, false, *truncation);
  if (const auto span = find_address(tokens)) add(FlagKind::AddressesGrader, false, *span);
  if (const auto span = find_hidden(proof)) add(FlagKind::HiddenCharacters, false, *span);
  if (const auto span = find_mixed_scripts(proof)) add(FlagKind::MixedScripts, false, *span);
  if (holds_control_string(proof)) add(FlagKind::ControlStrings, false, first_control(proof));
  return flags;
}

bool refused(const std::vector<Flag>& flags) {
  return std::any_of(flags.begin(), flags.end(), [](const Flag& flag) { return flag.refuses; });
}

bool is_echo(std::string_view evaluation, std::string_view self_evaluation) {
  const Tokens ours = tokens_of(evaluation.substr(0, kProofBytesMax));
  const Tokens theirs = tokens_of(self_evaluation.substr(0, kProofBytesMax));
  if (ours.list.size() < kEchoWordsMin || theirs.list.size() < kEchoWords) return false;

  std::unordered_set<uint64_t> known;
  for (std::size_t i = 0; i + kEchoWords <= theirs.list.size(); ++i)
    known.insert(gram_hash(theirs, i));
  std::size_t copied = 0;
  const std::size_t grams = ours.list.size() - kEchoWords + 1;
  for (std::size_t i = 0; i < grams; ++i) copied += known.contains(gram_hash(ours, i)) ? 1 : 0;
  return copied * 10 >= grams * 9;
}

}  // namespace prompts
