#include "engine/device.h"

#include <fmt/format.h>

#include <optional>

#include "kernels/cuda/device.h"

namespace engine {
namespace {

constexpr int kCard = 0;  // of several the first is taken; CUDA_VISIBLE_DEVICES chooses it

// Why the card cannot be used; nothing: it can.
std::optional<std::string> hindrance() {
  std::string why;
  const std::vector<CudaDevice> cards = cuda_devices(&why);
  if (cards.empty()) return why;
  const CudaDevice& card = cards[kCard];
  if (card.supported()) return std::nullopt;
  return fmt::format("{} has compute capability {}.{}, and {}.0 is the least", card.name,
                     card.major, card.minor, CudaDevice::kMajorLeast);
}

Device processor(int threads, const std::string& why) {
  auto kernels =
      std::make_unique<HostKernels>(best_instructions(), threads > 0 ? threads : usable_cores());
  const std::string level(to_text(kernels->level()));
  return {.kernels = std::move(kernels),
          .words = fmt::format("device: the processor ({}){}", level, why),
          .identity = "instructions=" + level,
          .free_bytes = free_memory()};
}

Device cuda() {
  const CudaDevice card = cuda_devices(nullptr).at(kCard);
  Device device{
      .kernels = cuda_kernels(kCard),
      .words = fmt::format("device: {} (compute capability {}.{}, {:.1f} GiB of memory)", card.name,
                           card.major, card.minor, double(card.bytes) / (1 << 30)),
      .identity = fmt::format("device=cuda sm_{}{} {}", card.major, card.minor, card.name)};
  // What the kernels themselves have taken is not free any more.
  const auto cards = cuda_devices(nullptr);
  if (cards.size() > kCard) device.free_bytes = cards[kCard].bytes_free;
  return device;
}

}  // namespace

Device open_device(DeviceChoice choice, int threads) {
  if (choice == DeviceChoice::Cpu) return processor(threads, "");
  const auto why_not = hindrance();
  if (why_not && choice == DeviceChoice::Auto)
    return processor(threads, fmt::format("; no card: {}", *why_not));
  if (why_not)
    throw NoDevice(fmt::format("--device cuda: {}; --device cpu uses the processor", *why_not));
  try {
    return cuda();
  } catch (const std::runtime_error& error) {
    if (choice == DeviceChoice::Cuda)
      throw NoDevice(
          fmt::format("--device cuda: {}; --device cpu uses the processor", error.what()));
    return processor(threads, fmt::format("; the card cannot be used: {}", error.what()));
  }
}

}  // namespace engine
