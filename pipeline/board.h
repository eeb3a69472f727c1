#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>

namespace pipeline {

// What a run is doing at this moment, for whoever shows it: plain figures that the loop keeps up
// to date and a view reads, both on the loop's thread. Nothing is ever decided by them.

struct ItemProgress {
  std::string name;
  int64_t round = 0;
  int64_t proofs = 0;  // generated, or submitted
  int64_t judged = 0;
  double best_mean = 0;
  int64_t votes_for = 0;
  int64_t votes_against = 0;  // parsed and negative
  int64_t votes_struck = 0;
  int64_t votes_lost = 0;  // unparsed or failed
  bool done = false;
  std::string outcome;
};

struct Board {
  std::list<ItemProgress> in_flight;  // a list: entries keep their address
  int64_t items = 0;
  int64_t items_done = 0;
  int64_t accepted = 0;
  int64_t refused = 0;
  int64_t undecided = 0;
  int64_t calls_done = 0;   // in this process
  int64_t calls_known = 0;  // answered by the ledger
  int64_t calls_failed = 0;
  int64_t calls_in_flight = 0;
  int64_t calls_waiting = 0;
  int64_t tokens_output = 0;
  int64_t tokens_prompt = 0;
  double cost = 0;
};

}  // namespace pipeline
