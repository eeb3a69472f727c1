#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/grammar.h"

namespace engine {

// The closing line's grammar over bytes. States are numbers below states().
class LineAutomaton {
 public:
  using State = int32_t;

  explicit LineAutomaton(const ClosingLine& line);

  State start() const { return free_state(0); }
  int32_t states() const { return 2 * free_states_ + int32_t(choices_.size()); }

  std::optional<State> after(State state, std::string_view bytes) const;
  bool may_end(State state) const;

  bool is_free(State state) const { return state < free_states_; }
  // The same place in the text, but nothing except the line may follow, on a line of its own.
  State forced(State state) const { return state + free_states_; }

 private:
  static constexpr State kNone = -1;
  struct Choice {  // a place in the trie of choices
    std::array<State, 256> next;
    bool ends = false;
  };

  // How many bytes of the opener the line has, or -1: it did not begin with the opener.
  State free_state(int matched) const { return matched + 1; }
  State choice_state(std::size_t place) const { return State(2 * free_states_ + int32_t(place)); }
  State step(State state, unsigned char byte) const;
  void add_choice(std::string_view text);

  std::string opener_;
  int32_t free_states_ = 0;
  std::vector<Choice> choices_;
};

}  // namespace engine
