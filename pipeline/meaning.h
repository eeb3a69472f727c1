#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/chat.h"
#include "pipeline/effort.h"
#include "pipeline/live_book.h"
#include "prompts/template.h"
#include "storage/ledger.h"

namespace pipeline {

// The meaning of a run: all that can change a verdict, as canonical JSON. Where calls are sent,
// how many at once and how much may be spent are no part of it.
struct Meaning {
  std::string kind;  // solve, grade
  int64_t seed = 0;
  Effort effort;
  const prompts::TemplateSet* templates = nullptr;
  const ChatModel* model = nullptr;
  Roles roles;
};
std::string to_json(const Meaning& meaning);

// What differs between two meanings, a line each: "votes: 8 -> 16".
std::vector<std::string> differences(std::string_view before, std::string_view now);

// The effort and roles of a stored meaning, for a replay. Throws std::runtime_error for JSON that
// is none of ours.
struct StoredMeaning {
  struct StoredRole {
    std::string model;  // as ChatModel::identity() named it
    Sampling sampling;
  };
  Effort effort;
  std::array<StoredRole, kRoles> roles;
  int64_t seed = 0;
  std::string kind;
  std::vector<std::pair<std::string, std::string>> template_hashes;  // by name
};
StoredMeaning read_meaning(std::string_view json);

// The sha256 of the inputs that a run is about: problems, and proofs when it grades them.
std::string subject_sha256(std::string_view kind, const std::vector<storage::ProblemRow>& problems,
                           const std::vector<std::string>& proofs);

}  // namespace pipeline
