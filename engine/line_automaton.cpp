#include "engine/line_automaton.h"

namespace engine {

LineAutomaton::LineAutomaton(const ClosingLine& line)
    : opener_(line.opener), free_states_(int32_t(line.opener.size()) + 1) {
  choices_.emplace_back().next.fill(kNone);
  for (const std::string& choice : line.choices) add_choice(choice);
}

void LineAutomaton::add_choice(std::string_view text) {
  std::size_t place = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (choices_[place].next[byte] == kNone) {
      choices_[place].next[byte] = choice_state(choices_.size());
      choices_.emplace_back().next.fill(kNone);
    }
    place = std::size_t(choices_[place].next[byte] - choice_state(0));
  }
  choices_[place].ends = true;
}

LineAutomaton::State LineAutomaton::step(State state, unsigned char byte) const {
  if (state >= choice_state(0)) return choices_[std::size_t(state - choice_state(0))].next[byte];

  const bool free = is_free(state);
  const int matched = (free ? state : state - free_states_) - 1;
  const auto same = [&](int count) { return free ? free_state(count) : forced(free_state(count)); };
  if (matched >= 0 && byte == static_cast<unsigned char>(opener_[std::size_t(matched)]))
    return matched + 1 == int(opener_.size()) ? choice_state(0) : same(matched + 1);
  if (byte == '\n' && (free || matched < 0)) return same(0);
  return free ? free_state(-1) : kNone;
}

std::optional<LineAutomaton::State> LineAutomaton::after(State state,
                                                         std::string_view bytes) const {
  for (const char c : bytes) {
    state = step(state, static_cast<unsigned char>(c));
    if (state == kNone) return std::nullopt;
  }
  return state;
}

bool LineAutomaton::may_end(State state) const {
  return state >= choice_state(0) && choices_[std::size_t(state - choice_state(0))].ends;
}

}  // namespace engine
