#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/view.h"
#include "model/config.h"

namespace training {

// One tensor that is trained, under its name in Hugging Face's files.
struct Parameter {
  std::string name;
  int64_t rows = 0;  // 1 for a vector
  int64_t cols = 0;
  bool vector = false;
  enum class Part { Main, Indexer } part = Part::Main;  // who gives it a gradient: which loss
  enum class Update {
    Muon,   // hidden matrices, each expert's by itself
    AdamW,  // embedding, head, norms, router, the indexer's head weights
    None,   // the router's correction bias: moved by the load, not by a gradient
  } update = Update::Muon;
  enum class Start { Normal, Ones, Zeros } start = Start::Normal;
  double deviation = 0;  // of Normal
  int64_t offset = 0;    // of its first number in an arena

  int64_t size() const { return rows * cols; }
};

// All parameters of a model of this configuration, in one arena of numbers each for weights,
// gradients and moments. REQUIRES: deepseek_v32 with a query latent and an indexer, a sigmoid
// router without groups, no YaRN, separate head; other configurations throw model::Refused, which
// says what cannot be trained.
class ParameterTable {
 public:
  explicit ParameterTable(const model::Config& config);

  const std::vector<Parameter>& all() const { return all_; }
  int64_t size() const { return size_; }               // numbers of an arena
  const Parameter& find(std::string_view name) const;  // throws std::out_of_range

 private:
  std::vector<Parameter> all_;
  int64_t size_ = 0;
};

// A new model: counter-based random numbers keyed by (seed, parameter's place, number's place).
std::vector<float> initial_weights(const ParameterTable& table, uint64_t seed);

// Views into an arena, by layer. T is const or not, float or double.
template <class T>
struct MlpViews {
  View<T, 2> gate, up;  // [inner, hidden]
  View<T, 2> down;      // [hidden, inner]
};

template <class T>
struct MoeViews {
  View<T, 2> router;    // [experts, hidden]
  View<T, 1> bias;      // [experts]
  View<T, 3> gate, up;  // [experts, expert_inner, hidden]: experts lie one behind the other
  View<T, 3> down;      // [experts, hidden, expert_inner]
  MlpViews<T> shared;   // of shared_experts * expert_inner
};

template <class T>
struct IndexerViews {
  View<T, 2> query;               // [index_heads * index_dim, query_latent]
  View<T, 2> key;                 // [index_dim, hidden]
  View<T, 1> key_norm, key_bias;  // [index_dim]
  View<T, 2> head_weights;        // [index_heads, hidden]
};

template <class T>
struct AttentionViews {
  View<T, 2> query_down;      // [query_latent, hidden]
  View<T, 1> query_norm;      // [query_latent]
  View<T, 2> query;           // [heads * (nope + rope), query_latent]
  View<T, 2> key_value_down;  // [latent + rope, hidden]
  View<T, 1> latent_norm;     // [latent]
  View<T, 2> key_value;       // [heads * (nope + value), latent]
  View<T, 2> output;          // [hidden, heads * value]
  IndexerViews<T> indexer;
};

template <class T>
struct LayerViews {
  View<T, 1> attention_norm, mlp_norm;  // [hidden]
  AttentionViews<T> attention;
  bool is_moe = false;
  MlpViews<T> mlp;
  MoeViews<T> moe;
};

template <class T>
struct ParameterViews {
  View<T, 2> embedding, head;  // [vocabulary, hidden]
  View<T, 1> norm;             // [hidden]
  std::vector<LayerViews<T>> layer;
};

// REQUIRES: arena.size() == table.size(), the table is of this configuration.
template <class T>
ParameterViews<T> views_of(const model::Config& config, const ParameterTable& table,
                           std::span<T> arena);

}  // namespace training
