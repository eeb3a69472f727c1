#include "training/indexer.h"

#include <doctest/doctest.h>

#include "model/network.h"
#include "tests/training/tiny_model.h"

using namespace training;

namespace {

// The indexer of one layer on one document of six tokens.
struct Bed {
  model::Config config = tiny_training::config();
  ParameterTable table{config};
  std::vector<double> arena = tiny_training::weights(table, 2);
  std::vector<int32_t> first = {0, 6};
  std::vector<double> x = tiny_training::numbers(6 * config.hidden, 3);
  std::vector<double> latent = tiny_training::numbers(6 * config.query_latent, 4);
  Arithmetic<double> arithmetic;
  RopeLayer<double> rope{config};
  IndexerLayer<double> layer{config, rope};
  IndexerLayer<double>::Work work;
  DocumentLayout layout;

  Bed() { layout.set(first, config.index_top_k); }
  IndexerLayer<double>::Input input() {
    return {.x = {x.data(), {6, config.hidden}},
            .query_latent = {latent.data(), {6, config.query_latent}},
            .layout = layout};
  }
  IndexerViews<double> weights() {
    return views_of<double>(config, table, arena).layer[0].attention.indexer;
  }
  void choose() {
    const auto w = views_of<const double>(config, table, std::span<const double>(arena));
    layer.choose(arithmetic, w.layer[0].attention.indexer, input(), work);
  }
  // The mean attention: the same for each key that a token sees.
  View<double, 1> even_mean() {
    const auto mean = work.mean.vector(layout.all_numbers());
    for (int64_t t = 0; t < 6; ++t)
      for (int64_t s = 0; s <= t; ++s) mean(layout.all().row(t) + s) = 1 / double(t + 1);
    return mean;
  }
};

}  // namespace

TEST_SUITE("training/indexer") {
  TEST_CASE("of equal scores the earliest keys are chosen") {
    Bed bed;
    for (int64_t i = 0; i < bed.weights().head_weights.size(); ++i)
      bed.weights().head_weights.data[i] = 0;

    bed.choose();

    const DocumentKeys chosen = bed.layer.chosen(bed.layout);
    CHECK(chosen.found(1) == 2);
    CHECK(chosen.found(5) == 3);
    CHECK(chosen.selected(5, 0) == 0);
    CHECK(chosen.selected(5, 2) == 2);
  }

  TEST_CASE("equal scores foretell an even attention, and recall what lies on the chosen keys") {
    Bed bed;
    for (int64_t i = 0; i < bed.weights().head_weights.size(); ++i)
      bed.weights().head_weights.data[i] = 0;
    bed.choose();
    bed.even_mean();

    const IndexerDistance distance =
        bed.layer.compare(bed.arithmetic, bed.input(), bed.layout.all(), 1, bed.work);

    CHECK(distance.divergence == doctest::Approx(0).epsilon(1e-12));
    // Tokens 0 to 2 see three keys or fewer, the others 3 of 4, of 5 and of 6.
    CHECK(distance.recall == doctest::Approx((3 + 3. / 4 + 3. / 5 + 3. / 6) / 6));
  }

  TEST_CASE("a divergence is never negative, and positive where scores differ") {
    Bed bed;
    bed.choose();
    bed.even_mean();

    CHECK(bed.layer.compare(bed.arithmetic, bed.input(), bed.layout.all(), 0, bed.work).divergence >
          1e-6);
  }

  TEST_CASE("scores that are not numbers are reported") {
    Bed bed;
    bed.weights().key_norm(0) = std::nan("");

    CHECK_THROWS_AS(bed.choose(), model::Broken);
  }
}
