#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "engine/engine.h"
#include "model/chat_format.h"
#include "model/weights.h"

namespace engine {

// The model could be used, if there were more memory: how much is needed and how much is free.
class NotEnoughMemory : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct LocalOptions {
  model::WeightFormat weights = model::WeightFormat::AsIs;
  model::CacheNumerics numerics = model::CacheNumerics::Plain;
  int threads = 0;          // 0: as many as the process may use
  int64_t context_max = 0;  // tokens of one sequence; 0: the model's, as far as the cache reaches
  int64_t cache_bytes = 0;  // 0: kCacheShare of the memory that is free
  int64_t running_max = 64;
  int64_t rows_max = 512;
};

// A model directory, loaded and running.
class LocalModel {
 public:
  // Of the memory that is free before loading, how much the cache takes if nothing else is said.
  static constexpr double kCacheShare = 0.5;
  static constexpr int64_t kCacheBytesLeast = 64 << 20;
  static constexpr int64_t kCacheBytesMost = int64_t(64) << 30;

  // `say` is told in a line what memory it takes, before anything is loaded. Throws model::Refused,
  // naming what is wrong with the directory, and NotEnoughMemory.
  static std::unique_ptr<LocalModel> load(const std::filesystem::path& directory,
                                          const LocalOptions& options,
                                          const std::function<void(const std::string&)>& say);
  ~LocalModel();

  const std::filesystem::path& directory() const;
  const model::Config& config() const;
  const model::Tokenizer& tokenizer() const;
  const model::ChatFormat& chat() const;
  Engine& engine();
  int64_t context_max() const;

  // What makes answers: the weights and how they are rounded, the arithmetic's instructions. The
  // same words, the same bits. The number of threads and the cache's size are no part of it.
  const std::string& identity() const;

 private:
  class Impl;
  explicit LocalModel(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Bytes of memory that programs may still take, from /proc/meminfo and the control group's limit;
// 0: not known.
int64_t free_memory();

}  // namespace engine
