#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/sampling.h"
#include "model/network.h"

namespace engine {

// The forward pass as the scheduler sees it: model::Network (network_stepper.h), or a test's
// stand-in that is quick and notices a wrong page.
class Stepper {
 public:
  virtual ~Stepper() = default;

  struct Limits {
    int64_t page_bytes = 0;
    int64_t rows_max = 0;  // of one step
    int64_t context_max = 0;
    int64_t vocabulary = 0;
    int64_t experts_of_row = 0;  // 0: nobody notes them
  };
  virtual Limits limits() const = 0;

  virtual Memory& memory() = 0;  // where pages must lie

  // One step, under the terms of model::Network::forward. Throws model::Broken, which says nothing
  // of other rows; after anything else it can be used no more.
  virtual void forward(std::span<const model::Row> rows, View<float, 2> logits) = 0;

  // One step, and what is wanted of each row that asks for logits, in the order of rows. This one
  // draws on the processor; where logits lie out of its reach, they need not come to it.
  virtual std::vector<DrawOutcome> draw(std::span<const model::Row> rows,
                                        std::span<const ToDraw> wanted);

  // Of the last step, as model::Network::experts.
  virtual std::span<const int32_t> experts() const { return {}; }

 private:
  std::vector<float> logits_;  // kept between steps for their memory
};

}  // namespace engine
