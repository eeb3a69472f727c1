#include "tests/crash/crash_inputs.h"

#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "tests/support/arithmetic_proof.h"
#include "tests/support/draws.h"

namespace crash {
namespace {

constexpr std::size_t kSteps = 4;
constexpr int64_t kProofsOfAProblem = 5;

std::string statement_of(int64_t problem) {
  return fmt::format("Prove that the numbers on list {} have the sum {}.", problem,
                     100 + 7 * problem);
}

std::string proof_of(uint64_t key) {
  const support::Draws draws(key);
  std::string proof;
  for (std::size_t step = 1; step <= kSteps; ++step) {
    auto kind = support::StepKind::Right;
    if (draws.chance(0.08, "wrong", step)) kind = support::StepKind::Wrong;
    if (draws.chance(0.05, "vague", step)) kind = support::StepKind::Vague;
    proof += support::write_step(step, kind, support::Draws(support::mixed(key, step))) + "\n";
  }
  return proof;
}

std::ofstream open_new(const std::filesystem::path& file) {
  std::ofstream out(file, std::ios::binary);
  if (!out) throw std::runtime_error("cannot write " + file.string());
  return out;
}

}  // namespace

void write_problems(const std::filesystem::path& file, int64_t count, uint64_t seed) {
  std::ofstream out = open_new(file);
  for (int64_t i = 0; i < count; ++i) {
    const nlohmann::json row{{"id", fmt::format("p{}", i)},
                             {"problem", statement_of(i + int64_t(seed % 1000) * 1000)}};
    out << row.dump() << "\n";
  }
}

void write_submissions(const std::filesystem::path& file, int64_t count, uint64_t seed) {
  std::ofstream out = open_new(file);
  for (int64_t i = 0; i < count; ++i) {
    // Every seventh repeats the proof before it: equal proofs share their votes.
    const int64_t proof = i % 7 == 6 ? i - 1 : i;
    const nlohmann::json row{{"id", fmt::format("s{}", i)},
                             {"problem", statement_of(proof / kProofsOfAProblem)},
                             {"proof", proof_of(support::mixed(seed, uint64_t(proof)))},
                             {"human_rating", i % 8},
                             {"max", 7}};
    out << row.dump() << "\n";
  }
}

}  // namespace crash
