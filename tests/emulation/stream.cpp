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
  run_or_record([this, shape, thread = std::move(thread)] {
    const DeviceMemory::Open open(memory_);
    for (int64_t i = 0; i < shape.blocks; ++i)
      block_.run(order_ == Order::Ascending ? i : shape.blocks - 1 - i, shape, order_, thread);
  });
}

void Stream::copy(void* to, const void* from, int64_t bytes) {
  run_or_record([=, this] { memory_.copy(to, from, bytes); });
}

void Stream::run_or_record(std::function<void()> work) {
  if (recording_ != nullptr)
    recording_->push_back(std::move(work));
  else
    work();
}

bool Stream::replay(uint64_t key) {
  const auto recorded = recorded_.find(key);
  if (recorded == recorded_.end()) return false;
  for (const std::function<void()>& work : recorded->second) work();
  return true;
}

void Stream::begin_recording(uint64_t key) {
  key_ = key;
  recording_ = std::make_unique<std::vector<std::function<void()>>>();
}

void Stream::end_recording() {
  if (recording_ == nullptr) throw std::logic_error("nothing is being recorded");
  recorded_[key_] = std::move(*recording_);
  recording_.reset();
  replay(key_);
}

}  // namespace emulation
