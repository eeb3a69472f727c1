#pragma once

#include <span>
#include <vector>

#include "training/arithmetic.h"
#include "training/documents.h"
#include "training/parameters.h"

namespace training {

// What it costs a model to read only the tokens that its indexer keeps, on documents that are
// there.
struct ReadingFigures {
  int32_t kept = 0;   // tokens that each token reads at most
  double beyond = 0;  // share of the tokens that see more than these
  // Of those tokens, mean over layers: the share of the attention's mass that lies on what would be
  // kept, while everything is read. 1 if there are none.
  double recall = 1;
  double loss = 0;  // mean cross-entropy of the answers' tokens while only these are read, nats
};

// `weights` is an arena of `table`. REQUIRES: kept > 0, documents no longer than the model's
// positions. Throws model::Broken if the indexer's scores are not numbers.
ReadingFigures measure_reading(const model::Config& config, const ParameterTable& table,
                               std::span<const float> weights,
                               const std::vector<Document>& documents, int32_t kept,
                               Arithmetic<float>& arithmetic);

}  // namespace training
