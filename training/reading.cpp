#include "training/reading.h"

#include <algorithm>

#include "training/network.h"

namespace training {
namespace {

constexpr int64_t kBatchTokens = 8192;  // documents are put together up to about this many

void append(const Document& document, Batch& batch) {
  for (std::size_t i = 0; i < document.tokens.size(); ++i) {
    const bool asked = i + 1 < document.tokens.size() && document.weight[i + 1] > 0;
    batch.token.push_back(document.tokens[i]);
    batch.target.push_back(asked ? document.tokens[i + 1] : -1);
  }
  batch.first.push_back(int32_t(batch.token.size()));
}

// Sums over tokens.
struct Sums {
  double lost_mass = 0, surprise = 0;
  int64_t tokens = 0, beyond = 0, asked = 0;
};

void add_batch(TrainingNetwork<float>& network, const ParameterViews<const float>& views,
               const Batch& batch, int32_t kept, Sums& sums) {
  const PassLosses dense = network.forward(views, batch, {.attention = Attention::WarmUp});
  sums.lost_mass += (1 - dense.attention_recall) * double(batch.tokens());
  sums.tokens += batch.tokens();
  for (int64_t d = 0; d < batch.documents(); ++d)
    sums.beyond +=
        std::max<int64_t>(batch.first[std::size_t(d) + 1] - batch.first[std::size_t(d)] - kept, 0);
  network.forward(views, batch, {.attention = Attention::Sparse});
  for (std::size_t t = 0; t < batch.target.size(); ++t) {
    if (batch.target[t] < 0) continue;
    sums.surprise -= double(network.log_probability()[t]);
    ++sums.asked;
  }
}

}  // namespace

ReadingFigures measure_reading(const model::Config& config, const ParameterTable& table,
                               std::span<const float> weights,
                               const std::vector<Document>& documents, int32_t kept,
                               Arithmetic<float>& arithmetic) {
  model::Config narrowed = config;
  narrowed.index_top_k = kept;
  TrainingNetwork<float> network(narrowed, arithmetic);
  const auto views = views_of<const float>(narrowed, table, weights);
  Sums sums;
  Batch batch;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    append(documents[i], batch);
    if (batch.tokens() < kBatchTokens && i + 1 < documents.size()) continue;
    add_batch(network, views, batch, kept, sums);
    batch = {};
  }
  ReadingFigures figures{.kept = kept};
  if (sums.tokens > 0) figures.beyond = double(sums.beyond) / double(sums.tokens);
  // Tokens that see no more than `kept` lose nothing.
  if (sums.beyond > 0) figures.recall = 1 - sums.lost_mass / double(sums.beyond);
  if (sums.asked > 0) figures.loss = sums.surprise / double(sums.asked);
  return figures;
}

}  // namespace training
