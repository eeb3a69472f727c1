#include "storage/write_queue.h"

#include <doctest/doctest.h>

#include <thread>

#include "tests/storage/ledger_fixture.h"

using storage::Haste;
using storage::Operation;
using storage::WriteQueue;

namespace {

// Pushes an operation of `bytes` bytes; what the queue answered.
std::string push(WriteQueue& queue, std::size_t bytes, Haste haste = Haste::CanGather) {
  Operation operation{nullptr, nullptr, bytes, haste, nullptr};
  const std::exception_ptr refused = queue.push(operation);
  if (!refused) return "taken";
  return failure_of([&] { std::rethrow_exception(refused); });
}

}  // namespace

TEST_SUITE("storage/write_queue") {
  TEST_CASE("operations beyond the number or the bytes that may wait are refused") {
    WriteQueue few({.operations = 2});
    CHECK(push(few, 0) == "taken");
    CHECK(push(few, 0) == "taken");
    CHECK(holds(push(few, 0), "2 operations"));
    CHECK(few.waiting() == 2);
    CHECK(push(few, 0, Haste::CommitNow) == "taken");  // its thread blocks: there is no flood

    WriteQueue small({.bytes = 100});
    CHECK(push(small, 60) == "taken");
    CHECK(holds(push(small, 60), "too slow"));
    CHECK(push(small, 40) == "taken");
    CHECK(small.take().size() == 2);
    CHECK(push(small, 200) == "taken");  // alone, anything fits
  }

  TEST_CASE("a batch ends at its number and at its bytes, and keeps the order") {
    WriteQueue queue({.batch_operations = 3, .batch_bytes = 100, .enough = 1});
    for (const std::size_t bytes : {10, 10, 10, 10, 95, 300, 1}) push(queue, bytes);

    const std::size_t expected[] = {3, 1, 1, 1, 1};
    for (const std::size_t size : expected) CHECK(queue.take().size() == size);
    CHECK(queue.waiting() == 0);
  }

  TEST_CASE("few operations wait for company, and an urgent one does not") {
    using std::chrono::steady_clock;
    const std::chrono::milliseconds gather(200);
    WriteQueue queue({.gather = gather});

    auto start = steady_clock::now();
    push(queue, 0);
    CHECK(queue.take().size() == 1);
    CHECK(steady_clock::now() - start >= gather);

    start = steady_clock::now();
    push(queue, 0);
    push(queue, 0, Haste::CommitNow);
    CHECK(queue.take().size() == 2);
    CHECK(steady_clock::now() - start < gather);
  }

  TEST_CASE("what arrives while a batch gathers comes along") {
    WriteQueue queue({.enough = 2, .gather = std::chrono::seconds(10)});
    push(queue, 0);

    std::thread late([&] { push(queue, 0); });
    const std::size_t taken = queue.take().size();
    late.join();

    CHECK(taken == 2);
  }

  TEST_CASE("a closed queue takes nothing, gives what waits, then an empty batch") {
    WriteQueue queue(WriteQueue::Limits{});
    push(queue, 0);

    queue.close();

    CHECK(holds(push(queue, 0), "being closed"));
    CHECK(queue.take().size() == 1);
    CHECK(queue.take().empty());
  }

  TEST_CASE("a queue that failed gives up what waits and repeats the reason") {
    WriteQueue queue(WriteQueue::Limits{});
    push(queue, 0);

    CHECK(queue.fail(std::make_exception_ptr(std::runtime_error("disk gone"))).size() == 1);

    CHECK(push(queue, 0) == "disk gone");
    CHECK(queue.take().empty());
  }
}
