#include "tests/crash/crash_findings.h"

#include <doctest/doctest.h>

using crash::examine;
using crash::LedgerLook;
using crash::Round;

namespace {

// Two calls were made, one of them was answered before the only death.
Round sound_round() {
  LedgerLook at_death;
  at_death.kept = {{"call a", "digest a"}};
  at_death.answers = {{"a", "text a"}};
  at_death.open = {"b"};
  at_death.intended = 1;
  LedgerLook end = at_death;
  end.kept.emplace("call b", "digest b");
  end.answers.emplace("b", "text b");
  end.open.clear();
  end.annotations = {"mark"};
  Round round;
  round.deaths = 1;
  round.verdicts = {{"p", "accepted"}, {"q", "refused"}};
  round.announced = {{{"p", "accepted"}}};
  round.looks = {at_death};
  round.end = end;
  round.journal.calls = {{"a", {1, {"text a"}}}, {"b", {2, {"text b"}}}};
  return round;
}

}  // namespace

TEST_SUITE("crash/crash_findings") {
  TEST_CASE("a call in flight at a death may be sent once more") {
    const Round round = sound_round();

    const auto found = examine(round, round);

    CHECK(found.sound());
    CHECK(found.words.empty());
    CHECK(found.sent_again == 1);
    CHECK(found.in_flight_at_kills == 1);
  }

  TEST_CASE("what was committed at a death and is gone or different later is lost") {
    Round gone = sound_round();
    gone.end.kept.erase("call a");
    CHECK(examine(sound_round(), gone).lost == 1);

    Round changed = sound_round();
    changed.end.kept["call a"] = "another digest";
    CHECK(examine(sound_round(), changed).lost == 1);

    Round between = sound_round();  // the second death does not see what the first one saw
    between.looks.push_back({});
    CHECK(examine(sound_round(), between).lost == 1);
  }

  TEST_CASE("a call that no death explains and a second row for a key are doubled") {
    Round sent = sound_round();
    sent.journal.calls["a"].received = 2;
    CHECK(examine(sound_round(), sent).doubled == 1);

    Round sent_thrice = sound_round();
    sent_thrice.journal.calls["b"].received = 3;
    CHECK(examine(sound_round(), sent_thrice).doubled == 1);

    Round row = sound_round();
    row.end.doubled = 1;
    CHECK(examine(sound_round(), row).doubled == 1);
  }

  TEST_CASE("verdicts that differ at the end or were printed before a death are found") {
    Round other = sound_round();
    other.verdicts["q"] = "accepted";
    CHECK(examine(sound_round(), other).different_verdicts == 1);

    Round fewer = sound_round();
    fewer.verdicts.erase("q");
    CHECK(examine(sound_round(), fewer).different_verdicts == 1);

    Round more = sound_round();
    more.verdicts["r"] = "accepted";
    CHECK(examine(sound_round(), more).different_verdicts == 1);

    Round early = sound_round();
    early.announced = {{{"p", "refused"}}};
    CHECK(examine(sound_round(), early).different_verdicts == 1);
  }

  TEST_CASE("a bad end, a damaged ledger, a text never sent and lost marks are unsound") {
    Round code = sound_round();
    code.exit_code = 3;
    CHECK(examine(sound_round(), code).unsound == 1);

    Round damaged = sound_round();
    damaged.integrity = {"page 7"};
    CHECK(examine(sound_round(), damaged).unsound == 1);

    Round text = sound_round();
    text.end.answers["a"] = "text b";
    CHECK(examine(sound_round(), text).unsound == 1);

    Round marks = sound_round();
    marks.end.annotations.clear();
    CHECK(examine(sound_round(), marks).unsound == 1);
  }
}
