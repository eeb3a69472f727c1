#include <sqlite3.h>

#include <atomic>
#include <future>
#include <thread>
#include <utility>

#include "storage/files.h"
#include "storage/ledger.h"
#include "storage/lock.h"
#include "storage/migrations.h"
#include "storage/row_writer.h"
#include "storage/sqlite.h"
#include "storage/write_queue.h"
#include "text/clock.h"

namespace storage {

namespace {

constexpr int64_t kWalBytesMax = 16 << 20;   // then the log is copied into the database
constexpr int64_t kWalBytesStep = 16 << 20;  // until the next try, if a reader kept it from ending
constexpr int kCloseWaitMs = 1'000;          // for readers, before the log is left as it is

std::size_t bytes_of(const std::optional<std::string>& text) { return text ? text->size() : 0; }

// The calls that wait and share a prompt bear it together, more or less.
std::size_t bytes_of(const std::shared_ptr<const PromptRow>& prompt) {
  if (!prompt) return 0;
  std::size_t bytes = prompt->template_text.size();
  for (const PromptRow::Part& part : prompt->parts) bytes += part.name.size() + part.text.size();
  return bytes / std::size_t(prompt.use_count());
}

std::size_t bytes_of(const CallAnswer& answer, const std::optional<VoteRow>& vote) {
  std::size_t bytes = answer.text.size() + answer.reasoning.size() + answer.error.size();
  for (const AttemptRow& attempt : answer.attempts) bytes += attempt.detail.size();
  if (vote)
    for (const IssueRow& issue : vote->issues) bytes += issue.quote.size() + issue.reason.size();
  return bytes;
}

// Refuses what is not ours before the first pragma that would change it.
const std::filesystem::path& probed(const std::filesystem::path& file) {
  if (kind_of(file) == FileKind::Missing) return file;
  Database database(file, Database::Access::Read);
  ledger_version(database, file, int64_t(migrations().size()));
  return file;
}

}  // namespace

class LedgerWriter::Impl {
 public:
  explicit Impl(const std::filesystem::path& file)
      : file_(resolved(file)),
        lock_(file_),
        database_(probed(file_), Database::Access::Write),
        rows_(database_),
        savepoint_(database_, "SAVEPOINT operation"),
        release_(database_, "RELEASE operation"),
        undo_(database_, "ROLLBACK TO operation") {
    migrate(database_, file_, migrations());
    check_schema(database_, file_);
    Statement page_size(database_, "PRAGMA page_size");
    if (page_size.step()) page_bytes_ = page_size.integer(0);
    page_size.reset();
    sqlite3_wal_hook(database_.handle(), &Impl::note_wal_pages, this);
    thread_ = std::thread([this] { run(); });
  }

  ~Impl() {
    queue_.close();
    thread_.join();
    close_log();
  }

  void submit(std::size_t bytes, Done done, std::function<void(RowWriter&)> apply) {
    Operation operation{std::move(apply), std::move(done), bytes, Haste::CanGather, nullptr};
    const std::exception_ptr refused = queue_.push(operation);
    if (refused && operation.done) operation.done(refused);
  }

  // Runs `apply` on the writer thread and returns once it is committed, or throws what failed.
  void submit_and_wait(std::function<void(RowWriter&)> apply) {
    if (std::this_thread::get_id() == thread_.get_id())
      throw std::logic_error("a `done` callback waits for the writer thread it runs on");
    // Shared, so that set_value() may still be running when the waiting thread goes on.
    const auto promise = std::make_shared<std::promise<void>>();
    const auto done = [promise](std::exception_ptr error) {
      if (error)
        promise->set_exception(std::move(error));
      else
        promise->set_value();
    };
    Operation operation{std::move(apply), done, 0, Haste::CommitNow, nullptr};
    if (const std::exception_ptr refused = queue_.push(operation)) std::rethrow_exception(refused);
    promise->get_future().get();
  }

  void flush() {
    std::exception_ptr failed;
    submit_and_wait([this, &failed](RowWriter&) { failed = std::exchange(unflushed_, nullptr); });
    if (failed) std::rethrow_exception(failed);
  }

  std::size_t queued() const { return queue_.waiting() + committing_; }
  int64_t commits() const { return commits_; }

 private:
  static int note_wal_pages(void* self, sqlite3*, const char*, int pages) {
    static_cast<Impl*>(self)->wal_pages_ = pages;
    return SQLITE_OK;
  }

  void run() {
    while (true) {
      std::vector<Operation> batch = queue_.take();
      if (batch.empty()) return;
      committing_ = batch.size();
      try {
        commit(batch);
      } catch (...) {
        stop(batch, std::current_exception());
      }
      answer(batch);
      try {
        checkpoint_if_large();
      } catch (...) {
        stop(batch, std::current_exception());
        answer(batch);
      }
    }
  }

  void commit(std::vector<Operation>& batch) {
    std::optional<Transaction> transaction;
    try {
      transaction.emplace(database_);
    } catch (const SqlError& error) {
      if (error.environment_failed()) throw;
      // Another program kept the database for longer than we wait. Nothing was written, and the
      // next batch may succeed.
      for (Operation& operation : batch) fail(operation, std::current_exception());
      return;
    }
    for (Operation& operation : batch) apply(operation);
    transaction->commit();
    ++commits_;
  }

  // A failure of one operation undoes that one alone; a failure of the file is rethrown.
  void apply(Operation& operation) {
    savepoint_.run();
    try {
      operation.apply(rows_);
      release_.run();
    } catch (const SqlError& error) {
      if (error.environment_failed() || sqlite3_get_autocommit(database_.handle())) throw;
      fail(operation, std::current_exception());
      undo();
    } catch (...) {
      fail(operation, std::current_exception());
      undo();
    }
    operation.apply = nullptr;
  }

