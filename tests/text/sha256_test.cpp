#include "text/sha256.h"

#include <doctest/doctest.h>

TEST_SUITE("text/sha256") {
  TEST_CASE("the published example of FIPS 180-4 comes out") {
    CHECK(text::sha256_hex("abc") ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }

  TEST_CASE("the second example of RFC 4231 comes out") {
    const text::Digest mac = text::hmac_sha256("Jefe", "what do ya want for nothing?");
    CHECK(text::leading_number(mac) == 0x5bdcc146bf60754eULL);
  }

  TEST_CASE("two draws of random bytes differ") {
    CHECK(text::random_bytes(16).size() == 16);
    CHECK(text::random_bytes(16) != text::random_bytes(16));
  }
}
