#include "engine/philox.h"

#include <doctest/doctest.h>

using engine::philox4x32_10;
using Words = std::array<uint32_t, 4>;

TEST_SUITE("engine/philox") {
  // tests/kat_vectors of Random123 1.14.
  TEST_CASE("the published answers come out") {
    CHECK(philox4x32_10({0, 0, 0, 0}, {0, 0}) ==
          Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    CHECK(philox4x32_10({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}) ==
          Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    CHECK(
        philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
  }
}
