#include "engine/holdings.h"

#include <span>
#include <utility>

namespace engine {

Holdings::Holdings(int64_t page_bytes, int32_t pages_max, Memory& memory)
    : pool_(page_bytes, pages_max, memory), tree_(pool_) {}

bool Holdings::has_room(int32_t pages) const {
  return pages <= pool_.free_pages() || pages <= pool_.free_pages() + tree_.droppable();
}

bool Holdings::settle(Timeline& timeline) {
  const Tokens& tokens = timeline.tokens;
  auto found = tree_.find(std::span(tokens).first(tokens.size() - 1));
  const auto shared = int32_t(found.full.size());
  const int32_t own = pages_for(int64_t(tokens.size())) - shared;
  // The page to copy from stays while the copy is made. Without room for both, do without it.
  if (found.partial != PagePool::kNone && !has_room(own)) {
    pool_.release(std::exchange(found.partial, PagePool::kNone));
    found.tokens = shared * int32_t(kPageTokens);
  }
  if (!has_room(own)) {
    for (const auto page : found.full) pool_.release(page);
    return false;
  }

  tree_.make_room(own);
  timeline.pages = std::move(found.full);
  for (int32_t i = 0; i < own; ++i) timeline.pages.push_back(pool_.take());
  if (found.partial != PagePool::kNone) {
    pool_.copy(found.partial, timeline.pages[std::size_t(shared)]);
    pool_.release(found.partial);
  }
  for (const auto page : timeline.pages) timeline.addresses.push_back(pool_.data(page));
  timeline.computed = found.tokens;
  return true;
}

bool Holdings::extend(Timeline& timeline) {
  if (timeline.pages.size() >= std::size_t(pages_for(int64_t(timeline.tokens.size())))) return true;
  if (!tree_.make_room(1)) return false;
  timeline.pages.push_back(pool_.take());
  timeline.addresses.push_back(pool_.data(timeline.pages.back()));
  return true;
}

void Holdings::remember(const Timeline& timeline, int32_t tokens) {
  tree_.add(std::span(timeline.tokens).first(std::size_t(tokens)),
            std::span(timeline.pages).first(std::size_t(pages_for(tokens))));
}

void Holdings::release(Timeline& timeline) {
  for (const auto page : timeline.pages) pool_.release(page);
  timeline.pages.clear();
  timeline.addresses.clear();
}

}  // namespace engine
