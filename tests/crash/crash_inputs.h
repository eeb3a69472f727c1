#pragma once

#include <cstdint>
#include <filesystem>

namespace crash {

// Inputs of the scripted world (tests/support/arithmetic_proof.h), the same for the same seed.

// JSON Lines of problems for `solve`.
void write_problems(const std::filesystem::path& file, int64_t count, uint64_t seed);

// JSON Lines of submissions for `grade`, each with a human mark; some proofs occur twice.
void write_submissions(const std::filesystem::path& file, int64_t count, uint64_t seed);

}  // namespace crash
