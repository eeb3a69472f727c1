#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>

#include "bench/ceilings.h"
#include "training/attention.h"
#include "training/cross_entropy.h"
#include "training/mlp.h"
#include "training/moe.h"
#include "training/network.h"
#include "training/optimiser.h"

// Tokens a second of training's forward and backward pass, and what its parts take alone: the
// smallest configuration that is meant to be trained, on one batch of documents of equal length.
// Usage: bench_training [threads] [tokens] [document tokens] [steps]
// With `steps`, only whole steps, optimiser included: what bench/training_peer.py does in PyTorch.

namespace {

using namespace training;
using bench::Spread;

model::Config small_config() {
  model::Config c;
  c.vocabulary = 640;
  c.hidden = 192;
  c.layers = 4;
  c.positions = 4096;
  c.heads = 6;
  c.query_latent = 96;
  c.latent = 64;
  c.nope = 32;
  c.rope = 16;
  c.value = 32;
  c.dense_inner = 512;
  c.expert_inner = 128;
  c.experts = 8;
  c.shared_experts = 1;
  c.chosen_experts = 2;
  c.dense_layers = 1;
  c.router_bias = true;
  c.index_heads = 4;
  c.index_dim = 32;
  c.index_top_k = 64;
  return c;
}

Batch batch_of(int64_t tokens, int64_t document, int64_t vocabulary) {
  Batch batch;
  uint64_t state = 1;
  for (int64_t t = 0; t < tokens; ++t) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    batch.token.push_back(int32_t((state >> 33) % uint64_t(vocabulary)));
    if (t > 0) batch.target.push_back(batch.token.back());
    if ((t + 1) % document == 0 || t + 1 == tokens) batch.first.push_back(int32_t(t + 1));
  }
  batch.target.push_back(-1);
  return batch;
}

struct Bench {
  model::Config config = small_config();
  ParameterTable table{config};
  std::vector<float> weights = initial_weights(table, 1);
  std::vector<float> gradients = std::vector<float>(weights.size(), 0.f);
  Arithmetic<float>& arithmetic;
  Batch batch;

  ParameterViews<const float> weight_views() const {
    return views_of<const float>(config, table, weights);
  }
  ParameterViews<float> gradient_views() { return views_of<float>(config, table, gradients); }
  int64_t tokens() const { return batch.tokens(); }

  std::vector<float> rows(int64_t width) const {
    std::vector<float> x(std::size_t(tokens() * width));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = float(i * 7919 % 2003) / 1001.5f - 1;
    return x;
  }
};

void print(const char* what, const Spread& time, int64_t tokens) {
  std::printf("  %-34s %8.1f ms  (%.1f ... %.1f)  %9.0f tokens/s\n", what, time.median * 1e3,
              time.best * 1e3, time.worst * 1e3, double(tokens) / time.median);
  std::fflush(stdout);
}

void time_network(Bench& b, const char* what, const PassOptions& options) {
  TrainingNetwork<float> network(b.config, b.arithmetic);
  const auto weights = b.weight_views();
  const auto gradients = b.gradient_views();
  const std::vector<float> coefficient(std::size_t(b.tokens()), 1 / float(b.tokens()));
  print((std::string(what) + ", forward").c_str(),
        bench::measure([&] { network.forward(weights, b.batch, options); }), b.tokens());
  print((std::string(what) + ", both").c_str(), bench::measure([&] {
          network.forward(weights, b.batch, options);
          network.backward(coefficient, gradients);
        }),
        b.tokens());
}

void time_steps(Bench& b, const char* what, Precision precision, const PassOptions& options) {
  TrainingNetwork<float> network(b.config, b.arithmetic);
  Optimiser optimiser(b.table.all(), best_instructions(), b.arithmetic.threads(), precision);
  OptimiserState state(b.table.size());
  const std::vector<float> coefficient(std::size_t(b.tokens()), 1 / float(b.tokens()));
  print(what, bench::measure([&] {
          std::fill(b.gradients.begin(), b.gradients.end(), 0.f);
          const PassLosses losses = network.forward(b.weight_views(), b.batch, options);
          network.backward(coefficient, b.gradient_views());
          optimiser.step(state, b.weights, b.gradients, losses.expert_load, {});
        }),
        b.tokens());
}

void time_attention(Bench& b, const char* what, Attention attention, double indexer_loss) {
  const RopeLayer<float> rope(b.config);
  AttentionLayer<float> layer(b.config, rope);
  AttentionLayer<float>::Work work;
  DocumentLayout layout;
  layout.set(b.batch.first, b.config.index_top_k);
  const auto weights = b.weight_views();
  const auto gradients = b.gradient_views();
  const int64_t hidden = b.config.hidden;
  std::vector<float> x = b.rows(hidden), y = x, dx = x;
  const View<float, 2> xs{x.data(), {b.tokens(), hidden}}, ys{y.data(), {b.tokens(), hidden}},
      dxs{dx.data(), {b.tokens(), hidden}};
  print(what, bench::measure([&] {
          layer.forward(b.arithmetic, weights.layer[0].attention, xs, layout,
                        {attention, indexer_loss}, work, ys, Into::Write);
          layer.backward(b.arithmetic, weights.layer[0].attention, xs, layout, xs, work, dxs,
                         gradients.layer[0].attention);
        }),
        b.tokens());
}

