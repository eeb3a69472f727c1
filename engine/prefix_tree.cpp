#include "engine/prefix_tree.h"

#include <algorithm>
#include <cassert>
#include <list>
#include <set>
#include <utility>

namespace engine {

namespace {

using Page = PagePool::Page;
using Span = std::span<const int32_t>;

struct Node;

struct ByTokens {
  using is_transparent = void;
  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    return less(tokens_of(a), tokens_of(b));
  }
  static bool less(Span a, Span b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
  }
  static Span tokens_of(Span tokens) { return tokens; }
  static Span tokens_of(const Node* node);
};

// One page. Among the children of a node none's tokens begin another's, so the two neighbours of a
// text in their order are those that share most with it. Only full pages have children.
struct Node {
  Node* parent = nullptr;
  std::vector<int32_t> tokens;
  Page page = PagePool::kNone;
  int64_t used = 0;
  std::set<Node*, ByTokens> children = {};
  std::list<Node>::iterator place = {};  // in the list that owns all nodes
  bool blocked = false;                  // scratch of droppable()
};

Span ByTokens::tokens_of(const Node* node) { return node->tokens; }

std::size_t common(Span a, Span b) {
  return std::size_t(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

// Least recently used first.
struct ByUse {
  bool operator()(const Node* a, const Node* b) const {
    return a->used != b->used ? a->used < b->used : a->page < b->page;
  }
};

}  // namespace

class PrefixTree::Impl {
 public:
  explicit Impl(PagePool& pool) : pool_(pool) {}
  // The list owns the nodes: long contexts make deep trees, which are not to be left recursively.
  ~Impl() {
    for (const Node& node : nodes_) pool_.release(node.page);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Found find(Span tokens);
  void add(Span tokens, std::span<const Page> pages);
  bool make_room(int32_t pages);
  int32_t droppable();
  int32_t pages() const { return int32_t(nodes_.size()); }

 private:
  struct Match {
    Node* node = nullptr;
    std::size_t shared = 0;
  };
  // The child that shares most with `tokens`.
  static Match best_child(const Node& parent, Span tokens) {
    const auto next = parent.children.lower_bound(tokens);
    Match best;
    const auto consider = [&](Node* node) {
      const std::size_t shared = common(node->tokens, tokens);
      if (shared > best.shared) best = {node, shared};
    };
    if (next != parent.children.end()) consider(*next);
    if (next != parent.children.begin()) consider(*std::prev(next));
    return best;
  }

  static Span page_of(Span tokens, std::size_t page) {
    const std::size_t begin = page * kPageTokens;
    return tokens.subspan(begin, std::min(tokens.size() - begin, std::size_t(kPageTokens)));
  }

  // The order of leaves depends on `used`: a leaf leaves it while its use changes.
  void touch(Node* node) {
    if (node == &root_) return;
    const bool leaf = node->children.empty();
    if (leaf) leaves_.erase(node);
    node->used = now_;
    if (leaf) leaves_.insert(node);
  }

  Node* insert(Node* parent, Span tokens, Page page);
  std::set<Node*, ByUse>::iterator drop(std::set<Node*, ByUse>::iterator leaf);
  bool can_drop(const Node* node) const { return pool_.holders(node->page) == 1; }

  PagePool& pool_;
  Node root_;
  std::list<Node> nodes_;
  std::set<Node*, ByUse> leaves_;
  int64_t now_ = 0;
};

PrefixTree::Found PrefixTree::Impl::find(Span tokens) {
  ++now_;
  Found found;
  Node* at = &root_;
  for (std::size_t page = 0; page * kPageTokens < tokens.size(); ++page) {
    const Match match = best_child(*at, page_of(tokens, page));
    if (match.shared == 0) break;
    pool_.hold(match.node->page);
    touch(match.node);
    found.tokens += int32_t(match.shared);
    if (match.shared < std::size_t(kPageTokens)) {
      found.partial = match.node->page;
      break;
    }
    found.full.push_back(match.node->page);
    at = match.node;
  }
  return found;
}

void PrefixTree::Impl::add(Span tokens, std::span<const Page> pages) {
  assert(pages.size() * kPageTokens >= tokens.size());
  ++now_;
  Node* at = &root_;
  for (std::size_t page = 0; page * kPageTokens < tokens.size(); ++page) {
    const Span part = page_of(tokens, page);
    const Match match = best_child(*at, part);
    if (match.shared == part.size()) {
      touch(match.node);
      at = match.node;
      continue;
    }
    // A partial page of which `part` is the continuation has become superfluous.
    if (match.node && match.shared == match.node->tokens.size()) drop(leaves_.find(match.node));
    at = insert(at, part, pages[page]);
  }
}

Node* PrefixTree::Impl::insert(Node* parent, Span tokens, Page page) {
  if (parent != &root_ && parent->children.empty()) leaves_.erase(parent);
  nodes_.push_back(
      {.parent = parent, .tokens = {tokens.begin(), tokens.end()}, .page = page, .used = now_});
  Node* node = &nodes_.back();
  node->place = std::prev(nodes_.end());
  parent->children.insert(node);
  leaves_.insert(node);
  pool_.hold(page);
  return node;
}

// Returns the next leaf in the order, which may be the parent, a leaf from now on.
std::set<Node*, ByUse>::iterator PrefixTree::Impl::drop(std::set<Node*, ByUse>::iterator leaf) {
  Node* node = *leaf;
  Node* parent = node->parent;
  auto next = leaves_.erase(leaf);
  parent->children.erase(node);
  pool_.release(node->page);
  nodes_.erase(node->place);
  if (parent != &root_ && parent->children.empty()) {
    const auto added = leaves_.insert(parent).first;
    if (next == leaves_.end() || ByUse()(parent, *next)) next = added;
  }
  return next;
}

bool PrefixTree::Impl::make_room(int32_t pages) {
  auto leaf = leaves_.begin();
  while (pool_.free_pages() < pages && leaf != leaves_.end())
    leaf = can_drop(*leaf) ? drop(leaf) : std::next(leaf);
  return pool_.free_pages() >= pages;
}

int32_t PrefixTree::Impl::droppable() {
  for (Node& node : nodes_) node.blocked = false;
  int32_t blocked = 0;
  for (Node& node : nodes_) {
    if (can_drop(&node)) continue;
    for (Node* up = &node; up != &root_ && !up->blocked; up = up->parent) {
      up->blocked = true;
      ++blocked;
    }
  }
  return pages() - blocked;
}

PrefixTree::PrefixTree(PagePool& pool) : impl_(std::make_unique<Impl>(pool)) {}
PrefixTree::~PrefixTree() = default;

PrefixTree::Found PrefixTree::find(Span tokens) { return impl_->find(tokens); }
void PrefixTree::add(Span tokens, std::span<const Page> pages) { impl_->add(tokens, pages); }
bool PrefixTree::make_room(int32_t pages) { return impl_->make_room(pages); }
int32_t PrefixTree::droppable() const { return impl_->droppable(); }
int32_t PrefixTree::pages() const { return impl_->pages(); }

}  // namespace engine
