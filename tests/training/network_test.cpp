#include "training/network.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "model/network.h"
#include "tests/training/tiny_model.h"

using namespace training;
using tiny_training::Model;
using tiny_training::Pass;

namespace {

constexpr PassOptions kDense{.attention = Attention::Dense, .indexer_loss = 0, .balance_loss = 0.3};
constexpr PassOptions kWarmUp{
    .attention = Attention::WarmUp, .indexer_loss = 0.7, .balance_loss = 0.3};
constexpr PassOptions kSparse{
    .attention = Attention::Sparse, .indexer_loss = 0.7, .balance_loss = 0.3};
constexpr PassOptions kAll[] = {kDense, kWarmUp, kSparse};

std::vector<double> coefficients(const Batch& batch) {
  return tiny_training::numbers(batch.tokens(), 5);
}

// What backward is the gradient of, for parameters that only one of the two losses reaches.
double loss_of(Model<double>& model, const Batch& batch, const PassOptions& options,
               Parameter::Part part) {
  const PassLosses losses = model.network.forward(model.views(), batch, options);
  if (part == Parameter::Part::Indexer) return options.indexer_loss * losses.indexer;
  double sum = options.balance_loss * losses.balance;
  const std::vector<double> c = coefficients(batch);
  for (std::size_t t = 0; t < c.size(); ++t) sum -= c[t] * model.network.log_probability()[t];
  return sum;
}

double cosine(const std::vector<float>& a, const std::vector<double>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += double(a[i]) * b[i];
    aa += double(a[i]) * double(a[i]);
    bb += b[i] * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

// The same weights as the engine reads them.
Matrix matrix(View<const float, 2> w) {
  return {.type = Number::F32, .rows = w.extent[0], .cols = w.extent[1], .data = w.data};
}
model::Mlp mlp(const MlpViews<const float>& w) {
  return {matrix(w.gate), matrix(w.up), matrix(w.down)};
}
model::AttentionWeights attention(const AttentionViews<const float>& w) {
  const auto& i = w.indexer;
  return {
      .query_down = matrix(w.query_down),
      .query_norm = w.query_norm,
      .query = matrix(w.query),
      .key_value_down = matrix(w.key_value_down),
      .latent_norm = w.latent_norm,
      .key_value = matrix(w.key_value),
      .output = matrix(w.output),
      .indexer = {matrix(i.query), matrix(i.key), i.key_norm, i.key_bias, matrix(i.head_weights)}};
}
model::Weights engine_weights(const model::Config& config, const ParameterViews<const float>& v) {
  model::Weights weights{.config = config,
                         .embedding = matrix(v.embedding),
                         .head = matrix(v.head),
                         .norm = v.norm,
                         .layer = {},
                         .checkpoint = {},
                         .converted = {}};
  for (const LayerViews<const float>& l : v.layer) {
    model::LayerWeights layer{.attention_norm = l.attention_norm,
                              .mlp_norm = l.mlp_norm,
                              .attention = attention(l.attention),
                              .mlp = {},
                              .moe = {}};
    if (!l.is_moe) {
      layer.mlp = mlp(l.mlp);
    } else {
      layer.moe.router = matrix(l.moe.router);
      layer.moe.bias = l.moe.bias;
      layer.moe.shared = mlp(l.moe.shared);
      for (int64_t e = 0; e < config.experts; ++e) {
        layer.moe.gate.push_back(matrix(l.moe.gate[e]));
        layer.moe.up.push_back(matrix(l.moe.up[e]));
        layer.moe.down.push_back(matrix(l.moe.down[e]));
      }
    }
    weights.layer.push_back(layer);
  }
  return weights;
}

// Logits of one document from the engine, with an F32 cache.
std::vector<float> engine_logits(Model<float>& model, const std::vector<int32_t>& tokens) {
  const model::Weights weights = engine_weights(model.config, model.views());
  model::Network network(weights, model.arithmetic.kernels(),
                         {.rows_max = int64_t(tokens.size()), .cache_type = Number::F32});
  const int64_t pages = int64_t(tokens.size()) / kPageTokens + 1;
  std::vector<std::vector<unsigned char>> memory(
      std::size_t(pages), std::vector<unsigned char>(std::size_t(network.cache().page_bytes())));
  std::vector<unsigned char*> page;
  for (auto& p : memory) page.push_back(p.data());
  std::vector<model::Row> rows;
  for (std::size_t i = 0; i < tokens.size(); ++i)
    rows.push_back({.token = tokens[i],
                    .position = int32_t(i),
                    .pages = page.data(),
                    .logits = model::Row::Logits::Yes});
  std::vector<float> logits(tokens.size() * std::size_t(model.config.vocabulary));
  network.forward(rows, {logits.data(), {int64_t(rows.size()), model.config.vocabulary}});
  return logits;
}

double worst_relative(const std::vector<float>& a, const std::vector<float>& b) {
  double worst = 0, most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, double(std::abs(a[i] - b[i])));
    most = std::max(most, double(std::abs(b[i])));
  }
  return worst / most;
}

}  // namespace

