#pragma once

#include <span>
#include <vector>

#include "engine/sampling.h"
#include "model/work.h"

namespace engine {

// Draws on a device from logits that lie there, and reads what was drawn: some 20 bytes a row.
// Where a kept set is wanted and not everything was kept, a bit for each token comes too. A row
// with a list of allowed tokens (a grammar's) is read and drawn from on the processor.
class DeviceDraws {
 public:
  // Rows of logits at a time: as many as a network makes.
  static int64_t rows_of(int64_t rows_max);
  // What it takes of the device's memory.
  static int64_t bytes(int64_t vocabulary, int64_t rows_max);

  // `kernels` outlive it. Throws OutOfMemory.
  DeviceDraws(Kernels& kernels, int64_t vocabulary, int64_t rows_max);

  // `logits` [rows, vocabulary] lie on the device, `positions` say which rows these are. Waits.
  // Throws model::Broken if the first logit of a row is NaN, as model::Network does where logits
  // are read. REQUIRES: a wish and a position for each row of logits, at most rows_of(rows_max).
  std::vector<DrawOutcome> draw(View<const float, 2> logits, std::span<const ToDraw> wanted,
                                std::span<const int32_t> positions);

 private:
  void start(View<const float, 2> logits, std::span<const ToDraw> wanted);
  void read_kept(std::span<const ToDraw> wanted);
  DrawOutcome told(std::size_t row, const ToDraw& wanted) const;
  DrawOutcome drawn_here(View<const float, 1> logits, const ToDraw& wanted, int32_t position);
  bool reads_kept(std::size_t row, const ToDraw& wanted) const;

  Kernels& kernels_;
  const int64_t vocabulary_;
  model::Buffer<DrawRule> rule_on_device_;
  model::Buffer<DrawnRow> drawn_on_device_;
  model::Buffer<uint32_t> kept_on_device_;

  // Kept between calls for their memory.
  std::vector<DrawRule> rule_;
  std::vector<DrawnRow> drawn_;
  std::vector<uint32_t> kept_;
  std::vector<float> logits_;
};

}  // namespace engine
