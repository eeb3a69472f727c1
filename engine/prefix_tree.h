#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/pages.h"

namespace engine {

// What has been computed, by the tokens that led there: a tree whose edges are pages. Full pages
// branch; a node may also hold partial pages, which are copied, not shared, since their user goes
// on writing into them. The tree holds each of its pages once; those that nobody else holds can be
// dropped, least recently used leaf first.
class PrefixTree {
 public:
  // `pool` outlives the tree.
  explicit PrefixTree(PagePool& pool);
  ~PrefixTree();
  PrefixTree(const PrefixTree&) = delete;
  PrefixTree& operator=(const PrefixTree&) = delete;

  struct Found {
    std::vector<PagePool::Page> full;  // held once for the caller
    // Held once for the caller: to copy from. It may hold more tokens than those that agree.
    PagePool::Page partial = PagePool::kNone;
    int32_t tokens = 0;  // covered by both
  };
  // The longest known beginning of `tokens`.
  Found find(std::span<const int32_t> tokens);

  // Makes known what was computed: pages[i] covers tokens 64 i ...; the last may be partial. Pages
  // of a beginning that is known already are left as they are.
  void add(std::span<const int32_t> tokens, std::span<const PagePool::Page> pages);

  // Drops least recently used leaves that nobody else holds until `pages` pages are free; returns
  // whether they are.
  bool make_room(int32_t pages);

  int32_t droppable() const;  // pages that make_room could free; looks at the whole tree
  int32_t pages() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace engine
