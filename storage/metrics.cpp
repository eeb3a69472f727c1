#include "storage/metrics.h"

#include <cmath>
#include <limits>
#include <stdexcept>

namespace storage {

namespace {

constexpr int64_t kApplicationId = 0x454C4D54;  // "ELMT"

constexpr const char* kTables = R"sql(
CREATE TABLE run (
  id INTEGER PRIMARY KEY,
  started_at INTEGER NOT NULL,
  config TEXT NOT NULL
) STRICT;

CREATE TABLE point (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES run(id),
  step INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  name TEXT NOT NULL,
  value REAL,
  text TEXT
) STRICT;
CREATE INDEX point_by_name ON point (run, name, step);

CREATE TABLE rollout (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES run(id),
  step INTEGER NOT NULL,
  role TEXT NOT NULL,
  prompt_hash TEXT NOT NULL,
  reward TEXT NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  answer_tokens INTEGER NOT NULL,
  mean_log_ratio REAL,
  masked INTEGER NOT NULL
) STRICT;
CREATE INDEX rollout_by_step ON rollout (run, step);
)sql";

int64_t number(Database& database, const char* sql) {
  Statement statement(database, sql);
  return statement.step() ? statement.integer(0) : 0;
}

// 0: an empty file.
int64_t version_of(Database& database, const std::filesystem::path& file) {
  const int64_t application = number(database, "PRAGMA application_id");
  const int64_t version = number(database, "PRAGMA user_version");
  if (application == 0 && version == 0 &&
      number(database, "SELECT count(*) FROM sqlite_schema") == 0)
    return 0;
  if (application != kApplicationId)
    throw std::runtime_error(file.string() +
                             " is an SQLite database of another program, not the metrics of a "
                             "training run: name another file");
  if (version > Metrics::kVersion)
    throw std::runtime_error(file.string() + " has metrics version " + std::to_string(version) +
                             ", and this program knows versions up to " +
                             std::to_string(Metrics::kVersion) +
                             ": use the newer program that wrote it");
  if (version < 1)
    throw std::runtime_error(file.string() + " has metrics version " + std::to_string(version) +
                             ", which does not exist: it is damaged, move it away");
  return version;
}

// SQLite has no NaN: it would make it NULL by itself, which shows nowhere in the code.
void bind_number(Statement& statement, int place, double value) {
  if (std::isnan(value))
    statement.bind_null(place);
  else
    statement.bind(place, value);
}

double number_at(const Statement& statement, int column) {
  return statement.is_null(column) ? std::numeric_limits<double>::quiet_NaN()
                                   : statement.real(column);
}

const std::string& short_enough(const std::string& text) {
  if (text.size() > Metrics::kTextBytesMax)
    throw std::length_error("a text of " + std::to_string(text.size()) +
                            " bytes is too long for the metrics; at most " +
                            std::to_string(Metrics::kTextBytesMax) + " can be kept");
  return text;
}

}  // namespace

Metrics::Metrics(const std::filesystem::path& file, Database::Access access)
    : database_(file, access) {
  const int64_t version = version_of(database_, file);
  if (access == Database::Access::Read) {
    if (version == 0)
      throw std::runtime_error(file.string() + " holds no metrics yet: wait for the run to write");
    return;
  }
  // NORMAL syncs at checkpoints alone: a power failure may lose the last points, never the file's
  // order, and a killed program loses nothing. Training goes on from a saved state anyway and then
  // measures again what came after it, so a sync for each append would buy nothing.
  database_.execute("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 1000;");
  if (version == 0) {
    Transaction transaction(database_);
    database_.execute(kTables);
    database_.execute("PRAGMA application_id = " + std::to_string(kApplicationId));
    database_.execute("PRAGMA user_version = " + std::to_string(kVersion));
    transaction.commit();
  }
}

int64_t Metrics::begin_run(int64_t started_at_ms, std::string_view config) {
  Statement insert(database_, "INSERT INTO run (started_at, config) VALUES (?, ?)");
  insert.bind(1, started_at_ms).bind(2, config).run();
  return database_.last_insert_id();
}

