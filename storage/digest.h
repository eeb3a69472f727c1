#pragma once

#include <optional>
#include <string>

#include "storage/rows.h"

namespace storage {

// SHA-256 over what a row says, apart from when, where and at what cost it was made. It tells
// whether a second answer under the same key says the same, and whether a stored row is still what
// was written. Every field is preceded by its length, so no two contents share their bytes.
std::string digest_of(const ProofRow& row);
std::string digest_of(const CallAnswer& answer, const std::optional<VoteRow>& vote,
                      const std::optional<MetaVoteRow>& meta_vote);

}  // namespace storage
