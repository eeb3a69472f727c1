#include "training/attention.h"

#include <doctest/doctest.h>

#include "tests/training/tiny_model.h"

using namespace training;

namespace {

model::Config config_with(int32_t index_top_k) {
  model::Config config = tiny_training::config();
  config.index_top_k = index_top_k;
  return config;
}

// One layer on two documents, with all that it is given and gives.
struct Bed {
  model::Config config;
  ParameterTable table{config};
  std::vector<double> arena = tiny_training::weights(table, 2);
  std::vector<double> gradient = std::vector<double>(arena.size(), 0.0);
  std::vector<int32_t> first = {0, 12, 20};
  std::vector<double> x = tiny_training::numbers(20 * config.hidden, 3);
  std::vector<double> dy = tiny_training::numbers(20 * config.hidden, 4);
  std::vector<double> y = x, dx = x;
  Arithmetic<double> arithmetic;
  RopeLayer<double> rope{config};
  AttentionLayer<double> layer{config, rope};
  AttentionLayer<double>::Work work;
  DocumentLayout layout;
  AttentionLayer<double>::Options options;

  Bed(Attention attention, int32_t index_top_k)
      : config(config_with(index_top_k)), options{attention, 0.7} {
    layout.set(first, config.index_top_k);
  }
  View<double, 2> rows(std::vector<double>& v) { return {v.data(), {20, config.hidden}}; }
  AttentionViews<const double> weights() {
    return views_of<const double>(config, table, std::span<const double>(arena)).layer[0].attention;
  }
  IndexerDistance forward() {
    return layer.forward(arithmetic, weights(), rows(x), layout, options, work, rows(y),
                         Into::Write);
  }
  void backward() {
    layer.backward(arithmetic, weights(), rows(x), layout, rows(dy), work, rows(dx),
                   views_of<double>(config, table, gradient).layer[0].attention);
  }
  double loss(Parameter::Part part) {
    const IndexerDistance distance = forward();
    return part == Parameter::Part::Indexer ? options.indexer_loss * distance.divergence
                                            : tiny_training::dot(dy, y);
  }
};

}  // namespace

TEST_SUITE("training/attention") {
  TEST_CASE("gradients of a layer are slopes, to seven digits") {
    for (const Attention attention : {Attention::Dense, Attention::WarmUp, Attention::Sparse}) {
      Bed bed(attention, 3);
      bed.forward();
      bed.backward();
      for (const Parameter& p : bed.table.all()) {
        const bool indexer = p.part == Parameter::Part::Indexer;
        if (p.name.find("layers.0.self_attn") == std::string::npos) continue;
        if (indexer && attention == Attention::Dense) continue;
        CAPTURE(p.name);
        CAPTURE(int(attention));
        const auto direction = tiny_training::numbers(p.size(), 11 + uint64_t(p.offset));
        const std::span<double> w(bed.arena.data() + p.offset, std::size_t(p.size()));
        const std::span<const double> g(bed.gradient.data() + p.offset, std::size_t(p.size()));
        const double expected =
            tiny_training::slope(w, direction, [&] { return bed.loss(p.part); });
        CHECK(tiny_training::relative_error(tiny_training::dot(g, direction), expected) < 1e-7);
      }
      const auto direction = tiny_training::numbers(int64_t(bed.x.size()), 12);
      const double expected =
          tiny_training::slope(bed.x, direction, [&] { return bed.loss(Parameter::Part::Main); });
      CHECK(tiny_training::relative_error(tiny_training::dot(bed.dx, direction), expected) < 1e-7);
    }
  }

  TEST_CASE("choosing among no more keys than it may, sparse attention is dense attention") {
    Bed dense(Attention::Dense, 12), sparse(Attention::Sparse, 12);

    dense.forward();
    sparse.forward();
    dense.backward();
    sparse.backward();

    for (std::size_t i = 0; i < dense.y.size(); ++i) {
      CHECK(sparse.y[i] == doctest::Approx(dense.y[i]).epsilon(1e-12));
      CHECK(sparse.dx[i] == doctest::Approx(dense.dx[i]).epsilon(1e-10));
    }
  }
}
