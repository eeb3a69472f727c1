#include "text/clock.h"

#include <doctest/doctest.h>

#include <ctime>

TEST_SUITE("text/clock") {
  TEST_CASE("the time is that of the C library, a thousand times finer") {
    const int64_t before = int64_t(std::time(nullptr));
    const int64_t now = text::unix_milliseconds();

    // time() may lag behind by a tick of the kernel's coarse clock.
    CHECK(now >= before * 1000);
    CHECK(now < (before + 60) * 1000);
  }
}
