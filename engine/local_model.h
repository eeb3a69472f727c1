#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "engine/device.h"
#include "engine/engine.h"
#include "engine/memory_plan.h"
#include "model/chat_format.h"
#include "model/weights.h"

namespace engine {

struct LocalOptions {
  model::WeightFormat weights = model::WeightFormat::AsIs;
  model::CacheNumerics numerics = model::CacheNumerics::Plain;
  model::LatentFormat latents = model::LatentFormat::AsIs;
  DeviceChoice device = DeviceChoice::Cpu;
  int threads = 0;          // of the processor; 0: as many as the process may use
  int64_t context_max = 0;  // tokens of one sequence; 0: the model's, as far as the cache reaches
  int64_t cache_bytes = 0;  // 0: a share of the memory that is free
  int64_t running_max = 64;
  int64_t rows_max = 512;
  // Tokens that each token attends to, in place of the model's index_topk; more than its positions:
  // all. 0: the model's own.
  int32_t index_top_k = 0;
};

// A model directory, loaded and running.
class LocalModel {
 public:
  // `say` is told in a line each what it runs on and what memory it takes, before anything is
  // loaded, and how far loading onto a device has come. Throws model::Refused, naming what is wrong
  // with the directory, NoDevice, NotEnoughMemory and OutOfMemory.
  using Say = std::function<void(const std::string&)>;
  static std::unique_ptr<LocalModel> load(const std::filesystem::path& directory,
                                          const LocalOptions& options, const Say& say);
  // On this device, whatever the options say.
  static std::unique_ptr<LocalModel> load_on(Device device, const std::filesystem::path& directory,
                                             const LocalOptions& options, const Say& say);
  ~LocalModel();

  const std::filesystem::path& directory() const;
  const model::Config& config() const;
  const model::Tokenizer& tokenizer() const;
  const model::ChatFormat& chat() const;
  Engine& engine();
  int64_t context_max() const;

  // What makes answers: the weights and how they are rounded, the arithmetic's device. The same
  // words, the same bits. The number of threads and the cache's size are no part of it.
  const std::string& identity() const;

 private:
  class Impl;
  explicit LocalModel(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace engine
