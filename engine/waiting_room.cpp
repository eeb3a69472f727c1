#include "engine/waiting_room.h"

namespace engine {

void WaitingRoom::add(Id id, Lane lane, uint64_t prompt) {
  entries_[id] = {.lane = lane, .prompt = prompt};
  lane_of(lane).insert(id);
}

void WaitingRoom::remove(Id id) {
  const auto entry = entries_.find(id);
  lane_of(entry->second.lane).erase(id);  // not there if it was passed over
  entries_.erase(entry);
}

std::optional<WaitingRoom::Id> WaitingRoom::first(Lane lane) {
  std::set<Id>& ids = lane_of(lane);
  while (!ids.empty()) {
    const Id id = *ids.begin();
    const auto computed = prompts_.find(entries_.at(id).prompt);
    if (computed == prompts_.end()) return id;
    computed->second.push_back(id);
    ids.erase(ids.begin());
  }
  return std::nullopt;
}

void WaitingRoom::begin_prompt(uint64_t prompt) { prompts_.try_emplace(prompt); }

void WaitingRoom::end_prompt(uint64_t prompt) {
  const auto ended = prompts_.find(prompt);
  if (ended == prompts_.end()) return;
  for (const Id id : ended->second)
    if (const auto entry = entries_.find(id); entry != entries_.end())
      lane_of(entry->second.lane).insert(id);
  prompts_.erase(ended);
}

}  // namespace engine