  void undo() {
    undo_.run();
    release_.run();
    rows_.forget();
  }

  void fail(Operation& operation, const std::exception_ptr& error) {
    operation.error = error;
    operation.apply = nullptr;
    if (operation.haste == Haste::CanGather && !unflushed_) unflushed_ = error;
  }

  // After a failed commit or sync nobody knows what the disk holds (the kernel marks pages clean
  // after a failed fsync), so nothing more is accepted and nothing more is written.
  void stop(std::vector<Operation>& batch, const std::exception_ptr& error) {
    failed_ = true;
    std::vector<Operation> rest = queue_.fail(error);
    batch.insert(batch.end(), std::make_move_iterator(rest.begin()),
                 std::make_move_iterator(rest.end()));
    for (Operation& operation : batch)
      if (!operation.error) fail(operation, error);
    committing_ = batch.size();
  }

  void answer(std::vector<Operation>& batch) {
    for (Operation& operation : batch) {
      --committing_;
      if (operation.done) operation.done(std::exchange(operation.error, nullptr));
    }
    batch.clear();
  }

  // PASSIVE never waits for a reader; what a reader still needs is copied the next time.
  void checkpoint_if_large() {
    const int64_t bytes = wal_pages_ * page_bytes_;
    if (bytes < kWalBytesMax) next_checkpoint_ = kWalBytesMax;
    if (failed_ || bytes < next_checkpoint_) return;
    database_.execute("PRAGMA wal_checkpoint(PASSIVE)");
    next_checkpoint_ = bytes + kWalBytesStep;
  }

  // Leaves one file behind when nobody reads it; otherwise the log stays, and nothing is lost.
  void close_log() {
    sqlite3* handle = database_.handle();
    sqlite3_busy_timeout(handle, kCloseWaitMs);
    if (failed_)
      sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    else
      sqlite3_exec(handle, "PRAGMA wal_checkpoint(TRUNCATE)", nullptr, nullptr, nullptr);
  }

  const std::filesystem::path file_;
  FileLock lock_;
  Database database_;
  RowWriter rows_;
  Statement savepoint_;
  Statement release_;
  Statement undo_;
  WriteQueue queue_{WriteQueue::Limits{}};

  // Of the writer thread alone.
  int64_t page_bytes_ = 0;
  int64_t wal_pages_ = 0;
  int64_t next_checkpoint_ = kWalBytesMax;
  bool failed_ = false;
  std::exception_ptr unflushed_;  // the first failure since the last flush

  std::atomic<std::size_t> committing_ = 0;  // taken from the queue, `done` not called yet
  std::atomic<int64_t> commits_ = 0;
  std::thread thread_;
};

LedgerWriter::LedgerWriter(const std::filesystem::path& file)
    : impl_(std::make_unique<Impl>(file)) {}

LedgerWriter::~LedgerWriter() = default;

int64_t LedgerWriter::create_run(const RunRow& run, const std::vector<ProblemRow>& problems) {
  int64_t id = 0;
  impl_->submit_and_wait([&](RowWriter& rows) { id = rows.create_run(run, problems); });
  return id;
}

int64_t LedgerWriter::begin_run(const RunRow& run, const RunInputs& inputs) {
  int64_t id = 0;
  impl_->submit_and_wait([&](RowWriter& rows) {
    id = rows.create_run(run, inputs.problems);
    for (const ProofRow& proof : inputs.proofs) rows.add_proof(id, proof);
    for (const AnnotationRow& annotation : inputs.annotations)
      rows.annotate(id, annotation, text::unix_milliseconds());
  });
  return id;
}

void LedgerWriter::set_run_state(int64_t run, std::string_view state, std::string_view reason) {
  impl_->submit_and_wait([&](RowWriter& rows) { rows.set_run_state(run, state, reason); });
}

void LedgerWriter::annotate(int64_t run, const AnnotationRow& row) {
  impl_->submit_and_wait(
      [&](RowWriter& rows) { rows.annotate(run, row, text::unix_milliseconds()); });
}

void LedgerWriter::flush() { impl_->flush(); }

void LedgerWriter::add_proof(int64_t run, ProofRow row, Done done) {
  const std::size_t bytes = row.text.size() + bytes_of(row.self_evaluation);
  impl_->submit(bytes, std::move(done),
                [run, row = std::move(row)](RowWriter& rows) { rows.add_proof(run, row); });
}

void LedgerWriter::intend(int64_t run, CallIntent intent, Done done) {
  const std::size_t bytes = bytes_of(intent.prompt);
  impl_->submit(bytes, std::move(done), [run, intent = std::move(intent)](RowWriter& rows) {
    rows.intend(run, intent, text::unix_milliseconds());
  });
}

void LedgerWriter::answer(int64_t run, std::string call_key, CallAnswer answer,
                          std::optional<VoteRow> vote, std::optional<MetaVoteRow> meta_vote,
                          Done done) {
  const std::size_t bytes = bytes_of(answer, vote);
  impl_->submit(bytes, std::move(done),
                [run, key = std::move(call_key), answer = std::move(answer), vote = std::move(vote),
                 meta_vote = std::move(meta_vote)](RowWriter& rows) {
                  rows.answer(run, key, answer, vote, meta_vote, text::unix_milliseconds());
                });
}

void LedgerWriter::decide(int64_t run, DecisionRow row, Done done) {
  const std::size_t bytes = row.numbers.size();
  impl_->submit(bytes, std::move(done), [run, row = std::move(row)](RowWriter& rows) {
    rows.decide(run, row, text::unix_milliseconds());
  });
}

std::size_t LedgerWriter::queued() const { return impl_->queued(); }

int64_t LedgerWriter::commits() const { return impl_->commits(); }

}  // namespace storage
