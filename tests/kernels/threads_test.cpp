#include "kernels/threads.h"

#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int64_t kLooksMost = 100000;  // a spinning thread would still be seen running

// Of this process, by the kernel's word: a thread that waits for a processor counts as running.
int running_threads() {
  int running = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "stat");
    std::string stat;
    std::getline(file, stat);
    const std::size_t name_end = stat.rfind(')');  // "id (name) state ..."
    if (name_end != std::string::npos && stat.substr(name_end, 4) == ") R ") ++running;
  }
  return running;
}

}  // namespace

TEST_SUITE("kernels/threads") {
  TEST_CASE("every task runs once, whatever the number of threads") {
    for (const int count : {1, 2, 3, 7}) {
      Threads threads(count);
      CHECK(threads.count() == count);
      for (const int64_t tasks : {0, 1, 2, 5, 1000}) {
        std::vector<std::atomic<int>> ran(static_cast<std::size_t>(tasks));
        threads.run(tasks, [&](int64_t task) { ++ran[std::size_t(task)]; });
        for (const std::atomic<int>& times : ran) CHECK(times == 1);
      }
    }
  }

  TEST_CASE("tasks are taken in ascending order") {
    Threads threads(2);
    std::mutex mutex;
    std::vector<std::pair<std::thread::id, int64_t>> taken;
    threads.run(500, [&](int64_t task) {
      const std::lock_guard lock(mutex);
      taken.emplace_back(std::this_thread::get_id(), task);
    });

    for (const auto& [id, task] : taken) {
      int64_t last = -1;
      for (const auto& [other, mine] : taken) {
        if (other != id) continue;
        CHECK(last < mine);
        last = mine;
      }
    }
  }

  TEST_CASE("what tasks wrote is seen by whoever ran the loop") {
    Threads threads(3);
    std::vector<int64_t> value(64, 0);
    for (int64_t loop = 1; loop <= 20000; ++loop) {
      threads.run(3, [&](int64_t task) { value[std::size_t(task)] += task + 1; });
      if (value[2] != 3 * loop) FAIL("a task was lost or seen late");
    }
    CHECK(value[0] == 20000);
    CHECK(value[1] == 40000);
  }

  TEST_CASE("several sets of threads do not disturb each other") {
    std::vector<int64_t> sum(4, 0);
    std::vector<std::thread> callers;
    for (std::size_t i = 0; i < sum.size(); ++i) {
      callers.emplace_back([&sum, i] {
        Threads threads(2);
        std::vector<int64_t> part(10, 0);
        for (int loop = 0; loop < 200; ++loop)
          threads.run(10, [&](int64_t task) { part[std::size_t(task)] += task; });
        for (const int64_t p : part) sum[i] += p;
      });
    }
    for (std::thread& caller : callers) caller.join();
    for (const int64_t s : sum) CHECK(s == 200 * 45);
  }

  TEST_CASE("idle threads sleep") {
    Threads threads(4);
    threads.run(4, [](int64_t) {});

    int64_t looks = 0;
    while (running_threads() > 1 && ++looks < kLooksMost) std::this_thread::yield();

    CHECK(running_threads() == 1);  // the one that asks
  }

  TEST_CASE("this process may use at least one core") {
    CHECK(usable_cores() >= 1);
    CHECK(usable_cores() <= Threads::kMost);
  }
}
