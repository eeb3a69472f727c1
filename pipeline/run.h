#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "pipeline/live_book.h"
#include "pipeline/search.h"
#include "storage/ledger.h"

namespace pipeline {

// Opening a run. The same inputs with the same meaning go on where they stopped, whoever asks;
// the same inputs with another meaning are refused, with what differs, unless a fork is asked for.
struct OpenedRun {
  storage::RunRow row;
  bool continued = false;
};
struct MeaningChanged {
  int64_t run = 0;
  std::vector<std::string> differences;
};
enum class Fork { No, Yes };
std::variant<OpenedRun, MeaningChanged> open_run(storage::LedgerWriter& writer,
                                                 const storage::LedgerReader& reader,
                                                 storage::RunRow wanted,
                                                 const storage::RunInputs& inputs, Fork fork);

// One thing to do: a problem to solve, or a proof to grade.
struct Item {
  std::string name;
  std::shared_ptr<const Problem> problem;
  std::shared_ptr<const std::string> proof;  // null: to be found
};

// A submitted proof as a row, and the name of the item in it. All of a run's are recorded with the
// run itself, so that it can be gone on with from its ledger alone.
storage::ProofRow submission_row(const Item& item, std::size_t index);
std::string submission_name(const storage::ProofRow& row);

struct ItemResult {
  std::size_t item = 0;  // index
  Outcome outcome = Outcome::Undecided;
  std::string reason;
  bool stopped = false;           // the run stopped before this one was done
  std::optional<Candidate> best;  // the proof found, or the one graded
  int64_t proofs = 0;
};

struct RunLimits {
  int64_t items_in_flight = 64;
  std::chrono::milliseconds grace{10'000};        // for calls in flight once interrupted
  std::optional<std::chrono::milliseconds> time;  // of the whole run
};

// Works through the items, several at once, and calls `on_result` for each as it ends, in the
// order of ending. Returns when all are done, or when the book was stopped and its calls in flight
// have ended or the grace is over; items that were not finished are reported as `stopped`.
net::awaitable<void> run_items(const Loop& loop, LiveBook& book, const std::vector<Item>& items,
                               RunLimits limits, Board& board,
                               std::function<void(ItemResult)> on_result);

// The same from the ledger alone, for an audit: on the caller's thread, until nothing moves.
// Items whose result needs a call that the ledger lacks are reported as `stopped`.
std::vector<ItemResult> replay_items(const Loop& loop, const std::vector<Item>& items);

}  // namespace pipeline
