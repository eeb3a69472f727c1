#include "pipeline/run.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <nlohmann/json.hpp>

#include "pipeline/gather.h"
#include "pipeline/meaning.h"
#include "pipeline/signal.h"

namespace pipeline {
namespace {

net::awaitable<ItemResult> grade_item(const Loop& loop, const Item& item, std::size_t index,
                                      ItemProgress* progress) {
  storage::ProofRow row = submission_row(item, index);
  ItemResult result;
  result.item = index;
  result.proofs = 1;
  result.best = Candidate{row.key, row.content_key, *item.proof, 0, {}};
  co_await loop.book.record_proof(std::move(row));
  progress->proofs = 1;
  Judgement judgement = co_await judge(loop, item.problem, item.proof, progress);
  result.outcome = judgement.decision.outcome;
  result.reason = judgement.decision.reason;
  result.best->judgement = std::move(judgement);
  co_return result;
}

net::awaitable<ItemResult> solve_item(const Loop& loop, const Item& item, std::size_t index,
                                      ItemProgress* progress) {
  SearchResult found = co_await search(loop, item.problem, progress);
  ItemResult result;
  result.item = index;
  result.outcome = found.outcome;
  result.reason = std::move(found.reason);
  result.stopped = found.stopped;
  result.best = std::move(found.best);
  result.proofs = found.proofs;
  co_return result;
}

// All items of a run, taken one after another by a few workers.
struct Work {
  const Loop& loop;
  const std::vector<Item>& items;
  Board& board;
  std::function<void(ItemResult)> on_result;
  std::function<bool()> stopping;
  std::size_t next = 0;
};

void finish_item(Work& work, std::list<ItemProgress>::iterator progress, ItemResult result) {
  work.board.in_flight.erase(progress);
  ++work.board.items_done;
  if (result.outcome == Outcome::Accepted)
    ++work.board.accepted;
  else
    ++(result.outcome == Outcome::Refused ? work.board.refused : work.board.undecided);
  work.on_result(std::move(result));
}

net::awaitable<bool> worker(Work& work) {
  while (work.next < work.items.size() && !work.stopping()) {
    const std::size_t index = work.next++;
    const Item& item = work.items[index];
    const auto progress = work.board.in_flight.emplace(work.board.in_flight.end());
    progress->name = item.name;
    ItemResult result;
    bool stopped = false;
    try {
      if (item.proof)
        result = co_await grade_item(work.loop, item, index, &*progress);
      else
        result = co_await solve_item(work.loop, item, index, &*progress);
    } catch (const boost::system::system_error& error) {
      if (error.code() != net::error::operation_aborted) throw;
      stopped = true;
    }
    if (stopped) {
      result = {};
      result.item = index;
      result.stopped = true;
    }
    finish_item(work, progress, std::move(result));
    if (stopped) break;
  }
  co_return true;
}

net::awaitable<void> all_workers(Work& work, int64_t count) {
  std::vector<net::awaitable<bool>> workers;
  for (int64_t i = 0; i < count; ++i) workers.push_back(worker(work));
  co_await gather(std::move(workers));
}

}  // namespace

storage::ProofRow submission_row(const Item& item, std::size_t index) {
  storage::ProofRow row;
  row.key = "submitted/" + std::to_string(index) + '/' + item.name;
  row.content_key = content_key(*item.problem, *item.proof);
  row.problem_sha256 = item.problem->sha256;
  row.slot = static_cast<int64_t>(index);
  row.text = *item.proof;
  row.flags = flags_json(prompts::inspect_proof(*item.proof, item.problem->statement));
  return row;
}

std::string submission_name(const storage::ProofRow& row) {
  return row.key.substr(row.key.find('/', row.key.find('/') + 1) + 1);
}

std::variant<OpenedRun, MeaningChanged> open_run(storage::LedgerWriter& writer,
                                                 const storage::LedgerReader& reader,
                                                 storage::RunRow wanted,
                                                 const storage::RunInputs& inputs, Fork fork) {
  std::optional<storage::RunRow> newest;
  for (const storage::RunRow& run : reader.runs()) {
    if (run.kind != wanted.kind || run.subject_sha256 != wanted.subject_sha256) continue;
    newest = run;
  }
  if (fork == Fork::No && newest) {
    std::optional<storage::RunRow> same;
    for (storage::RunRow& run : reader.runs())
      if (run.kind == wanted.kind && run.subject_sha256 == wanted.subject_sha256 &&
          run.meaning == wanted.meaning)
        same = std::move(run);
    if (!same) return MeaningChanged{newest->id, differences(newest->meaning, wanted.meaning)};
    writer.set_run_state(same->id, "running", "");
    return OpenedRun{*std::move(same), true};
  }
  if (newest) wanted.forked_from = newest->id;
  wanted.state = "running";
  wanted.id = writer.begin_run(wanted, inputs);
  return OpenedRun{std::move(wanted), false};
}

net::awaitable<void> run_items(const Loop& loop, LiveBook& book, const std::vector<Item>& items,
                               RunLimits limits, Board& board,
                               std::function<void(ItemResult)> on_result) {
  const auto executor = co_await net::this_coro::executor;
  board.items = static_cast<int64_t>(items.size());
  Work work{
      loop, items, board, std::move(on_result), [&book] { return book.stopped().has_value(); }, 0};
  Signal pulse(executor);
  net::cancellation_signal cancel;
  bool done = false;
  std::exception_ptr failure;
  book.on_change([&pulse] { pulse.notify(); });
  const int64_t workers = std::min<int64_t>(limits.items_in_flight, int64_t(items.size()));
  net::co_spawn(executor, all_workers(work, workers),
                net::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr error) {
                  done = true;
                  failure = error;
                  pulse.notify();
                }));
  net::steady_timer clock(executor);
  if (limits.time) {
    clock.expires_after(*limits.time);
    clock.async_wait([&book](const boost::system::error_code& error) {
      if (!error) book.stop({Stop::Kind::Budget, "the time is spent"});
    });
  }

  net::steady_timer grace(executor);
  bool grace_started = false;
  bool grace_over = false;
  bool cancelled = false;
  while (!done) {
    co_await pulse.wait();
    if (!book.stopped() || done || cancelled) continue;
    if (!grace_started && book.stopped()->kind == Stop::Kind::Interrupted) {
      grace_started = true;
      grace.expires_after(limits.grace);
      grace.async_wait([&](const boost::system::error_code& error) {
        if (error) return;
        grace_over = true;
        pulse.notify();
      });
    }
    if (book.in_flight() == 0 || grace_over) {
      cancelled = true;
      cancel.emit(net::cancellation_type::terminal);
    }
  }
  book.on_change(nullptr);
  if (failure) std::rethrow_exception(failure);
  for (; work.next < items.size(); ++work.next) {
    ItemResult result;
    result.item = work.next;
    result.stopped = true;
    ++board.undecided;
    work.on_result(std::move(result));
  }
}

std::vector<ItemResult> replay_items(const Loop& loop, const std::vector<Item>& items) {
  std::vector<ItemResult> results(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    net::io_context context;
    net::cancellation_signal cancel;
    Board board;
    bool done = false;
    std::exception_ptr failure;
    const std::vector<Item> one{items[i]};
    Work work{loop,
              one,
              board,
              [&](ItemResult result) { results[i] = std::move(result); },
              [] { return false; },
              0};
    net::co_spawn(context, all_workers(work, 1),
                  net::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr error) {
                    done = true;
                    failure = error;
                  }));
    while (context.poll() > 0) {
    }
    if (!done) cancel.emit(net::cancellation_type::terminal);
    while (!done && context.run_one() > 0) {
    }
    if (failure) std::rethrow_exception(failure);
    results[i].item = i;
  }
  return results;
}

}  // namespace pipeline
