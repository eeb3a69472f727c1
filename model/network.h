#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "kernels/kernels.h"
#include "model/cache.h"
#include "model/weights.h"

namespace model {

// One token to compute: it reads the pages of its sequence up to its position, after writing its
// own row into them.
struct Row {
  int32_t token = 0;
  int32_t position = 0;
  // The sequence's pages, at least position / kPageTokens + 1: a list in the processor's memory of
  // addresses in the device's. Rows before `position` must have been computed, in earlier steps or
  // by rows of the same step.
  unsigned char* const* pages = nullptr;
  enum class Logits { No, Yes } logits = Logits::No;
};

using ::CacheNumerics;  // how what is cached is rounded (kernels/quantise.h)

// Whether a step notes which experts its rows are sent to, for training on what was sampled.
enum class Routing { Forget, Record };

struct NetworkOptions {
  int64_t rows_max = 512;            // of one step
  int64_t context_max = 0;           // 0: the model's
  Number cache_type = Number::BF16;  // F32 for models whose matrices are F32
  CacheNumerics numerics = CacheNumerics::Plain;
  LatentFormat latents = LatentFormat::AsIs;
  Routing routing = Routing::Forget;
};

// A NaN met in choosing what to attend to, or in the logits: names layer and position.
class Broken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
Broken broken_logits(int32_t position);  // the first of them is NaN

// The forward pass. What is computed for a row depends on its token, its position and the rows that
// it sees, never on the other rows of the step: the same bits however tokens are cut into steps.
class Network {
 public:
  // A step of up to so many rows, all of which ask for logits, is recorded where the device can.
  static constexpr int64_t kRecordedRows = 256;
  // A device makes the logits of so many rows at a time.
  static constexpr int64_t kLogitsRows = 256;

  // `weights` and `kernels` outlive the network; the weights lie in the kernels' memory. Allocates
  // all that a step needs. Throws Refused if rows_max or context_max cannot be had, OutOfMemory.
  Network(const Weights& weights, Kernels& kernels, const NetworkOptions& options);
  ~Network();

  const Config& config() const;
  const CacheFormat& cache() const;
  int64_t rows_max() const;
  int64_t context_max() const;
  Memory& memory() const;  // where pages must lie
  Kernels& kernels() const;

  // One step. Rows of one sequence stand in ascending order of position. `logits` is
  // [rows that ask, vocabulary], in the order of rows, in the processor's memory. Throws Broken,
  // and whatever a device throws that can be used no more. Waits for its results, if there are any.
  // REQUIRES: 1 <= rows.size() <= rows_max(), tokens below the vocabulary, positions below
  // context_max.
  void forward(std::span<const Row> rows, View<float, 2> logits);

  // The same step on a device whose logits stay there. `take` is given those of the rows that ask,
  // from the `first` of these on, [some, vocabulary], part after part; each stands until `take`
  // returns. Nobody has looked whether they are numbers.
  // REQUIRES: memory().reach() is Device.
  using TakeLogits = std::function<void(int64_t first, View<const float, 2> logits)>;
  void forward_there(std::span<const Row> rows, const TakeLogits& take);

  // Of the last step, if routing is Record: [rows, experts_of_row()], MoE layer by MoE layer; -1 in
  // the last layer, where only rows go whose logits are asked for.
  std::span<const int32_t> experts() const;
  int64_t experts_of_row() const;  // 0: routing is forgotten

  // Sees intermediate results as they are made: name (as in Hugging Face's modules), layer (-1:
  // none), values [rows, ...]. For golden tests and debugging; nullptr: nobody watches.
  using Watcher = std::function<void(std::string_view name, int64_t layer, View<const float, 2>)>;
  void watch(Watcher watcher);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace model
