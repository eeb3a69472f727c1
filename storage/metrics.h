#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/sqlite.h"

namespace storage {

// What a training run measures, in an SQLite file of its own beside the run. The run writes, others
// may read meanwhile. Used by one thread at a time; one writer at a time.

struct MetricPoint {
  int64_t step = 0;
  int64_t tokens = 0;  // seen
  std::string name = {};
  double value = 0;  // NaN is kept (a loss that ran away): as NULL
  std::optional<std::string> text = {};
};

// One answer that was rewarded.
struct MetricRollout {
  int64_t step = 0;
  std::string role = {};
  std::string prompt_hash = {};
  std::string reward = {};  // its parts, as JSON
  int64_t prompt_tokens = 0;
  int64_t answer_tokens = 0;
  double mean_log_ratio = 0;  // of the trained policy to the one that sampled
  int64_t masked = 0;         // tokens that were left out of the loss
};

struct MetricRun {
  int64_t id = 0;
  int64_t started_at = 0;  // ms since 1970
  std::string config;
};

class Metrics {
 public:
  static constexpr int64_t kVersion = 1;
  static constexpr int64_t kRowsMax = 1 << 20;             // of one answer
  static constexpr std::size_t kTextBytesMax = 256 << 10;  // of a text that is appended

  // Write makes the file if there is none. Throws SqlError or std::runtime_error: a file of another
  // program, of a newer version, or one that SQLite cannot use.
  Metrics(const std::filesystem::path& file, Database::Access access);

  int64_t begin_run(int64_t started_at_ms, std::string_view config);

  // All of them or none. Throws std::length_error if a text is longer than kTextBytesMax.
  void append(int64_t run, std::span<const MetricPoint> points);
  void append(int64_t run, std::span<const MetricRollout> rollouts);

  // Forgets what lies after `step`: a run that goes on from a saved state measures it again.
  void forget_after(int64_t run, int64_t step);

  // In the order of steps, and of appending within one; at most kRowsMax, the first ones.
  std::vector<MetricPoint> series(int64_t run, std::string_view name);
  std::vector<MetricRollout> rollouts(int64_t run, int64_t first_step, int64_t last_step);
  std::vector<std::string> names(int64_t run);  // in the order of the alphabet
  std::vector<MetricRun> runs();                // the oldest first

 private:
  Database database_;
};

}  // namespace storage
