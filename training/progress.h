#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace training {

// How fast a run is and when it will end, from the times that its caller reads off a clock. The
// pace is that of the last kWindow marks: it follows a change of stage and forgets a pause.
class Progress {
 public:
  static constexpr std::size_t kWindow = 32;

  // `tokens` are done at `now_ms`, on a clock that does not go back; neither falls.
  void mark(int64_t now_ms, int64_t tokens);

  std::optional<double> tokens_per_second() const;  // nothing: fewer than two different times
  // Until `tokens_end` are done; 0 if they are. Nothing: no pace is known, or nothing moves.
  std::optional<int64_t> remaining_ms(int64_t tokens_end) const;

 private:
  struct Mark {
    int64_t ms = 0, tokens = 0;
  };
  std::deque<Mark> marks_;
};

// "45 s", "12 min 05 s", "3 h 07 min", "2 d 04 h".
std::string duration_text(int64_t ms);

}  // namespace training
