#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "model/tokenizer_pattern.h"

namespace model {

// A compiled pattern. Only read once it exists: many threads may use it, each with its own Work.
class Regex {
 public:
  // Of one attempt to match, in PCRE2's units: most texts need a step for every byte or less.
  static constexpr uint32_t kStepsMax = 1 << 20;
  static constexpr uint32_t kStepsMaxPerByte = 4;  // of the text, besides
  static constexpr uint32_t kHeapKiBMax = 64 << 10;
  static constexpr std::size_t kStackBytesMax = 8 << 20;
  // Of all attempts of one Work, in processor time of its thread.
  static constexpr double kSecondsMax = 2;
  static constexpr double kSecondsMaxPerMiB = 4;

  // Machine code where it may be made; elsewhere the interpreter does the same more slowly.
  enum class Engine { Fastest, Interpreter };

  // `name` is what messages call it. Throws Refused: the pattern is wrong, too large, or can match
  // no text at all, which would cut between any two characters.
  Regex(const TranslatedPattern& pattern, std::string name, Engine engine = Engine::Fastest);
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();

  // What PCRE2 needs while it matches, and the time that was spent.
  class Work {
   public:
    explicit Work(std::size_t text_bytes);
    ~Work();
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;

   private:
    friend class Regex;
    struct State;
    std::unique_ptr<State> state_;
  };

  struct Found {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  // The first match that begins at `from` or later; never an empty one.
  // REQUIRES: `text` is UTF-8, a character begins at `from`. Throws std::runtime_error past a
  // limit.
  std::optional<Found> find(std::string_view text, std::size_t from, Work& work) const;

 private:
  struct Code;
  std::unique_ptr<Code> code_;
};

}  // namespace model
