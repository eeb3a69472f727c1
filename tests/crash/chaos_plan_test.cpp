#include "tests/crash/chaos_plan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/support/fault_script.h"

using crash::chaos_script;
using support::FaultKind;
using support::FaultScript;

namespace {

std::vector<std::string> keys(int count) {
  std::vector<std::string> all;
  // One kind of key is the end of the other.
  for (int i = 0; i < count; ++i)
    all.push_back((i % 2 == 0 ? "verifier/" : "meta_verifier/") + std::to_string(i / 2));
  return all;
}

std::vector<std::string> hit(const std::string& script, const std::vector<std::string>& calls) {
  FaultScript faults(script);
  std::vector<std::string> failing;
  for (const std::string& key : calls)
    if (faults.decide({.request_id = key + "#1", .stream = true}, {}).kind != FaultKind::None)
      failing.push_back(key);
  return failing;
}

}  // namespace

TEST_SUITE("crash/chaos_plan") {
  TEST_CASE("of each number of calls three in ten fail, rounded down") {
    CHECK(hit(chaos_script(keys(1), 1), keys(1)).empty());
    CHECK(hit(chaos_script(keys(9), 1), keys(9)).size() == 2);
    CHECK(hit(chaos_script(keys(10), 1), keys(10)).size() == 3);
    CHECK(hit(chaos_script(keys(888), 1), keys(888)).size() == 266);
  }

  // A client may send again, under the same number, what a kept connection was too old to take.
  TEST_CASE("no second sending fails, whatever number it bears") {
    FaultScript faults(chaos_script(keys(100), 1));
    for (const std::string& key : keys(100)) faults.decide({.request_id = key + "#1"}, {});
    for (const std::string& key : keys(100)) {
      CHECK(faults.decide({.request_id = key + "#1"}, {}).kind == FaultKind::None);
      CHECK(faults.decide({.request_id = key + "#2"}, {}).kind == FaultKind::None);
    }
  }

  TEST_CASE("the calls that fail follow from keys and seed, not from their order") {
    const auto forward = keys(100);
    auto backward = forward;
    std::reverse(backward.begin(), backward.end());

    CHECK(chaos_script(forward, 1) == chaos_script(backward, 1));
    CHECK(chaos_script(forward, 1) != chaos_script(forward, 2));
  }

  TEST_CASE("the faults are of many kinds, and few of them hang") {
    FaultScript faults(chaos_script(keys(1000), 1));
    std::map<FaultKind, int> kinds;
    std::set<std::string> names;
    for (const std::string& key : keys(1000)) {
      const auto fault = faults.decide({.request_id = key + "#1", .stream = true}, {});
      ++kinds[fault.kind];
      names.insert(fault.name);
    }

    CHECK(kinds[FaultKind::None] == 700);
    CHECK(kinds[FaultKind::Hang] == 10);
    CHECK(kinds[FaultKind::HangAfterHead] == 10);
    CHECK(kinds[FaultKind::Silence] == 10);
    CHECK(kinds[FaultKind::Drip] == 20);
    CHECK(names.size() == 17);  // with the twelve of `mixed` and none
  }
}
