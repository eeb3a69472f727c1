#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace text {

using Digest = std::array<unsigned char, 32>;

// SHA-256 (FIPS 180-4) of `bytes`. Throws std::runtime_error if OpenSSL fails.
Digest sha256(std::string_view bytes);

// The same as 64 lower-case hexadecimal digits: the name of a text everywhere in the project.
std::string sha256_hex(std::string_view bytes);

// HMAC-SHA-256 (RFC 2104) of `bytes` under `key`.
Digest hmac_sha256(std::string_view key, std::string_view bytes);

// `bytes` random bytes from the operating system.
std::string random_bytes(std::size_t bytes);

std::string to_hex(std::string_view bytes);

// The first eight bytes of a digest as a number, most significant byte first.
uint64_t leading_number(const Digest& digest);

}  // namespace text
