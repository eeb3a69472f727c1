#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "pipeline/board.h"
#include "pipeline/budget.h"
#include "pipeline/call_book.h"
#include "pipeline/lanes.h"
#include "storage/ledger.h"

namespace pipeline {

// Why a run stops before its end.
struct Stop {
  enum class Kind { Budget, Interrupted, Halted };
  Kind kind = Kind::Interrupted;
  std::string reason;
};

// How each role is asked.
struct RoleSettings {
  Sampling sampling;
  Price price;
};
using Roles = std::array<RoleSettings, kRoles>;
std::string sampling_json(const Sampling& sampling);

// The book of a run that is being made: what the ledger holds is returned, all else is asked of
// the model, intended in the ledger before it is sent and answered there before it is used (I1).
// Used on one thread, the executor's. The ledger and the model outlive it.
class LiveBook : public CallBook {
 public:
  struct Options {
    int64_t run = 0;
    int64_t seed = 0;
    Roles roles;
    BudgetLimits budget;
    int64_t in_flight_max = 64;
    bool retry_failed = false;  // ask again what had failed for good
  };

  LiveBook(net::any_io_executor executor, storage::LedgerWriter& writer,
           const storage::LedgerReader& reader, ChatModel& model, Options options, Board& board);

  net::awaitable<CallResult> ask(CallSpec spec, Derive derive) override;
  net::awaitable<void> record_proof(storage::ProofRow row) override;
  net::awaitable<void> record_decision(storage::DecisionRow row) override;
  std::string answer_text(const std::string& key) override;

  // From now on nothing is sent; calls in flight may end. The first reason counts.
  void stop(Stop stop);
  const std::optional<Stop>& stopped() const { return stop_; }

  // Called after every call and on stop(), on the executor's thread.
  void on_change(std::function<void()> callback) { on_change_ = std::move(callback); }

  // Calls that are intended or sent and not recorded yet.
  int64_t in_flight() const { return sending_; }
  const Budget& budget() const { return budget_; }

 private:
  std::optional<CallResult> known(const CallSpec& spec) const;
  net::awaitable<CallResult> make_call(CallSpec spec, Derive derive);
  net::awaitable<void> reserve(const Amount& worst);
  net::awaitable<void> let_known_answers_go_first();
  Amount worst_of(const CallSpec& spec) const;
  Amount account(Role role, const CallSpec& spec, storage::CallAnswer& row) const;
  void changed();

  net::any_io_executor executor_;
  storage::LedgerWriter& writer_;
  const storage::LedgerReader& reader_;
  ChatModel& model_;
  Options options_;
  Board& board_;
  Lanes lanes_;
  Budget budget_;
  Signal settled_;
  int64_t sending_ = 0;
  std::unordered_set<std::string> known_;  // keys of calls that the ledger can answer
  std::unordered_map<std::string, std::shared_ptr<Signal>> asking_;  // keys of calls being made
  std::array<std::string, kRoles> sampling_;
  std::array<std::string, kRoles> identity_;
  std::unordered_set<std::string> decided_;  // problems, by hash
  std::optional<Stop> stop_;
  std::function<void()> on_change_;
};

}  // namespace pipeline
