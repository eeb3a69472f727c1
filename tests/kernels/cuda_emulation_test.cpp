// What the emulation of blocks and threads does, and what it catches.
#include "tests/emulation/device.h"

#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

#include "tests/emulation/block.h"

using emulation::Order;

namespace {

// Runs one block of emulated threads.
void run_block(const cuda::Shape& shape, const std::function<void()>& thread) {
  emulation::Block().run(0, shape, Order::Ascending, thread);
}

}  // namespace

TEST_SUITE("kernels/cuda_emulation") {
  TEST_CASE("a barrier lets threads see what others wrote") {
    int seen = 0, written = 0;
    run_block({.blocks = 1, .threads = 64}, [&] {
      ++written;
      cuda::barrier();
      seen += written == 64;
    });
    CHECK(seen == 64);
  }

  TEST_CASE("a warp exchanges values, twice in a row too") {
    std::vector<int> got(64, -1);
    run_block({.blocks = 1, .threads = 64}, [&] {
      const int neighbour = cuda::shuffle_xor(cuda::thread(), 1);
      got[std::size_t(cuda::thread())] = cuda::shuffle_xor(neighbour, 2);
    });
    for (int i = 0; i < 64; ++i) CHECK(got[std::size_t(i)] == (i ^ 3));
    uint32_t marks = 0;
    run_block({.blocks = 1, .threads = 32}, [&] { marks = cuda::ballot(cuda::thread() % 4 == 0); });
    CHECK(marks == 0x11111111u);
  }

  TEST_CASE("threads that wait for each other in vain are an error") {
    CHECK_THROWS_WITH_AS(
        run_block({.blocks = 1, .threads = 64},
                  [] {
                    if (cuda::thread() != 5) cuda::barrier();
                  }),
        "threads of a block wait for each other: 63 at a barrier, 0 for their warp, 1 have ended",
        std::logic_error);
    CHECK_THROWS_AS(run_block({.blocks = 1, .threads = 32},
                              [] {
                                if (cuda::thread() == 0)
                                  cuda::barrier();
                                else
                                  cuda::ballot(true);
                              }),
                    std::logic_error);
  }

  TEST_CASE("the other order shows a missing barrier") {
    const auto sees_neighbour = [](Order order) {
      int values[32] = {}, seen = 0;
      emulation::Block().run(0, {.blocks = 1, .threads = 32}, order, [&] {
        values[cuda::thread()] = 1;  // no barrier
        seen += values[(cuda::thread() + 1) % 32];
      });
      return seen;
    };
    CHECK(sees_neighbour(Order::Ascending) != sees_neighbour(Order::Descending));
  }

  TEST_CASE("shared memory holds NaN at first") {
    float first = 0;
    run_block({.blocks = 1, .threads = 32, .shared_bytes = 4},
              [&] { first = *reinterpret_cast<float*>(cuda::shared_memory()); });
    CHECK(std::isnan(first));
  }
}