void Metrics::append(int64_t run, std::span<const MetricPoint> points) {
  Transaction transaction(database_);
  Statement insert(database_,
                   "INSERT INTO point (run, step, tokens, name, value, text)"
                   " VALUES (?, ?, ?, ?, ?, ?)");
  for (const MetricPoint& point : points) {
    insert.bind(1, run).bind(2, point.step).bind(3, point.tokens);
    insert.bind(4, short_enough(point.name));
    bind_number(insert, 5, point.value);
    if (point.text) insert.bind(6, short_enough(*point.text));
    insert.run();
  }
  transaction.commit();
}

void Metrics::append(int64_t run, std::span<const MetricRollout> rollouts) {
  Transaction transaction(database_);
  Statement insert(database_,
                   "INSERT INTO rollout (run, step, role, prompt_hash, reward, prompt_tokens,"
                   " answer_tokens, mean_log_ratio, masked) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  for (const MetricRollout& rollout : rollouts) {
    insert.bind(1, run).bind(2, rollout.step);
    insert.bind(3, short_enough(rollout.role)).bind(4, short_enough(rollout.prompt_hash));
    insert.bind(5, short_enough(rollout.reward));
    insert.bind(6, rollout.prompt_tokens).bind(7, rollout.answer_tokens);
    bind_number(insert, 8, rollout.mean_log_ratio);
    insert.bind(9, rollout.masked).run();
  }
  transaction.commit();
}

void Metrics::forget_after(int64_t run, int64_t step) {
  Transaction transaction(database_);
  Statement(database_, "DELETE FROM point WHERE run = ? AND step > ?")
      .bind(1, run)
      .bind(2, step)
      .run();
  Statement(database_, "DELETE FROM rollout WHERE run = ? AND step > ?")
      .bind(1, run)
      .bind(2, step)
      .run();
  transaction.commit();
}

std::vector<MetricPoint> Metrics::series(int64_t run, std::string_view name) {
  Statement read(database_,
                 "SELECT step, tokens, value, text FROM point WHERE run = ? AND name = ?"
                 " ORDER BY step, id LIMIT ?");
  read.bind(1, run).bind(2, name).bind(3, kRowsMax);
  std::vector<MetricPoint> points;
  while (read.step())
    points.push_back({.step = read.integer(0),
                      .tokens = read.integer(1),
                      .name = std::string(name),
                      .value = number_at(read, 2),
                      .text = read.optional_text(3)});
  return points;
}

std::vector<MetricRollout> Metrics::rollouts(int64_t run, int64_t first_step, int64_t last_step) {
  Statement read(database_,
                 "SELECT step, role, prompt_hash, reward, prompt_tokens, answer_tokens,"
                 " mean_log_ratio, masked FROM rollout WHERE run = ? AND step BETWEEN ? AND ?"
                 " ORDER BY step, id LIMIT ?");
  read.bind(1, run).bind(2, first_step).bind(3, last_step).bind(4, kRowsMax);
  std::vector<MetricRollout> rollouts;
  while (read.step())
    rollouts.push_back({.step = read.integer(0),
                        .role = read.text(1),
                        .prompt_hash = read.text(2),
                        .reward = read.text(3),
                        .prompt_tokens = read.integer(4),
                        .answer_tokens = read.integer(5),
                        .mean_log_ratio = number_at(read, 6),
                        .masked = read.integer(7)});
  return rollouts;
}

std::vector<std::string> Metrics::names(int64_t run) {
  Statement read(database_, "SELECT DISTINCT name FROM point WHERE run = ? ORDER BY name LIMIT ?");
  read.bind(1, run).bind(2, kRowsMax);
  std::vector<std::string> names;
  while (read.step()) names.push_back(read.text(0));
  return names;
}

std::vector<MetricRun> Metrics::runs() {
  Statement read(database_, "SELECT id, started_at, config FROM run ORDER BY id LIMIT ?");
  read.bind(1, kRowsMax);
  std::vector<MetricRun> runs;
  while (read.step())
    runs.push_back({.id = read.integer(0), .started_at = read.integer(1), .config = read.text(2)});
  return runs;
}

}  // namespace storage
