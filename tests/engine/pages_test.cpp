#include "engine/pages.h"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <new>

using engine::PagePool;

namespace {

Memory& memory() {
  static HostMemory host;
  return host;
}

}  // namespace

TEST_SUITE("engine/pages") {
  TEST_CASE("all pages can be taken, and then there is none") {
    PagePool pool(16, 2, memory());

    const auto a = pool.take(), b = pool.take();

    CHECK(a != b);
    CHECK(pool.free_pages() == 0);
    CHECK(pool.take() == PagePool::kNone);
    pool.release(a);
    CHECK(pool.take() == a);
  }

  TEST_CASE("a page is free when its last holder lets it go") {
    PagePool pool(16, 1, memory());
    const auto page = pool.take();
    pool.hold(page);
    CHECK(pool.holders(page) == 2);

    pool.release(page);
    CHECK(pool.free_pages() == 0);
    pool.release(page);
    CHECK(pool.free_pages() == 1);
  }

  TEST_CASE("a copy has the bytes, and is another page") {
    PagePool pool(8, 3, memory());
    const auto a = pool.take(), b = pool.take(), c = pool.take();
    std::memcpy(pool.data(a), "before..", 8);
    std::memset(pool.data(c), 'c', 8);

    pool.copy(a, b);
    std::memcpy(pool.data(a), "after...", 8);

    CHECK(std::memcmp(pool.data(b), "before..", 8) == 0);
    CHECK(std::memcmp(pool.data(c), "cccccccc", 8) == 0);
  }

  TEST_CASE("pages far beyond the machine's memory cost nothing until they are written") {
    PagePool pool(1 << 20, 1 << 20, memory());  // a tebibyte

    CHECK(pool.pages_max() == 1 << 20);
    const auto page = pool.take();
    pool.data(page)[(1 << 20) - 1] = 1;
    CHECK(pool.data(page)[0] == 0);
  }

  TEST_CASE("address space that cannot be had is said at once") {
    CHECK_THROWS_AS(PagePool(int64_t(1) << 50, 1 << 20, memory()), std::bad_alloc);
    CHECK_THROWS_AS(PagePool(std::numeric_limits<int64_t>::max(), 2, memory()), std::bad_alloc);
  }
}