void time_feed_forward(Bench& b) {
  const auto weights = b.weight_views();
  const auto gradients = b.gradient_views();
  const int64_t hidden = b.config.hidden;
  std::vector<float> x = b.rows(hidden), y = x, dx = x;
  const View<float, 2> xs{x.data(), {b.tokens(), hidden}}, ys{y.data(), {b.tokens(), hidden}},
      dxs{dx.data(), {b.tokens(), hidden}};
  RmsNormLayer<float> norm;
  print("norm", bench::measure([&] {
          norm.forward(b.arithmetic, xs, weights.norm, ys);
          norm.backward(b.arithmetic, xs, weights.norm, ys, dxs, Into::Write, gradients.norm);
        }),
        b.tokens());
  MlpLayer<float> mlp;
  print("dense layer's feed forward", bench::measure([&] {
          mlp.forward(b.arithmetic, weights.layer[0].mlp, xs, ys, Into::Write);
          mlp.backward(b.arithmetic, weights.layer[0].mlp, xs, xs, dxs, Into::Write,
                       gradients.layer[0].mlp);
        }),
        b.tokens());
  MoeLayer<float> moe(b.config);
  const MoeLayer<float>::Input input{.x = xs, .first = b.batch.first};
  print("experts", bench::measure([&] {
          moe.forward(b.arithmetic, weights.layer[1].moe, input, ys, Into::Write);
          moe.backward(b.arithmetic, weights.layer[1].moe, input, xs, 0.01, dxs, Into::Write,
                       gradients.layer[1].moe);
        }),
        b.tokens());
}

void time_head(Bench& b) {
  const auto weights = b.weight_views();
  const auto gradients = b.gradient_views();
  const int64_t hidden = b.config.hidden, vocabulary = b.config.vocabulary;
  std::vector<float> x = b.rows(hidden), dx = x, logits = b.rows(vocabulary), d_logits = logits;
  const std::vector<float> coefficient(std::size_t(b.tokens()), 1 / float(b.tokens()));
  const View<float, 2> xs{x.data(), {b.tokens(), hidden}}, dxs{dx.data(), {b.tokens(), hidden}},
      ls{logits.data(), {b.tokens(), vocabulary}}, dls{d_logits.data(), {b.tokens(), vocabulary}};
  CrossEntropyLayer<float> loss;
  print("head's products", bench::measure([&] {
          b.arithmetic.product(xs, weights.head, ls, Into::Write);
          b.arithmetic.weight_gradient(dls, xs, gradients.head);
          b.arithmetic.input_gradient(dls, weights.head, dxs, Into::Write);
        }),
        b.tokens());
  print("cross-entropy", bench::measure([&] {
          loss.forward(b.arithmetic, b.batch, ls);
          loss.backward(b.arithmetic, b.batch, ls, coefficient, dls);
        }),
        b.tokens());
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : usable_cores();
  const int64_t tokens = argc > 2 ? std::atoll(argv[2]) : 8192;
  const int64_t document = argc > 3 ? std::atoll(argv[3]) : 600;
  for (const Precision precision : {Precision::Bfloat16, Precision::Float}) {
    std::printf("%s, %d threads, %lld tokens in documents of %lld\n",
                precision == Precision::Float ? "float" : "bf16", threads,
                static_cast<long long>(tokens), static_cast<long long>(document));
    Arithmetic<float> arithmetic(best_instructions(), threads, precision);
    Bench b{.arithmetic = arithmetic,
            .batch = batch_of(tokens, document, small_config().vocabulary)};
    if (argc > 4) {
      time_steps(b, "step, dense", precision, {.attention = Attention::Dense});
      time_steps(b, "step, sparse", precision, {.attention = Attention::Sparse, .indexer_loss = 1});
      continue;
    }
    time_network(b, "dense", {.attention = Attention::Dense});
    time_network(b, "warm-up", {.attention = Attention::WarmUp, .indexer_loss = 1});
    time_network(b, "sparse", {.attention = Attention::Sparse, .indexer_loss = 1});
    std::printf("  one layer's, forward and backward:\n");
    time_attention(b, "attention, dense", Attention::Dense, 0);
    time_attention(b, "attention, warm-up", Attention::WarmUp, 1);
    time_attention(b, "attention, sparse", Attention::Sparse, 0);
    time_attention(b, "attention, sparse, indexer learns", Attention::Sparse, 1);
    time_feed_forward(b);
    time_head(b);
  }
  return 0;
}
