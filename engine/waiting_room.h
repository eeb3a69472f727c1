#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "engine/lane.h"

namespace engine {

// Samples that hold no pages, by lane, lowest number first. While a prompt is being computed the
// others that begin with it are passed over: they would only compute it again.
class WaitingRoom {
 public:
  using Id = uint64_t;

  // `prompt` stands for the prompt's tokens; different ones may, rarely, share a number, and then
  // one waits needlessly.
  void add(Id id, Lane lane, uint64_t prompt);
  void remove(Id id);  // is there
  bool contains(Id id) const { return entries_.contains(id); }
  std::size_t size() const { return entries_.size(); }

  // The next of the lane that may go, if there is one.
  std::optional<Id> first(Lane lane);

  void begin_prompt(uint64_t prompt);
  void end_prompt(uint64_t prompt);

 private:
  struct Entry {
    Lane lane = Lane::Verify;
    uint64_t prompt = 0;
  };
  std::set<Id>& lane_of(Lane lane) { return lanes_[std::size_t(lane)]; }

  std::unordered_map<Id, Entry> entries_;
  std::array<std::set<Id>, kLanes> lanes_;
  // Prompts being computed, and who was passed over for each and has left its lane.
  std::unordered_map<uint64_t, std::vector<Id>> prompts_;
};

}  // namespace engine
