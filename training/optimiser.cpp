#include "training/optimiser.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "training/adamw.h"
#include "training/muon.h"
#include "training/squares.h"

// Which thread does a piece changes nothing in it, and sums over pieces are taken in their order.
// Tested in tests/training/optimiser_test.cpp.

namespace training {

namespace {

constexpr int64_t kRun = 1 << 14;  // numbers of a piece that can be cut anywhere

using Trained = StepRates::Trained;
using Update = Parameter::Update;

bool is_trained(const Parameter& parameter, Trained trained) {
  if (trained == Trained::All) return true;
  return (parameter.part == Parameter::Part::Indexer) == (trained == Trained::Indexer);
}

bool by_muon(const Parameter& parameter, const StepRates& rates) {
  return parameter.update == Update::Muon && rates.algorithm == StepRates::Algorithm::Table;
}

// Of Newton-Schulz, up to a factor.
int64_t work_of(const Parameter& p) {
  const int64_t low = std::min(p.rows, p.cols);
  return low * low * (2 * std::max(p.rows, p.cols) + low);
}

}  // namespace

Optimiser::Optimiser(std::span<const Parameter> parameters, Instructions level, Threads& threads,
                     Precision precision)
    : parameters_(parameters.begin(), parameters.end()),
      level_(level),
      precision_(precision),
      threads_(threads) {}

// The longest pieces first: threads then end at about the same time.
std::vector<Optimiser::Piece> Optimiser::pieces(const StepRates& rates) const {
  std::vector<Piece> matrices, runs;
  for (const Parameter& p : parameters_) {
    if (p.update == Update::None || !is_trained(p, rates.trained)) continue;
    if (by_muon(p, rates)) {
      matrices.push_back({&p, p.offset, p.size()});
      continue;
    }
    for (int64_t done = 0; done < p.size(); done += kRun)
      runs.push_back({&p, p.offset + done, std::min(kRun, p.size() - done)});
  }
  std::stable_sort(matrices.begin(), matrices.end(), [](const Piece& a, const Piece& b) {
    return work_of(*a.parameter) > work_of(*b.parameter);
  });
  matrices.insert(matrices.end(), runs.begin(), runs.end());
  return matrices;
}

double Optimiser::gradient_norm(std::span<const float> gradients, Trained trained) {
  // As if all went to AdamW: then every piece is a run.
  const std::vector<Piece> runs =
      pieces({.algorithm = StepRates::Algorithm::AdamW, .trained = trained});
  std::vector<double> sums(runs.size(), 0.0);
  threads_.run(int64_t(runs.size()), [&](int64_t task) {
    const Piece& run = runs[std::size_t(task)];
    sums[std::size_t(task)] =
        sum_of_squares(gradients.subspan(std::size_t(run.first), std::size_t(run.count)));
  });
  double sum = 0;
  for (const double part : sums) sum += part;
  return std::sqrt(sum);
}

void Optimiser::move_biases(std::span<float> weights, std::span<const int64_t> expert_load,
                            double rate) {
  std::size_t place = 0;
  for (const Parameter& p : parameters_) {
    if (p.update != Update::None) continue;
    const auto load = expert_load.subspan(place, std::size_t(p.size()));
    place += load.size();
    int64_t total = 0;
    for (const int64_t tokens : load) total += tokens;
    for (std::size_t e = 0; e < load.size(); ++e) {
      // mean - load, times the number of experts: whole numbers have an exact sign.
      const int64_t lack = total - load[e] * int64_t(load.size());
      weights[std::size_t(p.offset) + e] += float(rate * double((lack > 0) - (lack < 0)));
    }
  }
}

StepReport Optimiser::step(OptimiserState& state, std::span<float> weights,
                           std::span<const float> gradients, std::span<const int64_t> expert_load,
                           const StepRates& rates) {
  std::size_t experts = 0, size = 0;
  for (const Parameter& p : parameters_) {
    if (p.update == Update::None) experts += std::size_t(p.size());
    size = std::max(size, std::size_t(p.offset + p.size()));
  }
  if (std::min({weights.size(), gradients.size(), state.first.size(), state.second.size()}) < size)
    throw std::logic_error("an arena is smaller than the parameters that lie in it");
  if (!expert_load.empty() && expert_load.size() != experts)
    throw std::logic_error("the experts' loads are not those of this model's experts");

  StepReport report{.gradient_norm = gradient_norm(gradients, rates.trained)};
  if (!std::isfinite(report.gradient_norm)) {
    report.outcome = StepReport::Outcome::NotFinite;
    return report;
  }
  const bool clipped = rates.norm_max > 0 && report.gradient_norm > rates.norm_max;
  const double scale = clipped ? rates.norm_max / report.gradient_norm : 1;

  ++state.step;
  const MuonRates muon{.rate = rates.muon, .decay = rates.muon_decay, .gradient_scale = scale};
  const AdamWRates vector{.rate = rates.adamw, .gradient_scale = scale, .step = state.step};
  AdamWRates matrix = vector;
  matrix.decay = rates.adamw_decay;
  const std::vector<Piece> work = pieces(rates);
  threads_.run(int64_t(work.size()), [&](int64_t task) {
    const auto [p, first, count] = work[std::size_t(task)];
    const std::size_t at = std::size_t(first), numbers = std::size_t(count);
    if (by_muon(*p, rates))
      muon_step({.weight = {weights.data() + first, {p->rows, p->cols}},
                 .gradient = {gradients.data() + first, {p->rows, p->cols}},
                 .momentum = {state.first.data() + first, {p->rows, p->cols}}},
                muon, level_, precision_);
    else
      adamw_step({.weight = weights.subspan(at, numbers),
                  .gradient = gradients.subspan(at, numbers),
                  .first = std::span(state.first).subspan(at, numbers),
                  .second = std::span(state.second).subspan(at, numbers)},
                 p->vector ? vector : matrix);
  });
  if (!expert_load.empty() && rates.trained != Trained::Indexer)
    move_biases(weights, expert_load, rates.bias);
  return report;
}

}  // namespace training
