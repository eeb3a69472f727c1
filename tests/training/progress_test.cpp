#include "training/progress.h"

#include <doctest/doctest.h>

using namespace training;

TEST_SUITE("training/progress") {
  TEST_CASE("a steady run has its pace and its end") {
    Progress progress;
    CHECK(!progress.tokens_per_second());
    progress.mark(1000, 0);
    CHECK(!progress.remaining_ms(100));

    progress.mark(3000, 500);

    CHECK(progress.tokens_per_second() == 250.0);
    CHECK(progress.remaining_ms(1000) == 2000);
    CHECK(progress.remaining_ms(500) == 0);
    CHECK(progress.remaining_ms(400) == 0);
  }

  TEST_CASE("the pace is that of the last marks") {
    Progress progress;
    progress.mark(0, 0);  // a slow start
    for (int i = 0; i < int(Progress::kWindow); ++i) progress.mark(60'000 + 1000 * i, 10 * i);
    CHECK(progress.tokens_per_second() == 10.0);
  }

  TEST_CASE("a run that stands still has no end") {
    Progress progress;
    progress.mark(0, 5);
    progress.mark(1000, 5);
    CHECK(progress.tokens_per_second() == 0.0);
    CHECK(!progress.remaining_ms(6));
  }

  TEST_CASE("durations are told in two units") {
    CHECK(duration_text(-5) == "0 s");
    CHECK(duration_text(45'999) == "45 s");
    CHECK(duration_text(725'000) == "12 min 05 s");
    CHECK(duration_text(11'220'000) == "3 h 07 min");
    CHECK(duration_text(187'200'000) == "2 d 04 h");
  }
}