TEST_SUITE("training/network") {
  TEST_CASE("gradients are the slopes of the loss, for every parameter") {
    Arithmetic<double> arithmetic;
    Model<double> model(tiny_training::config(), arithmetic);
    Batch batch = tiny_training::batch({12, 7}, model.config.vocabulary, 3);
    for (const PassOptions& options : kAll) {
      batch.experts.clear();
      const Pass<double> pass = model.run(batch, options, coefficients(batch));
      batch.experts = pass.experts;  // what is chosen is a constant
      for (const Parameter& p : model.table.all()) {
        CAPTURE(p.name);
        CAPTURE(int(options.attention));
        const auto direction = tiny_training::numbers(p.size(), 11 + uint64_t(p.offset));
        const std::span<double> x(model.arena.data() + p.offset, std::size_t(p.size()));
        const std::span<const double> g(pass.gradient.data() + p.offset, std::size_t(p.size()));
        if (p.update == Parameter::Update::None ||
            (p.part == Parameter::Part::Indexer && options.attention == Attention::Dense)) {
          CHECK(std::ranges::all_of(g, [](double v) { return v == 0; }));
          continue;
        }
        const double expected = tiny_training::slope(
            x, direction, [&] { return loss_of(model, batch, options, p.part); });
        CHECK(std::abs(expected) > 1e-9);
        CHECK(tiny_training::relative_error(tiny_training::dot(g, direction), expected) < 1e-5);
      }
    }
  }

  TEST_CASE("the indexer's loss changes no bit of the other parameters' gradient") {
    Arithmetic<float> arithmetic(best_instructions(), 2, Precision::Float);
    Model<float> model(tiny_training::config(), arithmetic);
    const Batch batch = tiny_training::batch({12, 7}, model.config.vocabulary, 3);
    for (PassOptions options : {kWarmUp, kSparse}) {
      const Pass<float> with = model.run(batch, options, coefficients(batch));
      options.indexer_loss = 0;
      const Pass<float> without = model.run(batch, options, coefficients(batch));

      for (const Parameter& p : model.table.all()) {
        CAPTURE(p.name);
        const auto* a = with.gradient.data() + p.offset;
        const auto* b = without.gradient.data() + p.offset;
        if (p.part == Parameter::Part::Main) {
          CHECK(std::equal(a, a + p.size(), b));
        } else {
          CHECK(std::all_of(b, b + p.size(), [](float v) { return v == 0; }));
          CHECK(std::any_of(a, a + p.size(), [](float v) { return v != 0; }));
        }
      }
      CHECK(with.losses.indexer > 0);
      CHECK(with.losses.attention_recall > 0.3);
    }
  }

  TEST_CASE("documents of one batch do not see each other") {
    Arithmetic<float> arithmetic(best_instructions(), 2, Precision::Float);
    Model<float> model(tiny_training::config(), arithmetic);
    const Batch both = tiny_training::batch({12, 7}, model.config.vocabulary, 3);
    Batch second;
    second.token.assign(both.token.begin() + 12, both.token.end());
    second.target.assign(both.target.begin() + 12, both.target.end());
    second.first = {0, 7};
    for (const PassOptions& options : kAll) {
      const Pass<float> together = model.run(both, options, coefficients(both));
      const Pass<float> alone = model.run(second, options, coefficients(second));

      const std::vector<float> part(together.logits.begin() + 12 * model.config.vocabulary,
                                    together.logits.end());
      CHECK(part == alone.logits);
    }
  }

  TEST_CASE("float and double find the same gradient, whatever the number of threads") {
    Arithmetic<double> exact;
    Arithmetic<float> one(best_instructions(), 1, Precision::Float);
    Arithmetic<float> three(best_instructions(), 3, Precision::Float);
    Arithmetic<float> plain(Instructions::Plain, 1, Precision::Float);
    model::Config config = tiny_training::config();
    config.index_top_k = 9;
    Model<double> judge(config, exact);
    Model<float> first(config, one), second(config, three), third(config, plain);
    const Batch batch = tiny_training::batch({50, 1, 33}, config.vocabulary, 3);
    for (const PassOptions& options : kAll) {
      const Pass<double> expected = judge.run(batch, options, coefficients(batch));
      const Pass<float> a = first.run(batch, options, coefficients(batch));
      const Pass<float> b = second.run(batch, options, coefficients(batch));
      const Pass<float> c = third.run(batch, options, coefficients(batch));

      CHECK(cosine(a.gradient, expected.gradient) > 0.9999);
      CHECK(cosine(c.gradient, expected.gradient) > 0.9999);
      CHECK(a.gradient == b.gradient);
      CHECK(a.logits == b.logits);
      CHECK(a.losses.indexer == doctest::Approx(expected.losses.indexer).epsilon(1e-4));
      CHECK(a.losses.attention_recall ==
            doctest::Approx(expected.losses.attention_recall).epsilon(1e-4));
      CHECK(a.losses.expert_load == expected.losses.expert_load);
    }
  }

  TEST_CASE("the engine gives the logits that were trained, at every position") {
    Arithmetic<float> arithmetic(best_instructions(), 2, Precision::Float);
    for (const int32_t top_k : {64, 5}) {
      model::Config config = tiny_training::config();
      config.index_top_k = top_k;
      Model<float> model(config, arithmetic);
      const Batch batch = tiny_training::batch({60}, config.vocabulary, 7);

      const Pass<float> pass = model.run(batch, kSparse, coefficients(batch));

      CHECK(worst_relative(pass.logits, engine_logits(model, batch.token)) < 1e-4);
    }
  }

  TEST_CASE("dense attention is what the engine does up to the indexer's limit") {
    Arithmetic<float> arithmetic(best_instructions(), 1, Precision::Float);
    model::Config config = tiny_training::config();
    config.index_top_k = 64;
    Model<float> model(config, arithmetic);
    const Batch batch = tiny_training::batch({60}, config.vocabulary, 7);

    const Pass<float> pass = model.run(batch, kDense, coefficients(batch));

    CHECK(worst_relative(pass.logits, engine_logits(model, batch.token)) < 1e-4);
  }

  TEST_CASE("a batch that does not fit is refused") {
    Arithmetic<float> arithmetic(best_instructions(), 1, Precision::Float);
    Model<float> model(tiny_training::config(), arithmetic);
    const auto run = [&](const Batch& batch) {
      model.network.forward(model.views(), batch, kSparse);
    };
    const int64_t vocabulary = model.config.vocabulary;

    CHECK_NOTHROW(run(tiny_training::batch({64}, vocabulary, 1)));
    CHECK_THROWS_AS(run(tiny_training::batch({65}, vocabulary, 1)), std::length_error);
    Batch outside = tiny_training::batch({3}, vocabulary, 1);
    outside.token[1] = int32_t(vocabulary);
    CHECK_THROWS_AS(run(outside), std::length_error);
    Batch torn = tiny_training::batch({3}, vocabulary, 1);
    torn.first.back() = 2;
    CHECK_THROWS_AS(run(torn), std::length_error);
    Batch recorded = tiny_training::batch({3}, vocabulary, 1);
    recorded.experts = {0, 1};
    CHECK_THROWS_AS(run(recorded), std::length_error);
  }
}
