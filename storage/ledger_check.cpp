#include "storage/ledger_check.h"

#include <map>
#include <optional>

#include <utility>

#include "storage/digest.h"
#include "storage/snapshot.h"
#include "text/sha256.h"

namespace storage {

namespace {

using Findings = std::vector<std::string>;

void check_structure(Database& database, Findings& findings) {
  Statement check(database, "PRAGMA integrity_check(100)");
  while (check.step())
    if (std::string line = check.text(0); line != "ok")
      findings.push_back("the file's structure is damaged: " + line);
}

void check_references(Database& database, Findings& findings) {
  Statement check(database, "PRAGMA foreign_key_check");
  while (check.step() && findings.size() < kFindingsMax)
    findings.push_back("row " + check.text(1) + " of table " + check.text(0) +
                       " names a row of table " + check.text(2) + " that is not there");
}

// One text in memory at a time.
void check_texts(Database& database, Findings& findings) {
  Statement each(database, "SELECT id, sha256, bytes FROM text ORDER BY id");
  while (each.step() && findings.size() < kFindingsMax)
    if (text::sha256_hex(each.text(2)) != each.text(1))
      findings.push_back("text " + each.text(0) + " does not have the sha256 " + each.text(1) +
                         " under which it is stored: its bytes were altered");
}

void check_prompts(Database& database, Findings& findings) {
  Statement each(database,
                 "SELECT prompt.sha256, part.value ->> 'name' FROM prompt,"
                 " json_each(prompt.parts) AS part LEFT JOIN text"
                 " ON text.sha256 = part.value ->> 'sha256' WHERE text.id IS NULL");
  while (each.step() && findings.size() < kFindingsMax)
    findings.push_back("prompt " + each.text(0) + " misses the text of its part '" + each.text(1) +
                       "'");
}

std::map<std::string, std::string> digests(Database& database, const char* sql, int64_t run) {
  std::map<std::string, std::string> found;
  Statement each(database, sql);
  each.bind(1, run);
  while (each.step()) found.emplace(each.text(0), each.text(1));
  return found;
}

void check_proofs(const LedgerReader& reader, Database& database, int64_t run, Findings& findings) {
  auto expected = digests(database, "SELECT key, content_sha256 FROM proof WHERE run_id = ?", run);
  for (const ProofRow& proof : reader.proofs(run))
    if (const auto entry = expected.extract(proof.key);
        !entry || entry.mapped() != digest_of(proof))
      findings.push_back("proof " + proof.key + " of run " + std::to_string(run) +
                         " is not what was written");
  for (const auto& [key, digest] : expected)
    findings.push_back("proof " + key + " of run " + std::to_string(run) +
                       " cannot be read: a row it names is not there");
}

template <class Row>
std::map<std::string, Row> by_call(std::vector<Row> rows) {
  std::map<std::string, Row> found;
  for (Row& row : rows) {
    std::string key = row.call_key;
    found.emplace(std::move(key), std::move(row));
  }
  return found;
}

template <class Row>
std::optional<Row> take(std::map<std::string, Row>& rows, const std::string& key) {
  const auto entry = rows.extract(key);
  if (!entry) return std::nullopt;
  return std::move(entry.mapped());
}

// One answer in memory at a time, beside the votes of the run.
void check_answers(const LedgerReader& reader, Database& database, int64_t run,
                   Findings& findings) {
  auto votes = by_call(reader.votes(run));
  auto meta_votes = by_call(reader.meta_votes(run));
  const auto expected = digests(
      database,
      "SELECT key, content_sha256 FROM call WHERE run_id = ? AND content_sha256 IS NOT NULL", run);
  for (const auto& [key, digest] : expected) {
    const std::optional<StoredCall> call = reader.call(run, key);
    const std::optional<VoteRow> vote = take(votes, key);
    const std::optional<MetaVoteRow> meta_vote = take(meta_votes, key);
    if (!call || digest_of(call->answer, vote, meta_vote) != digest)
      findings.push_back("the answer of call " + key + " of run " + std::to_string(run) +
                         " is not what was written");
  }
  for (const auto& [key, vote] : votes)
    findings.push_back("the vote of call " + key + " of run " + std::to_string(run) +
                       " belongs to no answer");
  for (const auto& [key, vote] : meta_votes)
    findings.push_back("the meta-vote of call " + key + " of run " + std::to_string(run) +
                       " belongs to no answer");
}

void check_contents(const LedgerReader& reader, Database& database, Findings& findings) {
  for (const RunRow& run : reader.runs()) {
    check_proofs(reader, database, run.id, findings);
    check_answers(reader, database, run.id, findings);
  }
}

// A damaged file ends a check early; what it found until then, and that it ended, is reported.
template <class Check>
void guarded(const char* what, Findings& findings, const Check& check) {
  try {
    check();
  } catch (const std::runtime_error& error) {
    findings.push_back("the check of the " + std::string(what) + " broke off: " + error.what());
  }
}

}  // namespace

std::vector<std::string> check_ledger(const LedgerReader& reader, Database& database) {
  Findings findings;
  const Snapshot snapshot(database);
  guarded("structure", findings, [&] { check_structure(database, findings); });
  guarded("references", findings, [&] { check_references(database, findings); });
  guarded("texts", findings, [&] { check_texts(database, findings); });
  guarded("prompts", findings, [&] { check_prompts(database, findings); });
  guarded("contents", findings, [&] { check_contents(reader, database, findings); });
  if (findings.size() > kFindingsMax) findings.resize(kFindingsMax);
  return findings;
}

}  // namespace storage
