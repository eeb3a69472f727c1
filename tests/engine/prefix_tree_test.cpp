#include "engine/prefix_tree.h"

#include <doctest/doctest.h>

#include <map>
#include <numeric>

#include "engine/sampling.h"

using engine::PagePool;
using engine::PrefixTree;
using Tokens = std::vector<int32_t>;
using Pages = std::vector<PagePool::Page>;

namespace {

Memory& memory() {
  static HostMemory host;
  return host;
}

// `count` tokens from `first` on.
Tokens counted(int32_t count, int32_t first = 0) {
  Tokens tokens(count);
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

Tokens joined(Tokens a, const Tokens& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

struct Fixture {
  PagePool pool{16, 40, memory()};
  PrefixTree tree{pool};

  Pages take(std::size_t tokens) {
    Pages pages((tokens + 63) / 64);
    for (auto& page : pages) page = pool.take();
    return pages;
  }
  void release(const Pages& pages) {
    for (const auto page : pages) pool.release(page);
  }
  // Adds as a sample does that then goes away.
  Pages add(const Tokens& tokens) {
    const Pages pages = take(tokens.size());
    tree.add(tokens, pages);
    release(pages);
    return pages;
  }
  PrefixTree::Found look(const Tokens& tokens) {
    auto found = tree.find(tokens);
    release(found.full);
    if (found.partial != PagePool::kNone) pool.release(found.partial);
    return found;
  }
};

}  // namespace

TEST_SUITE("engine/prefix_tree") {
  TEST_CASE("an empty tree knows nothing") {
    Fixture f;

    const auto found = f.look(counted(100));

    CHECK(found.tokens == 0);
    CHECK(found.full.empty());
    CHECK(found.partial == PagePool::kNone);
  }

  TEST_CASE("what was added is found, full pages and the partial one") {
    Fixture f;
    const Pages pages = f.add(counted(150));

    const auto found = f.look(counted(150));

    CHECK(found.tokens == 150);
    CHECK(found.full == Pages{pages[0], pages[1]});
    CHECK(found.partial == pages[2]);
    CHECK(f.tree.pages() == 3);
    CHECK(f.pool.free_pages() == 37);
  }

  TEST_CASE("a shorter text finds a partial page inside a full one") {
    Fixture f;
    const Pages pages = f.add(counted(128));

    const auto found = f.look(counted(100));

    CHECK(found.tokens == 100);
    CHECK(found.full == Pages{pages[0]});
    CHECK(found.partial == pages[1]);
  }

  TEST_CASE("texts that part inside a page share what they have in common") {
    Fixture f;
    const Pages pages = f.add(counted(128));

    const auto found = f.look(joined(counted(70), counted(58, 1000)));

    CHECK(found.tokens == 70);
    CHECK(found.partial == pages[1]);
  }

  TEST_CASE("of several branches the one that shares most is found") {
    Fixture f;
    const Pages a = f.add({1, 2, 3, 4, 9});
    const Pages b = f.add({1, 2, 3, 7});
    const Pages c = f.add({1, 5});

    CHECK(f.look({1, 2, 3, 4, 5}).partial == a[0]);
    CHECK(f.look({1, 2, 3, 4, 5}).tokens == 4);
    CHECK(f.look({1, 2, 3, 7, 7}).partial == b[0]);
    CHECK(f.look({1, 5, 0}).partial == c[0]);
    CHECK(f.look({2}).tokens == 0);
  }

  TEST_CASE("pages of a known beginning are left as they are") {
    Fixture f;
    const Pages first = f.add(counted(128));

    f.add(counted(192));

    const auto found = f.look(counted(192));
    CHECK(found.full[0] == first[0]);
    CHECK(found.full[1] == first[1]);
    CHECK(f.tree.pages() == 3);
    CHECK(f.pool.free_pages() == 37);
  }

  TEST_CASE("the continuation of a partial page takes its place") {
    Fixture f;
    f.add(counted(10));
    const Pages longer = f.add(counted(20));
    CHECK(f.tree.pages() == 1);
    CHECK(f.look(counted(20)).partial == longer[0]);

    f.add(counted(15));
    CHECK(f.tree.pages() == 1);
    CHECK(f.look(counted(20)).tokens == 20);

    const Pages full = f.add(counted(64));
    CHECK(f.tree.pages() == 1);
    CHECK(f.look(counted(64)).full == full);
  }

  TEST_CASE("the least recently used leaf goes first") {
    Fixture f;
    f.add(counted(64, 0));
    f.add(counted(64, 1000));
    f.add(counted(64, 2000));
    f.look(counted(64, 0));

    CHECK(f.tree.make_room(38));

    CHECK(f.look(counted(64, 0)).tokens == 64);
    CHECK(f.look(counted(64, 1000)).tokens == 0);
    CHECK(f.look(counted(64, 2000)).tokens == 64);
  }

  TEST_CASE("a branch goes from its end") {
    Fixture f;
    f.add(counted(192));

    CHECK(f.tree.make_room(38));

    CHECK(f.look(counted(192)).tokens == 128);
  }

  TEST_CASE("pages that somebody holds stay, and those before them") {
    Fixture f;
    f.add(counted(192));
    auto held = f.tree.find(counted(128));
    f.pool.release(held.full[0]);  // only the second page stays held

    CHECK(f.tree.droppable() == 1);
    CHECK_FALSE(f.tree.make_room(40));
    CHECK(f.tree.pages() == 2);
    CHECK(f.pool.free_pages() == 38);

    f.pool.release(held.full[1]);
    CHECK(f.tree.droppable() == 2);
    CHECK(f.tree.make_room(40));
    CHECK(f.tree.pages() == 0);
  }

  TEST_CASE("a found page outlives its place in the tree") {
    Fixture f;
    const Pages pages = f.take(10);
    f.tree.add(counted(10), pages);

    f.tree.add(counted(20), f.take(20));

    CHECK(f.pool.holders(pages[0]) == 1);
  }

  TEST_CASE("contexts of many thousand pages need no deep stack") {
    constexpr int32_t kPages = 100000;
    PagePool pool(1, kPages, memory());
    {
      PrefixTree tree(pool);
      Pages pages(kPages);
      for (auto& page : pages) page = pool.take();
      tree.add(counted(kPages * 64), pages);
      for (const auto page : pages) pool.release(page);
      CHECK(tree.droppable() == kPages);
      CHECK(tree.make_room(1));
      CHECK(tree.pages() == kPages - 1);
    }
    CHECK(pool.free_pages() == kPages);
  }

  TEST_CASE("random texts are found as far as any known one agrees") {
    Fixture f;
    std::vector<Tokens> known;
    uint64_t turn = 0;
    const auto below = [&](int count) { return int(engine::uniform(5, 0, turn++) * count); };
    for (int round = 0; round < 300; ++round) {
      Tokens text(1 + below(200));
      // Few letters at few places: texts part late and anywhere.
      for (std::size_t i = 0; i < text.size(); ++i)
        text[i] = i % 31 == 30 || i < 2 ? below(2) : int32_t(i);

      std::size_t best = 0;
      for (const Tokens& other : known) {
        std::size_t shared = 0;
        while (shared < std::min(text.size(), other.size()) && text[shared] == other[shared])
          ++shared;
        best = std::max(best, shared);
      }
      CHECK(f.look(text).tokens == int32_t(best));

      if (!f.tree.make_room(4)) FAIL("nobody holds a page");
      if (f.tree.pages() + 4 > 36) {  // forget everything rather than model the eviction
        CHECK(f.tree.make_room(40));
        known.clear();
      }
      f.add(text);
      known.push_back(text);
    }
    CHECK(f.tree.make_room(40));
  }
}
