#pragma once

#include <cmath>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "training/network.h"

// A model so small that its gradients can be found by trying.
namespace tiny_training {

inline model::Config config() {
  model::Config c;
  c.vocabulary = 23;
  c.hidden = 16;
  c.layers = 2;
  c.positions = 64;
  c.heads = 2;
  c.query_latent = 8;
  c.latent = 8;
  c.nope = 6;
  c.rope = 4;
  c.value = 6;
  c.dense_inner = 24;
  c.expert_inner = 8;
  c.experts = 4;
  c.shared_experts = 1;
  c.chosen_experts = 2;
  c.dense_layers = 1;
  c.router_bias = true;
  c.router_scale = 1.5f;
  c.index_heads = 2;
  c.index_dim = 8;
  c.index_top_k = 3;
  return c;
}

// Numbers between -1 and 1 that depend on seed and count alone.
inline std::vector<double> numbers(int64_t count, uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::vector<double> x(std::size_t(count), 0.0);
  for (double& v : x) v = double(engine() >> 11) / double(1ull << 52) - 1;
  return x;
}

// Large enough that attention, routing and the indexer have something to decide.
inline std::vector<double> weights(const training::ParameterTable& table, uint64_t seed) {
  std::vector<double> arena = numbers(table.size(), seed);
  for (const training::Parameter& p : table.all())
    for (int64_t i = 0; i < p.size(); ++i) {
      double& x = arena[std::size_t(p.offset + i)];
      if (p.start == training::Parameter::Start::Ones) x = 1 + x / 4;
      if (p.start == training::Parameter::Start::Zeros) x /= 8;
      if (p.start == training::Parameter::Start::Normal && !p.vector)
        x *= 1.7 * std::sqrt(3 / double(p.cols));
    }
  return arena;
}

template <class T>
std::vector<T> as(const std::vector<double>& x) {
  return std::vector<T>(x.begin(), x.end());
}

// Documents of these lengths; one token in five is not asked for.
inline training::Batch batch(const std::vector<int32_t>& lengths, int64_t vocabulary,
                             uint64_t seed) {
  std::mt19937_64 engine(seed);
  training::Batch b;
  for (const int32_t length : lengths) {
    for (int32_t i = 0; i < length; ++i) {
      b.token.push_back(int32_t(engine() % uint64_t(vocabulary)));
      b.target.push_back(engine() % 5 == 0 ? -1 : int32_t(engine() % uint64_t(vocabulary)));
    }
    b.first.push_back(int32_t(b.token.size()));
  }
  return b;
}

// The change of f along `direction` at x, by central differences.
inline double slope(std::span<double> x, std::span<const double> direction,
                    const std::function<double()>& f) {
  constexpr double kStep = 1e-5;
  const std::vector<double> before(x.begin(), x.end());
  const auto at = [&](double step) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = before[i] + step * direction[i];
    return f();
  };
  const double up = at(kStep), down = at(-kStep);
  std::copy(before.begin(), before.end(), x.begin());
  return (up - down) / (2 * kStep);
}

inline double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

inline double relative_error(double found, double expected) {
  return std::abs(found - expected) / std::max({std::abs(found), std::abs(expected), 1e-3});
}

// One pass and its gradient.
template <class T>
struct Pass {
  training::PassLosses losses;
  std::vector<T> logits, log_probability, gradient;
  std::vector<int32_t> experts;
};

template <class T>
struct Model {
  model::Config config;
  training::ParameterTable table;
  std::vector<T> arena;
  training::Arithmetic<T>& arithmetic;
  training::TrainingNetwork<T> network;

  Model(const model::Config& c, training::Arithmetic<T>& a, uint64_t seed = 1)
      : config(c), table(c), arena(as<T>(weights(table, seed))), arithmetic(a), network(c, a) {}

  training::ParameterViews<const T> views() {
    return training::views_of<const T>(config, table, std::span<const T>(arena));
  }

  Pass<T> run(const training::Batch& batch, const training::PassOptions& options,
              const std::vector<double>& coefficient) {
    Pass<T> pass;
    pass.losses = network.forward(views(), batch, options);
    const auto logits = network.logits();
    pass.logits.assign(logits.data, logits.data + logits.size());
    pass.log_probability.assign(network.log_probability().begin(), network.log_probability().end());
    pass.experts.assign(network.experts().begin(), network.experts().end());
    pass.gradient.assign(arena.size(), T(0));
    network.backward(as<T>(coefficient), training::views_of<T>(config, table, pass.gradient));
    return pass;
  }
};

}  // namespace tiny_training
