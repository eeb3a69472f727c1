#include "tests/crash/chaos_plan.h"

#include <fmt/format.h>
#include <algorithm>
#include <utility>

#include "tests/support/draws.h"

namespace crash {
namespace {

// What hangs until a deadline is rare, so that the test does not: 1 + 1 + 1 of 30 are silent at
// some point and 2 dribble; the rest is one of the twelve faults that `mixed` stands for.
constexpr std::size_t kCycle = 30;

const char* fault_at(std::size_t place) {
  switch (place % kCycle) {
    case 0:
      return "hang";
    case 10:
      return "hang-after-head";
    case 20:
      return "silence tokens=3";
    case 5:
    case 15:
      return "drip ms=1";
    default:
      return "mixed";
  }
}

}  // namespace

std::string chaos_script(const std::vector<std::string>& call_keys, uint64_t seed) {
  std::vector<std::pair<uint64_t, std::string>> order;
  order.reserve(call_keys.size());
  for (const std::string& key : call_keys) order.emplace_back(support::hash_of(key, seed), key);
  std::sort(order.begin(), order.end());

  std::string script;
  const auto faulty = std::size_t(faulty_of(int64_t(order.size())));
  for (std::size_t place = 0; place < faulty; ++place)
    script += fmt::format("call={} times=1 -> {}\n", order[place].second, fault_at(place));
  return script;
}

}  // namespace crash
