#pragma once

#include <optional>
#include <string>

#include "apps/conduct.h"
#include "audit/calibration.h"
#include "pipeline/run.h"

namespace apps {

// The words and JSON in which results are told.

// "8 requested, 8 returned, 7 parsed, 1 struck; 6 of 6 counted are 1 (95 % interval 0.61 to 1.00)"
std::string tally_words(const pipeline::Tally& tally);

// What a calibration says of the rule: "expected false-accept rate of `unanimous`: ...".
std::string calibration_words(const std::optional<audit::Calibration>& calibration,
                              const pipeline::Effort& effort);
std::optional<audit::Calibration> load_calibration(const Config& config);

// One line of JSON for an item's result, without what only some commands know.
std::string result_json(const pipeline::Item& item, const pipeline::ItemResult& result,
                        const pipeline::Effort& effort,
                        const std::optional<audit::Calibration>& calibration);

// {"event":"launch",...}, {"event":"done",...}
std::string launch_json(const storage::RunRow& run, bool continued, std::size_t items);
std::string done_json(const Conducted& conducted, ExitCode code, std::size_t accepted,
                      std::size_t refused, std::size_t undecided);

// Why a stopped run stopped and how to go on: one sentence, for stderr.
std::string stop_words(const Conducted& conducted, const std::filesystem::path& ledger);

}  // namespace apps
