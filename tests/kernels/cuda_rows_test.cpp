// Norms, rotations, roundings, pages and moves on the device against their twins.
#include <bit>
#include <cstring>

#include "tests/kernels/cuda_kit.h"
#include "tests/kernels/linear_kit.h"
#include "tests/kernels/odd_numbers.h"

using namespace kernel_test;

namespace {

// Float sums of a few hundred squares of which some reach 1000, and what divides by their root.
constexpr Tolerance kNorms = {.absolute = 2e-5, .relative = 4e-6};
constexpr Tolerance kTurns = {.absolute = 1e-4, .relative = 1e-6};  // products up to 32 * 32
constexpr Tolerance kSums = {.absolute = 2e-5, .relative = 1e-6};

constexpr int64_t kDims[] = {1, 31, 33, 256, 257, 1000};

// Rows of pages: tokens that alternate between two, at slots that are all different.
struct Stored {
  std::vector<unsigned char> page[2] = {};
};

template <class Store>
Stored stored(Kernels& kernels, PageFormat format, const Store& store) {
  const int64_t tokens = 101, offset = 24;
  OnDevice device(kernels);
  std::vector<unsigned char*> pages;
  std::vector<int32_t> slot;
  View<unsigned char, 1> memory[2];
  for (View<unsigned char, 1>& page : memory) {
    const int64_t bytes = offset + format.bytes() + 64;
    page = device.put(std::vector<unsigned char>(std::size_t(bytes), 0xA5), {bytes});
  }
  for (int64_t t = 0; t < tokens; ++t) {
    pages.push_back(memory[t % 2].data);
    slot.push_back(int32_t(kPageTokens - 1 - t / 2));
  }
  store(StoreRows{.x = device.put(numbers(tokens * format.width, 7), {tokens, format.width}),
                  .page = device.put(pages, {tokens}),
                  .slot = device.put(slot, {tokens}),
                  .offset = offset,
                  .format = format});
  return {{device.get(memory[0]), device.get(memory[1])}};
}

}  // namespace

