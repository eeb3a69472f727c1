// The device itself: its memory and recorded work.
#include "tests/kernels/cuda_kit.h"

using namespace kernel_test;
using emulation::Order;

TEST_SUITE("kernels/cuda_device") {
  TEST_CASE("memory is the device's, aligned, and keeps what is written") {
    for_cuda_kernels([](Kernels& kernels) {
      Memory& memory = kernels.memory();
      CHECK(memory.reach() == Memory::Reach::Device);
      OnDevice device(kernels);
      // More than the staging memory of a card holds.
      const std::vector<float> values = numbers(3 << 20, 1);
      const int64_t count = int64_t(values.size()), bytes = count * 4;
      const auto written = device.put(values, {count});
      View<float, 1> copy = {reinterpret_cast<float*>(device.take(bytes)), {count}};
      CHECK(reinterpret_cast<uintptr_t>(copy.data) % Memory::kAlignment == 0);
      memory.copy(copy.data, written.data, bytes);
      CHECK(same_bits(device.get(copy), values));
      memory.give(nullptr);
    });
  }

  TEST_CASE("too much memory is refused in a sentence") {
    for_cuda_kernels([](Kernels& kernels) {
      CHECK_THROWS_AS(kernels.memory().take(int64_t(1) << 50), OutOfMemory);
      OnDevice device(kernels);  // which goes on working
      CHECK(device.get(device.put(std::vector<int>{1, 2}, {2})) == std::vector<int>{1, 2});
    });
    const auto small = emulation::kernels(Order::Ascending, 8192);
    small->memory().give(small->memory().take(8192));
    void* half = small->memory().take(4096);
    CHECK_THROWS_WITH(small->memory().take(4097),
                      "the emulated device gave no 4097 bytes: 4096 of 8192 are free");
    small->memory().give(half);
  }

  TEST_CASE("recorded work runs again on what its memory holds then") {
    for_cuda_kernels([](Kernels& kernels) {
      OnDevice device(kernels);
      const auto x = device.put(std::vector<float>{1, 2}, {1, 2});
      const auto y = device.put(std::vector<float>{10, 20}, {1, 2});
      const auto z = device.put(poisoned(2), {1, 2});
      CHECK_FALSE(kernels.replay(7));

      kernels.begin_recording(7);
      kernels.add({.x = x, .y = y});
      kernels.scale({.y = y, .factor = 2});
      kernels.memory().copy(z.data, y.data, 8);
      kernels.end_recording();
      CHECK(device.get(y) == std::vector<float>{22, 44});
      CHECK(device.get(z) == std::vector<float>{22, 44});

      const std::vector<float> next = {-22, 0};
      kernels.memory().write(x.data, next.data(), 8);
      CHECK(kernels.replay(7));
      CHECK(device.get(y) == std::vector<float>{0, 88});
      CHECK(device.get(z) == std::vector<float>{0, 88});
      CHECK_FALSE(kernels.replay(8));
    });
  }

  TEST_CASE("what an exception left unfinished is not replayed") {
    for_cuda_kernels([](Kernels& kernels) {
      OnDevice device(kernels);
      const auto x = device.put(std::vector<float>{1}, {1, 1});
      kernels.begin_recording(20);
      kernels.scale({.y = x, .factor = 3});
      CHECK_THROWS_AS(kernels.memory().write(x.data, "1234", 4), std::logic_error);
      kernels.begin_recording(21);
      kernels.scale({.y = x, .factor = 5});
      kernels.end_recording();

      CHECK(device.get(x) == std::vector<float>{5});
      CHECK_FALSE(kernels.replay(20));
    });
  }

  TEST_CASE("more recordings than are kept make room for each other") {
    for_cuda_kernels([](Kernels& kernels) {
      OnDevice device(kernels);
      const auto x = device.put(std::vector<float>{1}, {1, 1});
      for (uint64_t key = 100; key < 200; ++key) {
        kernels.begin_recording(key);
        kernels.scale({.y = x, .factor = key % 2 == 0 ? 2.f : 0.5f});
        kernels.end_recording();
      }
      CHECK(kernels.replay(198));
      CHECK(device.get(x) == std::vector<float>{2});
    });
  }

  TEST_CASE("launches that no card could run are refused") {
    for_cuda_kernels([](Kernels& kernels) {
      const int64_t dim = 1 << 17;  // of 512 KiB; shared memory has 227
      OnDevice device(kernels);
      const auto x = device.put(std::vector<float>(std::size_t(dim), 1.f), {1, dim});
      CHECK_THROWS_AS(kernels.hadamard({.x = x}), std::logic_error);
    });
  }

  TEST_CASE("a build or machine without cards says why") {
    std::string why;
    const std::vector<CudaDevice> cards = cuda_devices(&why);
    CHECK(cards.empty() == !why.empty());
    if (cards.empty()) CHECK_THROWS_AS(cuda_kernels(0), Unsupported);
    CHECK(CudaDevice{.major = 9}.supported());
    CHECK_FALSE(CudaDevice{.major = 8, .minor = 9}.supported());
  }
}
