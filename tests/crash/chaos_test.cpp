#include "tests/crash/chaos.h"

#include <doctest/doctest.h>

using crash::ChaosFigures;
using crash::limits_broken;

namespace {

ChaosFigures good() {
  ChaosFigures figures;
  figures.calls = 1000;
  figures.faults = 300;
  figures.sends = 1300;
  figures.call_timeout_ms = 2500;
  figures.longest_attempt_ms = 3500;
  return figures;
}

}  // namespace

TEST_SUITE("crash/chaos") {
  TEST_CASE("three faults in ten calls, each sent once more, are within the limits") {
    CHECK(limits_broken(good()).empty());
  }

  TEST_CASE("more than 1.3 sendings a call break a limit") {
    ChaosFigures figures = good();
    figures.sends = 1301;
    CHECK(limits_broken(figures).size() == 2);  // and more than the faults explain
  }

  TEST_CASE("another share of faults than was asked for breaks a limit") {
    ChaosFigures figures = good();
    figures.faults = 301;
    CHECK(limits_broken(figures).size() == 1);
    figures.faults = 299;
    CHECK(limits_broken(figures).size() == 2);  // and they do not explain the sendings
  }

  TEST_CASE("an attempt beyond its deadline and a second breaks a limit") {
    ChaosFigures figures = good();
    figures.longest_attempt_ms = 3501;
    CHECK(limits_broken(figures).size() == 1);
  }

  TEST_CASE("a deadline that no attempt met is reported, for it was not tried") {
    ChaosFigures figures = good();
    figures.longest_attempt_ms = 2499;
    CHECK(limits_broken(figures).size() == 1);
  }
}
