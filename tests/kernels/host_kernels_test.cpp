#include <cmath>

#include "tests/kernels/agree.h"
#include "tests/kernels/levels.h"

using namespace kernel_test;

TEST_SUITE("kernels/host_kernels") {
  TEST_CASE("the plain level runs the twins") {
    HostKernels plain(Instructions::Plain, 2);
    CHECK(plain.level() == Instructions::Plain);
    std::vector<float> gate = numbers(100, 51), up = numbers(100, 52);
    std::vector<float> y = poisoned(100), expected = poisoned(100);

    cpu::swiglu(
        {.gate = view(gate, {1, 100}), .up = view(up, {1, 100}), .y = view(expected, {1, 100})});
    plain.swiglu({.gate = view(gate, {1, 100}), .up = view(up, {1, 100}), .y = view(y, {1, 100})});

    CHECK(same_bits(y, expected));
  }

  TEST_CASE("a fast level runs its own version, which rounds otherwise") {
    for_fast_kernels([](HostKernels& kernels) {
      std::vector<float> gate = numbers(1000, 51), up = numbers(1000, 52);
      std::vector<float> y = poisoned(1000), twin = poisoned(1000);
      cpu::swiglu(
          {.gate = view(gate, {1, 1000}), .up = view(up, {1, 1000}), .y = view(twin, {1, 1000})});
      kernels.swiglu(
          {.gate = view(gate, {1, 1000}), .up = view(up, {1, 1000}), .y = view(y, {1, 1000})});
      CHECK_FALSE(same_bits(y, twin));
    });
  }

  TEST_CASE("what has no fast version works at every level") {
    for_fast_kernels([](HostKernels& kernels) {
      std::vector<float> table = {1, 2, 3, 4}, y = poisoned(2);
      std::vector<int32_t> id = {1}, first = {-77, -77, -77}, token = {-77}, slot = {-77};

      kernels.embed({.id = view(id, {1}),
                     .table = {.type = Number::F32, .rows = 2, .cols = 2, .data = table.data()},
                     .y = view(y, {1, 2})});
      kernels.group_pairs({.expert = view(id, {1, 1}),
                           .first = view(first, {3}),
                           .token = view(token, {1}),
                           .slot = view(slot, {1, 1})});

      CHECK(y == std::vector<float>{3, 4});
      CHECK(first == std::vector<int32_t>{0, 0, 1});
    });
  }

  TEST_CASE("a factor of 0 writes zeros over anything") {
    std::vector<float> y = {1, -2, INFINITY, NAN};

    HostKernels(Instructions::Plain, 1).scale({.y = view(y, {2, 2}), .factor = 0});

    CHECK(y == std::vector<float>{0, 0, 0, 0});
  }

  TEST_CASE("memory is aligned, and refused in a sentence") {
    HostKernels kernels(Instructions::Plain, 1);
    Memory& memory = kernels.memory();
    void* some = memory.take(1);
    CHECK(reinterpret_cast<uintptr_t>(some) % Memory::kAlignment == 0);
    memory.give(some);
    memory.give(nullptr);
    CHECK_THROWS_WITH_AS(memory.take(int64_t(1) << 60),
                         "the system gave no 1152921504606846976 bytes of memory", OutOfMemory);
  }
}
