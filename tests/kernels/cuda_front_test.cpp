// The device's fronts: bit for bit against its separate kernels, within rounding against the twins.
#include "tests/kernels/front_kit.h"

using namespace kernel_test;

namespace {

// Float sums of up to 512 squares, and turned numbers of up to 32 times a weight of up to 32.
constexpr Tolerance kSums = {.absolute = 1e-4, .relative = 4e-6};

}  // namespace

TEST_SUITE("kernels/cuda_front") {
  TEST_CASE("a front has the bits of the device's separate kernels, alone and among others") {
    for_front_cases([](const FrontCase& c) {
      for_cuda_kernels([&](Kernels& kernels) {
        const FrontResults separate = fronts_by(kernels, c, Separate(kernels));
        check_same(fronts_by(kernels, c, Fused(kernels)), separate);
        check_same(fronts_by(kernels, c, OneByOne(kernels)), separate);
      });
    });
  }

  TEST_CASE("a front agrees with its twin where nothing is rounded on the way") {
    for_front_cases([](const FrontCase& c) {
      if (c.numerics == CacheNumerics::Published) return;
      HostKernels plain(Instructions::Plain, 1);
      const FrontResults expected = fronts_by(plain, c, Fused(plain));
      for_cuda_kernels([&](Kernels& kernels) {
        const FrontResults actual = fronts_by(kernels, c, Fused(kernels));
        if (c.dim > 2) CHECK(agree(actual.key, expected.key, kSums));  // two numbers' norm is +-1
        CHECK(agree(actual.query, expected.query, kSums));
        CHECK(agree(actual.stored, expected.stored, kSums));
      });
    });
  }
}