TEST_SUITE("kernels/cuda_rows") {
  TEST_CASE("norms agree with their twins, and a row alone has the bits it has among others") {
    for (const int64_t dim : kDims) {
      CAPTURE(dim);
      const int64_t rows = 5;
      const std::vector<float> x = numbers(rows * dim, 1), weight = numbers(dim, 2),
                               bias = numbers(dim, 3);
      std::vector<float> rms = poisoned(rows * dim), layer = rms;
      cpu::rms_norm({.x = {x.data(), {rows, dim}},
                     .weight = {weight.data(), {dim}},
                     .y = {rms.data(), {rows, dim}}});
      cpu::layer_norm({.x = {x.data(), {rows, dim}},
                       .weight = {weight.data(), {dim}},
                       .bias = {bias.data(), {dim}},
                       .y = {layer.data(), {rows, dim}}});
      for_cuda_kernels([&](Kernels& kernels) {
        OnDevice device(kernels);
        const auto in = device.put(x, {rows, dim});
        const auto w = device.put(weight, {dim}), b = device.put(bias, {dim});
        const auto y = device.put(poisoned(rows * dim), {rows, dim});
        kernels.rms_norm({.x = in, .weight = w, .y = y});
        CHECK(agree(device.get(y), rms, kNorms));
        const std::vector<float> together = device.get(y);
        for (int64_t t = 0; t < rows; ++t)
          kernels.rms_norm({.x = in.part(t, 1), .weight = w, .y = y.part(t, 1)});
        CHECK(same_bits(device.get(y), together));

        kernels.layer_norm({.x = in, .weight = w, .bias = b, .y = y});
        if (dim > 1) CHECK(agree(device.get(y), layer, kNorms));
        kernels.rms_norm({.x = in, .weight = w, .y = in});  // in place
        CHECK(same_bits(device.get(in), together));
      });
    }
  }

  TEST_CASE("pairs turn as in the twin and the rest stays") {
    const int64_t tokens = 3, heads = 5, width = 22, positions = 9;
    const std::vector<float> before = numbers(tokens * heads * width, 4),
                             table = numbers(positions * 8 * 2, 5);
    const std::vector<int32_t> position = {8, 0, 3};
    for (const RopePairs pairs : {RopePairs::Interleaved, RopePairs::HalfSplit}) {
      Rope args;
      args.first = 5;
      args.dim = 16;
      args.pairs = pairs;
      std::vector<float> expected = before;
      Rope twin = args;
      twin.x = {expected.data(), {tokens, heads, width}};
      twin.position = {position.data(), {tokens}};
      twin.table = {table.data(), {positions, 8, 2}};
      cpu::rope(twin);
      for_cuda_kernels([&](Kernels& kernels) {
        OnDevice device(kernels);
        Rope own = args;
        own.x = device.put(before, {tokens, heads, width});
        own.position = device.put(position, {tokens});
        own.table = device.put(table, {positions, 8, 2});
        kernels.rope(own);
        CHECK(agree(device.get(own.x), expected, kTurns));
        CHECK(agree(device.get(own.x[1]),
                    std::vector<float>(expected.begin() + heads * width,
                                       expected.begin() + 2 * heads * width),
                    kTurns));
      });
    }
  }

  TEST_CASE("the transform agrees with the twin at every size") {
    for (int64_t dim = 1; dim <= 1024; dim *= 2) {
      CAPTURE(dim);
      const std::vector<float> before = numbers(3 * dim, 5);
      std::vector<float> expected = before;
      cpu::hadamard({.x = {expected.data(), {3, dim}}});
      for_cuda_kernels([&](Kernels& kernels) {
        OnDevice device(kernels);
        const auto x = device.put(before, {3, dim});
        kernels.hadamard({.x = x});
        CHECK(agree(device.get(x), expected, kSums));
      });
    }
  }

  TEST_CASE("roundings give the twins' bits") {
    for (const int64_t group : {1, 3, 32, 40, 128}) {
      CAPTURE(group);
      for (const auto scale : {SimulateFloat8::Scale::PowerOfTwo, SimulateFloat8::Scale::Exact}) {
        const std::vector<float> before = odd_numbers(group * 60, uint64_t(group));
        std::vector<float> expected = before;
        SimulateFloat8 args;
        args.group = group;
        args.scale = scale;
        args.x = {expected.data(), {6, group * 10}};
        cpu::simulate_float8(args);
        for_cuda_kernels([&](Kernels& kernels) {
          OnDevice device(kernels);
          args.x = device.put(before, {6, group * 10});
          kernels.simulate_float8(args);
          CHECK(agree(device.get(args.x), expected));
        });
      }
    }
    std::vector<float> before = odd_numbers(1001, 9);
    before[0] = std::bit_cast<float>(0x7F800001u);
    before[1] = 0x1.8p-134f;  // subnormal, and a tie
    std::vector<float> expected = before;
    cpu::round_to_bfloat16({.x = {expected.data(), {7, 143}}});
    for_cuda_kernels([&](Kernels& kernels) {
      OnDevice device(kernels);
      const auto x = device.put(before, {7, 143});
      kernels.round_to_bfloat16({.x = x});
      CHECK(same_bits(device.get(x), expected));
    });
  }

  TEST_CASE("rows are stored as the twins' bytes, and no other byte changes") {
    for (const Number type : {Number::F32, Number::BF16}) {
      for (const int64_t width : {2, 18, 128}) {
        CAPTURE(width);
        const PageFormat format = {type, width};
        HostKernels plain(Instructions::Plain, 1);
        const Stored latent = stored(plain, format, cpu::store_latent);
        const Stored key = stored(plain, format, cpu::store_index_key);
        for_cuda_kernels([&](Kernels& kernels) {
          const Stored own_latent =
              stored(kernels, format, [&](const StoreRows& args) { kernels.store_latent(args); });
          const Stored own_key = stored(
              kernels, format, [&](const StoreRows& args) { kernels.store_index_key(args); });
          for (int i = 0; i < 2; ++i) {
            CHECK(own_latent.page[i] == latent.page[i]);
            CHECK(own_key.page[i] == key.page[i]);
          }
        });
      }
    }
  }

  TEST_CASE("records are stored as the twin's bytes, and no other byte changes") {
    for (const int64_t latent : {4, 32, 132, 512}) {
      CAPTURE(latent);
      const PageFormat format = {.type = Number::FP8, .width = latent + 6, .latent = latent};
      HostKernels plain(Instructions::Plain, 1);
      const Stored expected = stored(plain, format, cpu::store_latent);
      for_cuda_kernels([&](Kernels& kernels) {
        const Stored own =
            stored(kernels, format, [&](const StoreRows& args) { kernels.store_latent(args); });
        for (int i = 0; i < 2; ++i) CHECK(own.page[i] == expected.page[i]);
      });
    }
  }

  TEST_CASE("gates, sums and rows of the table agree with the twins") {
    const int64_t rows = 7, dim = 45;
    std::vector<float> gate = numbers(rows * dim, 1), up = numbers(rows * dim, 2);
    gate[3] = -100;  // e^100 is still finite, and silu is nearly 0
    gate[4] = NAN;
    std::vector<float> gated = poisoned(rows * dim), sum = up;
    cpu::swiglu({.gate = {gate.data(), {rows, dim}},
                 .up = {up.data(), {rows, dim}},
                 .y = {gated.data(), {rows, dim}}});
    cpu::add({.x = {gate.data(), {rows, dim}}, .y = {sum.data(), {rows, dim}}});
    const std::vector<int32_t> id = {3, 0, 3, 9};
    for_cuda_kernels([&](Kernels& kernels) {
      OnDevice device(kernels);
      const auto g = device.put(gate, {rows, dim}), u = device.put(up, {rows, dim});
      const auto y = device.put(poisoned(rows * dim), {rows, dim});
      kernels.swiglu({.gate = g, .up = u, .y = y});
      CHECK(agree(device.get(y), gated, {.absolute = 1e-30, .relative = 2e-6}));
      kernels.add({.x = g, .y = u});
      CHECK(agree(device.get(u), sum));

      for (const Number type : {Number::F32, Number::BF16}) {
        std::vector<float> expected = poisoned(4 * dim);
        const Weights table(type, 10, dim, 6);
        cpu::embed(
            {.id = {id.data(), {4}}, .table = table.matrix(), .y = {expected.data(), {4, dim}}});
        const auto embedded = device.put(poisoned(4 * dim), {4, dim});
        kernels.embed(
            {.id = device.put(id, {4}), .table = device.put(table.matrix()), .y = embedded});
        CHECK(same_bits(device.get(embedded), expected));
      }
    });
  }

  TEST_CASE("columns move, and a factor of 0 writes zeros over NaN") {
    const std::vector<float> x = {1, 2, 3, 4, 5, 6}, y = {-1, -2, -3, -4, -5, -6, -7, -8};
    for_cuda_kernels([&](Kernels& kernels) {
      OnDevice device(kernels);
      const auto to = device.put(y, {2, 4});
      kernels.copy_columns({.x = device.put(x, {2, 3}), .y = to, .from = 1, .to = 2, .count = 2});
      CHECK(device.get(to) == std::vector<float>{-1, -2, 2, 3, -5, -6, 5, 6});
      kernels.scale({.y = to, .factor = 0.5f});
      CHECK(device.get(to) == std::vector<float>{-0.5, -1, 1, 1.5, -2.5, -3, 2.5, 3});
      const auto bad = device.put(std::vector<float>{NAN, INFINITY, -1}, {1, 3});
      kernels.scale({.y = bad, .factor = 0});
      CHECK(device.get(bad) == std::vector<float>{0, 0, 0});
    });
  }

  TEST_CASE("no rows are no work") {
    for_cuda_kernels([&](Kernels& kernels) {
      kernels.add({});
      kernels.swiglu({});
      kernels.rms_norm({});
      kernels.scale({});
      kernels.finish();
    });
  }
}
