#include "engine/waiting_room.h"

#include <doctest/doctest.h>

using engine::Lane;
using engine::WaitingRoom;

TEST_SUITE("engine/waiting_room") {
  TEST_CASE("the lowest number of a lane is first, whenever it came") {
    WaitingRoom room;
    room.add(5, Lane::Verify, 100);
    room.add(3, Lane::Verify, 101);
    room.add(1, Lane::Generate, 102);

    CHECK(room.first(Lane::Verify) == 3);
    room.remove(3);
    CHECK(room.first(Lane::Verify) == 5);
    CHECK_FALSE(room.first(Lane::MetaVerify));
    CHECK(room.size() == 2);
  }

  TEST_CASE("samples of a prompt that is being computed are passed over until it is") {
    WaitingRoom room;
    for (const uint64_t id : {1, 2, 4}) room.add(id, Lane::Verify, 100);
    room.add(3, Lane::Verify, 200);

    room.begin_prompt(100);
    CHECK(room.first(Lane::Verify) == 3);
    CHECK(room.size() == 4);
    room.remove(3);
    CHECK_FALSE(room.first(Lane::Verify));

    room.end_prompt(100);
    CHECK(room.first(Lane::Verify) == 1);
  }

  TEST_CASE("one that was passed over can go away") {
    WaitingRoom room;
    room.add(1, Lane::Verify, 100);
    room.begin_prompt(100);
    CHECK_FALSE(room.first(Lane::Verify));

    room.remove(1);
    room.end_prompt(100);

    CHECK_FALSE(room.first(Lane::Verify));
    CHECK(room.size() == 0);
  }

  TEST_CASE("the end of a prompt that nobody computes is nothing") {
    WaitingRoom room;
    room.add(1, Lane::Verify, 100);
    room.end_prompt(100);
    CHECK(room.first(Lane::Verify) == 1);
  }
}
