#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "kernels/memory.h"
#include "model/weights.h"

namespace engine {

// The model could be used, if there were more memory: how much is needed and how much is free.
class NotEnoughMemory : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What memory a model takes, known before anything is loaded.
struct MemoryPlan {
  // Of the processor's memory that is free before loading, and of a device's that is left beside
  // weights and work, how much the cache takes if nothing else is said.
  static constexpr double kCacheShare = 0.5;
  static constexpr double kDeviceCacheShare = 0.9;
  static constexpr int64_t kCacheBytesLeast = 64 << 20;
  static constexpr int64_t kCacheBytesMost = int64_t(64) << 30;

  struct Wishes {
    int64_t context_max = 0;  // 0: the model's, as far as the cache reaches
    int64_t cache_bytes = 0;  // 0: a share of what is free
  };
  // `need` is of `wishes.context_max` tokens, or as many as the model's context. `free_bytes`: of
  // the memory that the model will lie in; 0: not known. Throws NotEnoughMemory.
  static MemoryPlan make(const model::MemoryNeed& need, const model::Config& config,
                         const Wishes& wishes, Memory::Reach reach, int64_t free_bytes);

  std::string words() const;  // a line for a person

  model::MemoryNeed need = {};
  Memory::Reach reach = Memory::Reach::Processor;
  int64_t weight_bytes = 0;  // to be allocated
  int64_t work_bytes = 0;
  int64_t cache_bytes = 0;
  int64_t context_max = 0;
};

}  // namespace engine
