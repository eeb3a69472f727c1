#pragma once

#include "engine/prefix_tree.h"
#include "engine/timeline.h"

namespace engine {

// Which pages timelines have: those they share with what is known already and those of their own.
class Holdings {
 public:
  Holdings(int64_t page_bytes, int32_t pages_max, Memory& memory);

  // Gives the timeline pages for all its tokens, filled as far as these are known, the last one
  // excepted: it is computed in any case, for its logits. False, and nothing happened: no room.
  bool settle(Timeline& timeline);

  // Whether the timeline now has pages for all its tokens; false: no room for another one.
  bool extend(Timeline& timeline);

  // Makes the first `tokens` known. Rows are computed by the same arithmetic wherever they come
  // from, so that those of prompts and those of tokens made are known alike.
  void remember(const Timeline& timeline, int32_t tokens);

  void release(Timeline& timeline);
  void forget_all() { tree_.make_room(pool_.pages_max()); }

  const PagePool& pool() const { return pool_; }
  const PrefixTree& tree() const { return tree_; }

 private:
  bool has_room(int32_t pages) const;

  PagePool pool_;
  PrefixTree tree_;
};

inline constexpr int32_t pages_for(int64_t tokens) {
  return int32_t((tokens + kPageTokens - 1) / kPageTokens);
}

}  // namespace engine
