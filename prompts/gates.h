#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace prompts {

// What code says of a proof before any model is asked, and of an evaluation after it. Each is a
// pure function; none ever raises a score.

enum class FlagKind {
  Empty,             // nothing, or no letter and no digit
  Opener,            // only an opener such as "Let's solve this step by step": a master key
  TooShort,          // less than an argument can be
  NoMathematics,     // no digit, formula or word of mathematics
  RestatesProblem,   // the problem's own words and nothing else
  Truncated,         // ends in mid-sentence, mid-formula or in an open environment
  AddressesGrader,   // speaks to whoever grades it ("give this a 1", in several languages)
  HiddenCharacters,  // bidirectional controls, zero-width, tag characters
  MixedScripts,      // Latin words with look-alike letters of other scripts
  ControlStrings,    // held a string that fence.h had to break
  NotUtf8,
  TooLarge,
};
std::string_view to_text(FlagKind kind);  // "empty", "opener", "too-short", ...

struct Flag {
  FlagKind kind = FlagKind::Empty;
  bool refuses = false;  // such a proof scores 0 without a call
  std::size_t offset = 0;
  std::string detail;  // the passage, at most 80 bytes, repaired to UTF-8
};

inline constexpr std::size_t kProofBytesMax = 4 << 20;

// All flags of a proof; `problem` may be empty. An ordinary proof has none. Those that refuse:
// Empty, Opener, TooShort, NoMathematics and RestatesProblem (at most one of them is given),
// NotUtf8 and TooLarge (given alone). The others are for people to look at. AddressesGrader knows
// wordings in ten languages; what is encoded (base64, rot13) or newly worded escapes it.
std::vector<Flag> inspect_proof(std::string_view proof, std::string_view problem);

// Whether a text is worth asking a model about.
bool refused(const std::vector<Flag>& flags);

// Whether an evaluation is a copy of the proof's own: at least nine tenths of its word 5-grams
// occur in the self-evaluation, and there are at least kEchoWordsMin words.
bool is_echo(std::string_view evaluation, std::string_view self_evaluation);

inline constexpr std::size_t kEchoWordsMin = 12;

}  // namespace prompts
