// The processor's fronts against its separate kernels.
#include "kernels/front.h"

#include "tests/kernels/filled_pages.h"
#include "tests/kernels/front_kit.h"

using namespace kernel_test;

namespace {

struct Twin {
  void operator()(const IndexKeyFront& args) const { cpu::index_key_front(args); }
  void operator()(const IndexQueryFront& args) const { cpu::index_query_front(args); }
  void operator()(const LatentFront& args) const { cpu::latent_front(args); }
};

}  // namespace

TEST_SUITE("kernels/front") {
  TEST_CASE("a front has the bits of the separate kernels, and writes their bytes and no others") {
    for_front_cases([](const FrontCase& c) {
      for (const Instructions level : levels()) {
        CAPTURE(to_text(level));
        HostKernels kernels(level, 2);
        const FrontResults separate = fronts_by(kernels, c, Separate(kernels));
        check_same(fronts_by(kernels, c, Fused(kernels)), separate);
        check_same(fronts_by(kernels, c, OneByOne(kernels)), separate);
      }
    });
  }

  TEST_CASE("the plain level's fronts are the twins") {
    for_front_cases([](const FrontCase& c) {
      HostKernels kernels(Instructions::Plain, 1);
      check_same(fronts_by(kernels, c, Fused(kernels)), fronts_by(kernels, c, Twin()));
    });
  }

  TEST_CASE("a latent row is the normed latent beside the turned key") {
    float latent[] = {3, 4, 0, 0}, key[] = {1, 2}, stored[6] = {};
    const float weight[] = {1, 1, 1, 2}, quarter[] = {0, 1};  // cos, sin
    const int32_t position = 0, slot = 1;
    std::vector<unsigned char> memory(kPageTokens * 6 * 4);
    unsigned char* const page = memory.data();
    cpu::latent_front(
        {.latent = {latent, {1, 4}},
         .key = {key, {1, 2}},
         .weight = {weight, {4}},
         .epsilon = 0,
         .turn = {.dim = 2, .position = {&position, {1}}, .table = {quarter, {1, 1, 2}}},
         .stored = {stored, {1, 6}},
         .page = {&page, {1}},
         .slot = {&slot, {1}},
         .format = {.type = Number::F32, .width = 6}});
    const std::vector<float> expected = {1.2f, 1.6f, 0, 0, -2, 1};  // the mean square is 25 / 4
    CHECK(agree(stored, expected, {.relative = 1e-7}));
    CHECK(same_bits({reinterpret_cast<const float*>(page) + 6, 6}, stored));  // slot 1
  }
}
