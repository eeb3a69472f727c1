#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernels/matrix.h"
#include "kernels/memory.h"
#include "model/cache.h"
#include "model/checkpoint.h"
#include "model/config.h"

namespace model {

using Vector = View<const float, 1>;

struct Mlp {
  Matrix gate, up;  // [inner, hidden]
  Matrix down;      // [hidden, inner]
};

struct MoeWeights {
  Matrix router;                 // [experts, hidden]
  Vector bias;                   // [experts], or no data
  std::vector<Matrix> gate, up;  // experts x [expert_inner, hidden]
  std::vector<Matrix> down;      // experts x [hidden, expert_inner]
  Mlp shared;                    // rows = 0: none
};

struct IndexerWeights {
  Matrix query;               // wq_b: [index_heads * index_dim, query_latent]
  Matrix key;                 // wk: [index_dim, hidden]
  Vector key_norm, key_bias;  // [index_dim]
  Matrix head_weights;        // weights_proj: [index_heads, hidden]
};

struct AttentionWeights {
  Matrix query_down;       // q_a_proj: [query_latent, hidden]; rows = 0: no query latent
  Vector query_norm;       // [query_latent]
  Matrix query;            // q_b_proj or q_proj: [heads * (nope + rope), query_latent or hidden]
  Matrix key_value_down;   // kv_a_proj_with_mqa: [latent + rope, hidden]
  Vector latent_norm;      // [latent]
  Matrix key_value;        // kv_b_proj: [heads * (nope + value), latent]
  Matrix output;           // o_proj: [hidden, heads * value]
  IndexerWeights indexer;  // query.rows = 0: none
};

struct LayerWeights {
  Vector attention_norm, mlp_norm;  // [hidden]
  AttentionWeights attention;
  Mlp mlp;  // of a dense layer; gate.rows = 0: a MoE layer
  MoeWeights moe;
};

// What to do with matrices on load. AsIs reads them where the file is mapped.
enum class WeightFormat { AsIs, Bfloat16, Int8 };

struct Weights {
  Config config;
  Matrix embedding;  // [vocabulary, hidden]
  Matrix head;       // [vocabulary, hidden]
  Vector norm;       // [hidden]
  std::vector<LayerWeights> layer;

  // Whom the views belong to: the mapped files, and what was converted.
  std::shared_ptr<const Checkpoint> checkpoint;
  std::vector<std::shared_ptr<const void>> converted;
};

// A tensor as the architecture wants it.
struct Wanted {
  std::string name;
  std::vector<int64_t> shape;
  enum class Use { Matrix, Norm } use = Use::Matrix;
};

// Every tensor that a model of this configuration is made of; scales and MTP layers not included.
std::vector<Wanted> wanted_tensors(const Config& config);

// What is missing, has a wrong shape or a type that cannot be used, one sentence each; empty:
// nothing. At most kFaultsMax are listed, then how many more.
inline constexpr std::size_t kFaultsMax = 20;
std::vector<std::string> weight_faults(const Config& config, const Checkpoint& checkpoint);

// Throws Refused with the first fault. Vectors become float; matrices stay where they are, or are
// converted: Int8 has a scale per output row and 128 inputs (largest magnitude / 127); embedding,
// router, head weights of the indexer and norms are never made Int8.
Weights load_weights(const Config& config, std::shared_ptr<const Checkpoint> checkpoint,
                     WeightFormat format);

// How many bytes to_device takes, and the same weights in a device's memory, in one piece. The
// processor's weights stay where they are: what is mapped is read once, from end to end. `memory`
// outlives the result; `progress` is told how many bytes of all are there. Throws OutOfMemory.
int64_t device_bytes(const Weights& weights);
using LoadProgress = std::function<void(int64_t done, int64_t all)>;
Weights to_device(const Weights& weights, Memory& memory, const LoadProgress& progress);

// A hash of config.json and of every tensor's name, type, shape and place: what the ledger calls
// the model. It does not read the weights: ledger users who change bytes in place change the model
// behind its back.
std::string model_identity(const std::filesystem::path& directory, const Checkpoint& checkpoint);

struct MemoryNeed {
  int64_t mapped_bytes = 0;     // read from the file where it lies; can be dropped and read again
  int64_t converted_bytes = 0;  // allocated
  int64_t cache_bytes_per_token = 0;
  int64_t work_bytes = 0;  // activations of a step of `rows` rows with contexts of `context`
  // What a device's memory holds beside them: logits, tables, and gaps.
  int64_t device_bytes = 0;
};
// What is wanted of a model.
struct MemoryAsked {
  WeightFormat weights = WeightFormat::AsIs;
  LatentFormat latents = LatentFormat::AsIs;
  int64_t rows = 512;   // of a step
  int64_t context = 0;  // tokens
};
MemoryNeed memory_need(const Config& config, const Checkpoint& checkpoint,
                       const MemoryAsked& asked);

int64_t parameters(const Config& config);         // of wanted_tensors
int64_t active_parameters(const Config& config);  // touched by one token, embedding rows aside

}  // namespace model
