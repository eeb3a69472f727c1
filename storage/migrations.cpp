#include "storage/migrations.h"

#include <map>
#include <string>
#include <utility>

#include "storage/ledger.h"

namespace storage {

namespace {

// What each table and column means stands in storage/schema.md.
constexpr const char* kTables = R"sql(
CREATE TABLE text (
  id INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL UNIQUE,
  bytes BLOB NOT NULL
) STRICT;

CREATE TABLE run (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  subject_sha256 TEXT NOT NULL,
  meaning TEXT NOT NULL,
  settings TEXT NOT NULL,
  model TEXT NOT NULL,
  program TEXT NOT NULL,
  secret BLOB NOT NULL,
  seed INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  state TEXT NOT NULL,
  state_reason TEXT NOT NULL,
  forked_from INTEGER REFERENCES run(id)
) STRICT;

CREATE TABLE problem (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run(id),
  sha256 TEXT NOT NULL,
  statement_id INTEGER NOT NULL REFERENCES text(id),
  reference_id INTEGER REFERENCES text(id),
  rubric_id INTEGER REFERENCES text(id),
  UNIQUE (run_id, sha256)
) STRICT;

CREATE TABLE input (
  run_id INTEGER NOT NULL REFERENCES run(id),
  ordinal INTEGER NOT NULL,
  name TEXT NOT NULL,
  problem_id INTEGER NOT NULL REFERENCES problem(id),
  source TEXT NOT NULL,
  metadata TEXT NOT NULL,
  PRIMARY KEY (run_id, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE prompt (
  id INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL UNIQUE,
  template_name TEXT NOT NULL,
  template_id INTEGER NOT NULL REFERENCES text(id),
  parts TEXT NOT NULL
) STRICT;

CREATE TABLE content (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run(id),
  key TEXT NOT NULL,
  problem_id INTEGER NOT NULL REFERENCES problem(id),
  text_id INTEGER NOT NULL REFERENCES text(id),
  UNIQUE (run_id, key)
) STRICT;

CREATE TABLE call (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run(id),
  key TEXT NOT NULL,
  role TEXT NOT NULL,
  problem_id INTEGER NOT NULL REFERENCES problem(id),
  content_id INTEGER REFERENCES content(id),
  number INTEGER NOT NULL,
  ask INTEGER NOT NULL,
  prompt_id INTEGER NOT NULL REFERENCES prompt(id),
  sampling TEXT NOT NULL,
  seed INTEGER NOT NULL,
  model TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('intended', 'answered', 'failed', 'cancelled')),
  intended_at INTEGER NOT NULL,
  intents INTEGER NOT NULL DEFAULT 1,
  finish_reason TEXT,
  text_id INTEGER REFERENCES text(id),
  reasoning_id INTEGER REFERENCES text(id),
  error TEXT,
  endpoint TEXT,
  sent_at INTEGER,
  done_at INTEGER,
  recorded_at INTEGER,
  tokens_prompt INTEGER,
  tokens_cached INTEGER,
  tokens_output INTEGER,
  tokens_reasoning INTEGER,
  tokens_estimated INTEGER CHECK (tokens_estimated IN (0, 1)),
  cost REAL,
  content_sha256 TEXT,
  UNIQUE (run_id, key),
  CHECK ((state = 'intended') = (content_sha256 IS NULL))
) STRICT;

CREATE TABLE attempt (
  call_id INTEGER NOT NULL REFERENCES call(id),
  ordinal INTEGER NOT NULL,
  endpoint TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  http_status INTEGER NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (call_id, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE proof (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run(id),
  key TEXT NOT NULL,
  content_id INTEGER NOT NULL REFERENCES content(id),
  round INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  self_score TEXT,
  self_evaluation_id INTEGER REFERENCES text(id),
  call_id INTEGER REFERENCES call(id),
  flags TEXT NOT NULL,
  content_sha256 TEXT NOT NULL,
  UNIQUE (run_id, key)
) STRICT;
CREATE INDEX proof_by_content ON proof (content_id);

CREATE TABLE proof_parent (
  proof_id INTEGER NOT NULL REFERENCES proof(id),
  ordinal INTEGER NOT NULL,
  parent_id INTEGER NOT NULL REFERENCES proof(id),
  PRIMARY KEY (proof_id, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE vote (
  call_id INTEGER PRIMARY KEY REFERENCES call(id),
  content_id INTEGER NOT NULL REFERENCES content(id),
  number INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  score TEXT,
  note TEXT NOT NULL,
  echo INTEGER NOT NULL CHECK (echo IN (0, 1))
) STRICT;
CREATE INDEX vote_by_content ON vote (content_id, number);

CREATE TABLE issue (
  vote_id INTEGER NOT NULL REFERENCES vote(call_id),
  ordinal INTEGER NOT NULL,
  severity TEXT NOT NULL,
  quote TEXT NOT NULL,
  reason TEXT NOT NULL,
  quote_begin INTEGER,
  quote_end INTEGER,
  PRIMARY KEY (vote_id, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE meta_vote (
  call_id INTEGER PRIMARY KEY REFERENCES call(id),
  vote_id INTEGER NOT NULL REFERENCES vote(call_id),
  number INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  score TEXT,
  verdict TEXT,
  real TEXT NOT NULL,
  consistent INTEGER CHECK (consistent IN (0, 1)),
  note TEXT NOT NULL
) STRICT;
CREATE INDEX meta_vote_by_vote ON meta_vote (vote_id, number);

CREATE TABLE decision (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run(id),
  problem_id INTEGER NOT NULL REFERENCES problem(id),
  content_id INTEGER REFERENCES content(id),
  rule TEXT NOT NULL,
  rule_version INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  numbers TEXT NOT NULL,
  made_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX decision_key ON decision (run_id, problem_id, ifnull(content_id, 0), rule);

CREATE TABLE annotation (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run(id),
  problem_id INTEGER NOT NULL REFERENCES problem(id),
  content_id INTEGER REFERENCES content(id),
  author TEXT NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  written_at INTEGER NOT NULL
) STRICT;
CREATE INDEX annotation_by_run ON annotation (run_id);
)sql";

// Views for people with `sqlite3`; the program itself does not read them.
constexpr const char* kViews = R"sql(
CREATE VIEW run_summary AS
SELECT run.id AS run, run.kind, run.state, run.state_reason, run.model,
       datetime(run.created_at / 1000, 'unixepoch') AS created,
       (SELECT count(*) FROM input WHERE input.run_id = run.id) AS problems,
       (SELECT count(*) FROM proof WHERE proof.run_id = run.id) AS proofs,
       count(call.id) AS calls,
       coalesce(sum(call.state = 'intended'), 0) AS open,
       coalesce(sum(call.state = 'answered'), 0) AS answered,
       coalesce(sum(call.state = 'failed'), 0) AS failed,
       coalesce(sum(call.tokens_output), 0) AS tokens_output,
       coalesce(sum(call.cost), 0.0) AS cost
FROM run LEFT JOIN call ON call.run_id = run.id
GROUP BY run.id;

CREATE VIEW problem_text AS
SELECT input.run_id AS run, input.ordinal, input.name, problem.sha256,
       CAST(statement.bytes AS TEXT) AS statement,
       CAST(reference.bytes AS TEXT) AS reference,
       CAST(rubric.bytes AS TEXT) AS rubric,
       input.source, input.metadata
FROM input
JOIN problem ON problem.id = input.problem_id
JOIN text AS statement ON statement.id = problem.statement_id
LEFT JOIN text AS reference ON reference.id = problem.reference_id
LEFT JOIN text AS rubric ON rubric.id = problem.rubric_id;

CREATE VIEW proof_text AS
SELECT proof.run_id AS run, proof.key, content.key AS content, problem.sha256 AS problem_sha256,
       proof.round, proof.slot, proof.self_score, proof.flags, call.key AS call_key,
       CAST(body.bytes AS TEXT) AS text,
       CAST(evaluation.bytes AS TEXT) AS self_evaluation
FROM proof
JOIN content ON content.id = proof.content_id
JOIN problem ON problem.id = content.problem_id
JOIN text AS body ON body.id = content.text_id
LEFT JOIN text AS evaluation ON evaluation.id = proof.self_evaluation_id
LEFT JOIN call ON call.id = proof.call_id;

CREATE VIEW call_text AS
SELECT call.run_id AS run, call.key, call.role, call.state, call.ask, call.seed,
       prompt.template_name AS template, prompt.sha256 AS prompt_sha256,
       call.finish_reason, call.error, call.endpoint,
       call.tokens_prompt, call.tokens_output, call.cost,
       call.done_at - call.sent_at AS milliseconds,
       (SELECT count(*) FROM attempt WHERE attempt.call_id = call.id) AS attempts,
       CAST(answer.bytes AS TEXT) AS answer,
       CAST(reasoning.bytes AS TEXT) AS reasoning
FROM call
JOIN prompt ON prompt.id = call.prompt_id
LEFT JOIN text AS answer ON answer.id = call.text_id
LEFT JOIN text AS reasoning ON reasoning.id = call.reasoning_id;

CREATE VIEW vote_text AS
SELECT call.run_id AS run, content.key AS content, vote.number, call.key AS call_key,
       vote.outcome, vote.score, vote.echo, vote.note,
       (SELECT count(*) FROM issue WHERE issue.vote_id = vote.call_id) AS issues,
       (SELECT count(*) FROM meta_vote WHERE meta_vote.vote_id = vote.call_id) AS meta_votes,
       (SELECT count(*) FROM meta_vote
        WHERE meta_vote.vote_id = vote.call_id AND verdict = 'upheld') AS upheld,
       (SELECT count(*) FROM meta_vote
        WHERE meta_vote.vote_id = vote.call_id AND verdict = 'struck') AS struck
FROM vote
JOIN call ON call.id = vote.call_id
JOIN content ON content.id = vote.content_id;

CREATE VIEW vote_summary AS
SELECT content.run_id AS run, content.key AS content, problem.sha256 AS problem_sha256,
       (SELECT count(*) FROM proof WHERE proof.content_id = content.id) AS proofs,
       count(vote.call_id) AS votes,
       coalesce(sum(vote.outcome = 'parsed'), 0) AS parsed,
       coalesce(sum(vote.outcome = 'unparsed'), 0) AS unparsed,
       coalesce(sum(vote.outcome = 'failed'), 0) AS failed,
       coalesce(sum(vote.score = '1'), 0) AS score_1,
       coalesce(sum(vote.score = '0.5'), 0) AS score_half,
       coalesce(sum(vote.score = '0'), 0) AS score_0,
       coalesce(sum(vote.echo), 0) AS echoes
FROM content JOIN problem ON problem.id = content.problem_id
LEFT JOIN vote ON vote.content_id = content.id
GROUP BY content.id;
)sql";

constexpr const char* kMigrations[] = {kTables, kViews};

int64_t number(Database& database, const char* sql) {
  Statement statement(database, sql);
  const int64_t value = statement.step() ? statement.integer(0) : 0;
  return value;
}

using Schema = std::map<std::pair<std::string, std::string>, std::string>;  // type, name -> SQL

Schema schema_of(Database& database) {
  Schema schema;
  Statement statement(database, "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL");
  while (statement.step()) schema[{statement.text(0), statement.text(1)}] = statement.text(2);
  return schema;
}

}  // namespace

std::span<const char* const> migrations() { return kMigrations; }

int64_t ledger_version(Database& database, const std::filesystem::path& file, int64_t versions) {
  const int64_t application = number(database, "PRAGMA application_id");
  const int64_t version = number(database, "PRAGMA user_version");
  const bool empty = number(database, "SELECT count(*) FROM sqlite_schema") == 0;
  if (application == 0 && version == 0 && empty) return 0;
  if (application != kApplicationId)
    throw std::runtime_error(file.string() +
                             " is an SQLite database of another program, not a ledger "
                             "(application_id " +
                             std::to_string(application) + "): name another file");
  if (version > versions)
    throw LedgerTooNew(file.string() + " has ledger version " + std::to_string(version) +
                       ", and this program knows versions up to " + std::to_string(versions) +
                       ": use the newer program that wrote it");
  if (version < 1)
    throw std::runtime_error(file.string() + " has ledger version " + std::to_string(version) +
                             ", which does not exist: it is damaged, restore a backup");
  return version;
}

void migrate(Database& database, const std::filesystem::path& file,
             std::span<const char* const> all) {
  int64_t version = ledger_version(database, file, int64_t(all.size()));
  for (; version < int64_t(all.size()); ++version) {
    Transaction transaction(database);
    database.execute("PRAGMA application_id = " + std::to_string(kApplicationId));
    database.execute(all[std::size_t(version)]);
    database.execute("PRAGMA user_version = " + std::to_string(version + 1));
    transaction.commit();
  }
}

void check_schema(Database& database, const std::filesystem::path& file) {
  Database fresh;
  migrate(fresh, "in memory", migrations());
  const Schema found = schema_of(database);
  for (const auto& [object, sql] : schema_of(fresh)) {
    const auto match = found.find(object);
    if (match == found.end() || match->second != sql)
      throw std::runtime_error(file.string() + " is no sound ledger: its " + object.first + " '" +
                               object.second + "' is missing or altered: restore a backup");
  }
  for (const auto& [object, sql] : found)
    if (object.first == "trigger")
      throw std::runtime_error(file.string() + " is no sound ledger: it has a trigger '" +
                               object.second + "', and ledgers have none: do not use it");
}

}  // namespace storage
