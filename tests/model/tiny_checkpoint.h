#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "model/weights.h"

// Small checkpoints of every family, as the hub has them, with random weights: for tests that need
// a model and not what it says.
namespace tiny {

// A directory that is there as long as the object.
class Directory {
 public:
  Directory();
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  void write(const std::string& name, std::string_view bytes) const;
  std::string read(const std::string& name) const;

 private:
  std::filesystem::path path_;
};

// Fields of config.json that differ from the family's, each with its JSON text; "" takes it out.
using Fields = std::map<std::string, std::string>;

// config.json of a model with 3 layers (1 dense), hidden size 160, 4 heads, 8 experts of which 3
// are chosen, 320 tokens and 512 positions. DeepSeek-V2 has no query latent, two shared experts and
// group_limited_greedy; V2 and V3.2 have YaRN; V3.2 and GLM have an indexer that chooses 8 tokens.
std::string config_json(model::Family family, const Fields& changes = {});

enum class Storage {
  F32,
  Bfloat16,  // with the router's bias in F32
  Float8,    // with scales in F32; embedding, head, router, weights_proj in BF16, norms in F32
};

struct Checkpoint {
  model::Family family = model::Family::DeepseekV32;
  Storage storage = Storage::Bfloat16;
  Fields config = {};
  int shards = 0;  // 0: model.safetensors; else so many files and an index
  uint64_t seed = 1;
};

// One tensor of a *.safetensors file, with what it holds.
struct Tensor {
  std::string name;
  std::string type;
  std::vector<int64_t> shape;
  std::string bytes;
};

// The tensors of a checkpoint. A tensor's numbers depend on the seed and its name alone: matrices
// are uniform with a variance of 1 / cols, norms within 0.5 and 1.5, the embedding's variance is 1.
std::vector<Tensor> tensors(const Checkpoint& checkpoint);

// A whole *.safetensors file, its data starting at a multiple of eight bytes.
std::string safetensors(const std::vector<Tensor>& tensors);

// Writes config.json and the weights into `directory`.
void write(const std::filesystem::path& directory, const Checkpoint& checkpoint);
void write(const std::filesystem::path& directory, const Checkpoint& checkpoint,
           const std::vector<Tensor>& tensors);

}  // namespace tiny
