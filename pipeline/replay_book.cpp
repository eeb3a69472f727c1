#include "pipeline/replay_book.h"

#include <stdexcept>

#include "pipeline/signal.h"

namespace pipeline {

net::awaitable<CallResult> ReplayBook::ask(CallSpec spec, Derive) {
  const std::optional<storage::StoredCall> call = reader_.call(run_, spec.key);
  if (!call || (call->state != "answered" && call->state != "failed")) {
    missing_.insert(spec.key);
    co_await wait_for_cancellation();
  }
  ++calls_;
  if (call->prompt_sha256 != spec.prompt->row->sha256) changed_prompts_.insert(spec.key);
  CallResult result;
  result.answered = call->state == "answered";
  result.finish_reason = call->answer.finish_reason;
  result.text = call->answer.text;
  result.error = call->answer.error;
  co_return result;
}

net::awaitable<void> ReplayBook::record_proof(storage::ProofRow) { co_return; }

net::awaitable<void> ReplayBook::record_decision(storage::DecisionRow row) {
  decisions_.push_back(std::move(row));
  co_return;
}

std::string ReplayBook::answer_text(const std::string& key) {
  const std::optional<storage::StoredCall> call = reader_.call(run_, key);
  if (!call) throw std::logic_error("the ledger has lost the answer of " + key);
  return call->answer.text;
}

}  // namespace pipeline
