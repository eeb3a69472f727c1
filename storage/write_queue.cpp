#include "storage/write_queue.h"

#include <stdexcept>
#include <string>
#include <utility>

namespace storage {

std::exception_ptr WriteQueue::push(Operation& operation) {
  {
    const std::lock_guard lock(mutex_);
    if (reason_) return reason_;
    if (closed_)
      return std::make_exception_ptr(std::logic_error("the ledger's writer is being closed"));
    const bool full = waiting_.size() >= limits_.operations ||
                      (!waiting_.empty() && waiting_bytes_ + operation.bytes > limits_.bytes);
    if (full && operation.haste == Haste::CanGather)
      return std::make_exception_ptr(std::runtime_error(
          "the disk of the ledger is too slow: " + std::to_string(waiting_.size()) +
          " operations of " + std::to_string(waiting_bytes_ >> 20) +
          " MiB wait to be written: use a faster disk or fewer calls at once"));
    waiting_bytes_ += operation.bytes;
    hurry_ = hurry_ || operation.haste == Haste::CommitNow;
    waiting_.push_back(std::move(operation));
  }
  changed_.notify_one();
  return nullptr;
}

std::vector<Operation> WriteQueue::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
  changed_.wait_for(lock, limits_.gather, [this] {
    return closed_ || hurry_ || waiting_.size() >= limits_.enough ||
           waiting_bytes_ >= limits_.batch_bytes;
  });

  std::vector<Operation> batch;
  std::size_t bytes = 0;
  while (!waiting_.empty() && batch.size() < limits_.batch_operations &&
         (batch.empty() || bytes + waiting_.front().bytes <= limits_.batch_bytes)) {
    bytes += waiting_.front().bytes;
    batch.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  waiting_bytes_ -= bytes;
  if (waiting_.empty()) hurry_ = false;
  return batch;
}

void WriteQueue::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_one();
}

std::vector<Operation> WriteQueue::fail(std::exception_ptr reason) {
  const std::lock_guard lock(mutex_);
  reason_ = std::move(reason);
  closed_ = true;
  std::vector<Operation> rest(std::make_move_iterator(waiting_.begin()),
                              std::make_move_iterator(waiting_.end()));
  waiting_.clear();
  waiting_bytes_ = 0;
  return rest;
}

std::size_t WriteQueue::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

}  // namespace storage
