#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <vector>

#include "storage/ledger.h"

namespace storage {

class RowWriter;

enum class Haste { CanGather, CommitNow };  // CommitNow: somebody blocks until it is committed

// One thing to write. `apply` owns its rows and is emptied once it ran, so that a batch does not
// hold every text until its commit.
struct Operation {
  std::function<void(RowWriter&)> apply;
  Done done;
  std::size_t bytes = 0;  // of the texts it holds, about
  Haste haste = Haste::CanGather;
  std::exception_ptr error;  // its own failure, if any
};

// The bounded queue between any threads that write and the one thread that commits.
class WriteQueue {
 public:
  struct Limits {
    std::size_t operations = 65'536;       // waiting
    std::size_t bytes = 512 << 20;         // waiting
    std::size_t batch_operations = 1'024;  // in one transaction
    std::size_t batch_bytes = 8 << 20;     // in one transaction, unless one operation has more
    std::size_t enough = 64;               // with so many there is no waiting for more
    std::chrono::milliseconds gather{3};   // how long a few wait for company
  };

  explicit WriteQueue(Limits limits) : limits_(limits) {}

  // Takes the operation. If it cannot, the operation is left as it was and the reason returned.
  // The limits are not for CommitNow: a thread that blocks has only one.
  std::exception_ptr push(Operation& operation);

  // What goes into the next transaction, in the order of push; waits for it. Empty once the queue
  // is closed and everything was taken.
  std::vector<Operation> take();

  void close();  // nothing more is accepted; what waits can still be taken
  // Refuses all that comes with `reason`, and returns what waits.
  std::vector<Operation> fail(std::exception_ptr reason);

  std::size_t waiting() const;

 private:
  const Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Operation> waiting_;
  std::size_t waiting_bytes_ = 0;
  bool hurry_ = false;  // what waits has a CommitNow among it
  bool closed_ = false;
  std::exception_ptr reason_;
};

}  // namespace storage
