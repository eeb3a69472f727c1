#include "engine/network_stepper.h"

#include <utility>

namespace engine {

namespace {

class NetworkStepper : public Stepper {
 public:
  explicit NetworkStepper(model::Network& network) : network_(network) {}
  explicit NetworkStepper(std::unique_ptr<model::Network> network)
      : owned_(std::move(network)), network_(*owned_) {}

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
  std::span<const int32_t> experts() const override { return network_.experts(); }

 private:
  std::unique_ptr<model::Network> owned_;
  model::Network& network_;
};

}  // namespace

std::unique_ptr<Stepper> stepper_of(model::Network& network) {
  return std::make_unique<NetworkStepper>(network);
}
std::unique_ptr<Stepper> stepper_of(std::unique_ptr<model::Network> network) {
  return std::make_unique<NetworkStepper>(std::move(network));
}

}  // namespace engine
