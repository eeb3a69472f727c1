#include "engine/network_stepper.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <optional>
#include <utility>

#include "engine/device_draws.h"

namespace engine {

namespace {

class NetworkStepper : public Stepper {
 public:
  explicit NetworkStepper(model::Network& network) : network_(network) { prepare(); }
  explicit NetworkStepper(std::unique_ptr<model::Network> network)
      : owned_(std::move(network)), network_(*owned_) {
    prepare();
  }

  Limits limits() const override {
    return {.page_bytes = network_.cache().page_bytes(),
            .rows_max = network_.rows_max(),
            .context_max = network_.context_max(),
            .vocabulary = network_.config().vocabulary,
            .experts_of_row = network_.experts_of_row()};
  }
  Memory& memory() override { return network_.memory(); }
  void forward(std::span<const model::Row> rows, View<float, 2> logits) override {
    network_.forward(rows, logits);
  }
  std::vector<DrawOutcome> draw(std::span<const model::Row> rows,
                                std::span<const ToDraw> wanted) override {
    if (!draws_) return Stepper::draw(rows, wanted);
    positions_.clear();
    for (const model::Row& row : rows)
      if (row.logits == model::Row::Logits::Yes) positions_.push_back(row.position);
    assert(positions_.size() == wanted.size());
    std::vector<DrawOutcome> outcomes;
    outcomes.reserve(wanted.size());
    network_.forward_there(rows, [&](int64_t first, View<const float, 2> logits) {
      const auto begin = std::size_t(first), count = std::size_t(logits.extent[0]);
      auto some = draws_->draw(logits, wanted.subspan(begin, count),
                               std::span<const int32_t>(positions_).subspan(begin, count));
      std::ranges::move(some, std::back_inserter(outcomes));
    });
    return outcomes;
  }
  std::span<const int32_t> experts() const override { return network_.experts(); }

 private:
  void prepare() {
    if (memory().reach() == Memory::Reach::Device)
      draws_.emplace(network_.kernels(), network_.config().vocabulary, network_.rows_max());
  }

  std::unique_ptr<model::Network> owned_;
  model::Network& network_;
  std::optional<DeviceDraws> draws_;  // where logits are out of reach
  std::vector<int32_t> positions_;    // of the rows that ask for logits
};

}  // namespace

std::unique_ptr<Stepper> stepper_of(model::Network& network) {
  return std::make_unique<NetworkStepper>(network);
}
std::unique_ptr<Stepper> stepper_of(std::unique_ptr<model::Network> network) {
  return std::make_unique<NetworkStepper>(std::move(network));
}

}  // namespace engine
