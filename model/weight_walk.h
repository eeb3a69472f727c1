#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/weights.h"

namespace model {

// One tensor that a model is made of: its name in Hugging Face's files, its shape, and where it
// goes. This is the only place that knows names and shapes; listing, checking, loading and
// counting all walk it.
struct WeightPlace {
  enum class Role {
    Norm,       // a vector: norms, and the router's bias
    Matrix,     // may be stored in any type, and be made smaller on load
    Exact,      // ranks depend on small gaps: never changed on load
    Embedding,  // rows are looked up: F32 or BF16
    Expert,     // as Matrix; all of one list must have one type
  };
  std::string name;
  std::vector<int64_t> shape;
  Role role = Role::Matrix;
  Matrix* matrix = nullptr;  // of all roles but Norm
  Vector* vector = nullptr;
  std::string first_of_list = {};  // of an Expert: the name of expert 0's
};

// Shapes `weights` for `config` and visits every tensor of the main model, from the embedding on.
// Pointers stay good while `weights` stays where it is.
void walk_weights(const Config& config, Weights& weights,
                  const std::function<void(const WeightPlace&)>& visit);

// What load makes of a matrix of this safetensors type; nothing: it stays as it is stored.
std::optional<Number> loaded_type(const WeightPlace& place, std::string_view type,
                                  WeightFormat format);

}  // namespace model
