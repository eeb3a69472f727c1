#pragma once

#include <array>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "apps/output.h"
#include "apps/runs_record.h"

namespace apps {

// The forms in which a run leaves the ledger:
//   jsonl     a problem (or submission) a line: decision, best proof, its votes, issues with places
//   csv       a vote a row
//   md        a text for people: problem, verdict, proof, issues
//   trace     a judged proof a line, as audit/trace_file.cpp describes it: for `elenchus audit`
//   deepseek  a problem a line, with the keys of DeepSeek-Math-V2's published outputs
inline constexpr std::array<std::string_view, 5> kExportFormats{"jsonl", "csv", "md", "trace",
                                                                "deepseek"};

// REQUIRES: `format` is one of them. Returns how many lines, rows or texts were written.
std::size_t export_run(const storage::LedgerReader& reader, const RunRecord& record,
                       std::string_view format, Output& output);

nlohmann::ordered_json tally_json(const pipeline::Tally& tally);

}  // namespace apps
