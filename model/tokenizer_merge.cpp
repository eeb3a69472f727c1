#include "model/tokenizer_merge.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace model {
namespace {

constexpr int32_t kNone = -1;

}  // namespace

Merger::Merger(const std::array<int32_t, 256>& bytes, const std::vector<Merge>& merges,
               int64_t tokens)
    : bytes_(bytes), first_(std::size_t(tokens) + 1, 0) {
  std::vector<uint32_t> order(merges.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, [&](uint32_t a, uint32_t b) {
    if (merges[a].left != merges[b].left) return merges[a].left < merges[b].left;
    if (merges[a].right != merges[b].right) return merges[a].right < merges[b].right;
    return a > b;
  });
  rules_.reserve(merges.size());
  const Merge* last = nullptr;
  for (const uint32_t rank : order) {
    const Merge& merge = merges[rank];
    if (last != nullptr && last->left == merge.left && last->right == merge.right) continue;
    last = &merge;
    rules_.push_back({merge.right, rank, merge.result});
    ++first_[std::size_t(merge.left) + 1];
  }
  std::partial_sum(first_.begin(), first_.end(), first_.begin());
}

const Merger::Rule* Merger::find(int32_t left, int32_t right) const {
  const auto begin = rules_.begin() + first_[std::size_t(left)];
  const auto end = rules_.begin() + first_[std::size_t(left) + 1];
  const auto found = std::lower_bound(
      begin, end, right, [](const Rule& rule, int32_t token) { return rule.right < token; });
  return found != end && found->right == right ? &*found : nullptr;
}

// Puts the pair that begins at `place` into the queue, if it may be merged.
void Merger::enqueue(Work& work, int32_t place) const {
  const Work::Symbol& symbol = work.symbols[std::size_t(place)];
  if (symbol.next == kNone) return;
  const Rule* rule = find(symbol.token, work.symbols[std::size_t(symbol.next)].token);
  if (rule == nullptr) return;
  work.queue.push_back(uint64_t(rule->rank) << 32 | uint32_t(place));
  std::ranges::push_heap(work.queue, std::greater{});
}

void Merger::encode(std::string_view word, Work& work, std::vector<int32_t>& tokens) const {
  auto& symbols = work.symbols;
  symbols.clear();
  work.queue.clear();
  const auto size = int32_t(word.size());
  for (int32_t i = 0; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(word[std::size_t(i)]);
    symbols.push_back({bytes_[byte], i - 1, i + 1 < size ? i + 1 : kNone});
  }
  for (int32_t place = 0; place < size; ++place) enqueue(work, place);

  while (!work.queue.empty()) {
    std::ranges::pop_heap(work.queue, std::greater{});
    const uint64_t top = work.queue.back();
    work.queue.pop_back();
    const auto place = int32_t(top & 0xFFFFFFFF);
    Work::Symbol& symbol = symbols[std::size_t(place)];
    if (symbol.token == kNone || symbol.next == kNone) continue;
    // A pair whose parts were merged meanwhile has another rank: ranks name pairs.
    Work::Symbol& right = symbols[std::size_t(symbol.next)];
    const Rule* rule = find(symbol.token, right.token);
    if (rule == nullptr || rule->rank != uint32_t(top >> 32)) continue;
    symbol.token = rule->result;
    symbol.next = right.next;
    right.token = kNone;
    if (symbol.next != kNone) symbols[std::size_t(symbol.next)].previous = place;
    if (symbol.previous != kNone) enqueue(work, symbol.previous);
    enqueue(work, place);
  }
  for (const Work::Symbol& symbol : symbols)
    if (symbol.token != kNone) tokens.push_back(symbol.token);
}

}  // namespace model
