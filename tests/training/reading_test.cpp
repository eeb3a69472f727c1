#include "training/reading.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/training/tiny_model.h"

using namespace training;

namespace {

// All of a document's tokens from its third on are asked for.
std::vector<Document> documents(const std::vector<int32_t>& lengths, int64_t vocabulary) {
  const Batch drawn = tiny_training::batch(lengths, vocabulary, 5);
  std::vector<Document> made;
  for (std::size_t d = 0; d < lengths.size(); ++d) {
    Document document;
    document.tokens.assign(drawn.token.begin() + drawn.first[d],
                           drawn.token.begin() + drawn.first[d + 1]);
    document.weight.assign(document.tokens.size(), 1.0F);
    document.weight[0] = document.weight[1] = 0;
    made.push_back(std::move(document));
  }
  return made;
}

struct Subject {
  model::Config config = tiny_training::config();
  ParameterTable table{config};
  std::vector<float> weights = tiny_training::as<float>(tiny_training::weights(table, 3));
  Arithmetic<float> arithmetic{Instructions::Plain, 1, Precision::Float};

  ReadingFigures measure(const std::vector<Document>& read, int32_t kept) {
    return measure_reading(config, table, weights, read, kept, arithmetic);
  }
};

}  // namespace

TEST_SUITE("training/reading") {
  TEST_CASE("who may read everything loses nothing, and answers as dense attention does") {
    Subject subject;
    const auto read = documents({12, 7, 20}, subject.config.vocabulary);
    const ReadingFigures all = subject.measure(read, 20);
    CHECK(all.beyond == 0);
    CHECK(all.recall == 1);

    Batch batch;
    for (const Document& document : read) {
      for (std::size_t i = 0; i < document.tokens.size(); ++i) {
        batch.token.push_back(document.tokens[i]);
        const bool asked = i + 1 < document.tokens.size() && i > 0;
        batch.target.push_back(asked ? document.tokens[i + 1] : -1);
      }
      batch.first.push_back(int32_t(batch.token.size()));
    }
    TrainingNetwork<float> network(subject.config, subject.arithmetic);
    network.forward(views_of<const float>(subject.config, subject.table, subject.weights), batch,
                    {.attention = Attention::Dense});
    double surprise = 0;
    for (const float log_probability : network.log_probability()) surprise -= log_probability;
    CHECK(all.loss == doctest::Approx(surprise / (10 + 5 + 18)).epsilon(1e-5));
  }

  TEST_CASE("tokens that see more than is kept are counted, and lose some of the mass") {
    Subject subject;
    const auto read = documents({12, 3, 20}, subject.config.vocabulary);
    const ReadingFigures some = subject.measure(read, 5);
    CHECK(some.kept == 5);
    CHECK(some.beyond == doctest::Approx((7.0 + 15.0) / 35));
    CHECK(some.recall > 5.0 / 20);
    CHECK(some.recall < 1);
    CHECK(subject.measure(read, 10).recall > some.recall);
    CHECK(some.loss != subject.measure(read, 20).loss);
  }

  TEST_CASE("how documents are put together changes nothing") {
    Subject subject;
    const auto read = documents(std::vector<int32_t>(300, 40), subject.config.vocabulary);
    const ReadingFigures whole = subject.measure(read, 8);  // more than one batch
    double recall = 0, loss = 0;
    for (int part = 0; part < 3; ++part) {
      const std::vector<Document> third(read.begin() + part * 100, read.begin() + part * 100 + 100);
      recall += subject.measure(third, 8).recall / 3;
      loss += subject.measure(third, 8).loss / 3;
    }
    CHECK(whole.recall == doctest::Approx(recall).epsilon(1e-6));
    CHECK(whole.loss == doctest::Approx(loss).epsilon(1e-6));
  }

  TEST_CASE("of no documents nothing is said") {
    Subject subject;
    const ReadingFigures none = subject.measure({}, 4);
    CHECK(none.beyond == 0);
    CHECK(none.recall == 1);
    CHECK(none.loss == 0);
  }
}
