#include "tests/emulation/stream.h"

#include <stdexcept>

#include "tests/emulation/device.h"

namespace emulation {

void launch(Stream& stream, const cuda::Shape& shape, std::function<void()> thread) {
  stream.launch(shape, std::move(thread));
}

void Stream::launch(const cuda::Shape& shape, std::function<void()> thread) {
  if (shape.blocks == 0) return;
  if (shape.blocks < 0 || shape.threads < 1 || shape.threads > cuda::kThreadsMost ||
      shape.threads % cuda::kWarp != 0 || shape.shared_bytes > cuda::kSharedBytesMost)
    throw std::logic_error("no device runs a launch of this shape");
  if (recording_ != nullptr)
    recording_->push_back({shape, std::move(thread)});
  else
    run({shape, std::move(thread)});
}

void Stream::run(const Work& work) {
  const DeviceMemory::Open open(memory_);
  for (int64_t i = 0; i < work.shape.blocks; ++i)
    block_.run(order_ == Order::Ascending ? i : work.shape.blocks - 1 - i, work.shape, order_,
               work.thread);
}

bool Stream::replay(uint64_t key) {
  const auto recorded = recorded_.find(key);
  if (recorded == recorded_.end()) return false;
  for (const Work& work : recorded->second) run(work);
  return true;
}

void Stream::begin_recording(uint64_t key) {
  key_ = key;
  recording_ = std::make_unique<std::vector<Work>>();
}

void Stream::end_recording() {
  if (recording_ == nullptr) throw std::logic_error("nothing is being recorded");
  recorded_[key_] = std::move(*recording_);
  recording_.reset();
  replay(key_);
}

}  // namespace emulation
