// Latent records: their bytes, how near they are to what was stored, and attention over them.
#include "kernels/pages.h"

#include "tests/kernels/attention_case.h"
#include "tests/kernels/levels.h"
#include "tests/kernels/odd_numbers.h"

using namespace kernel_test;

namespace {

constexpr PageFormat record_of(int64_t latent, int64_t rope) {
  return {.type = Number::FP8, .width = latent + rope, .latent = latent};
}

template <class T>
T at(const unsigned char* bytes, int64_t i) {
  T value{};
  std::memcpy(&value, bytes + i * int64_t(sizeof value), sizeof value);
  return value;
}

// What a record holds, from the text of kernels/pages.h: e4m3 taken apart by hand.
std::vector<float> read_back(const PageFormat& format, const unsigned char* record) {
  std::vector<float> x;
  const int64_t tiles = (format.latent + 127) / 128;
  for (int64_t d = 0; d < format.latent; ++d) {
    const int bits = record[d], exponent = bits >> 3 & 15, mantissa = bits & 7;
    const double size =
        exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 7 - 3);
    const double scale = double(at<float>(record + format.latent, d / 128));
    x.push_back(bits % 128 == 127 ? NAN : float((bits >= 128 ? -size : size) * scale));
  }
  for (int64_t d = format.latent; d < format.width; ++d)
    x.push_back(to_float(at<Bfloat16>(record + format.latent + 4 * tiles, d - format.latent)));
  return x;
}

// Rows of `x` as records in one page, by the given kernels. What is not written holds `poison`.
std::vector<unsigned char> stored(HostKernels& kernels, const PageFormat& format,
                                  const std::vector<float>& x, unsigned char poison = 0xA5) {
  const int64_t tokens = int64_t(x.size()) / format.width;
  std::vector<unsigned char> page(std::size_t(format.bytes()), poison);
  std::vector<unsigned char*> pages(std::size_t(tokens), page.data());
  std::vector<int32_t> slots;
  for (int64_t t = 0; t < tokens; ++t) slots.push_back(int32_t(t));
  kernels.store_latent({.x = {x.data(), {tokens, format.width}},
                        .page = {pages.data(), {tokens}},
                        .slot = {slots.data(), {tokens}},
                        .format = format});
  return page;
}

std::vector<float> stored_and_read(const PageFormat& format, const std::vector<float>& x) {
  HostKernels plain(Instructions::Plain, 1);
  std::vector<float> all;
  for (auto from = x.begin(); from != x.end(); from += format.width) {
    const auto record = stored(plain, format, {from, from + format.width});
    const auto row = read_back(format, record.data());
    all.insert(all.end(), row.begin(), row.end());
  }
  return all;
}

const PageFormat kFormats[] = {record_of(512, 64), record_of(32, 8), record_of(132, 2),
                               record_of(128, 10), record_of(4, 2),  record_of(300, 18)};

}  // namespace

TEST_SUITE("kernels/records") {
  TEST_CASE("512 + 64 numbers take 656 bytes, every one of them written") {
    const PageFormat format = record_of(512, 64);
    CHECK(format.row_bytes() == 656);
    CHECK(format.bytes() == 64 * 656);
    HostKernels plain(Instructions::Plain, 1);
    const auto x = numbers(576, 1);
    const auto one = stored(plain, format, x, 0xA5), other = stored(plain, format, x, 0x5A);
    for (std::size_t i = 0; i < one.size(); ++i) CHECK((one[i] == other[i]) == (i < 656));
  }

  TEST_CASE("a tile's scale is its largest magnitude over 448, raised to a power of two") {
    std::vector<float> x(132 + 2, 0.f);
    x[5] = -449;   // above 448: 2
    x[3] = 3;      // 3 / 2
    x[130] = 7;    // 1 / 64: a tile of four numbers
    x[132] = 1.5;  // the key stands by itself
    HostKernels plain(Instructions::Plain, 1);
    const auto record = stored(plain, record_of(132, 2), x);
    CHECK(at<float>(record.data() + 132, 0) == 2);
    CHECK(at<float>(record.data() + 132, 1) == 0x1p-6f);
    CHECK(record[3] == 0x3C);           // 1.5 = 2^0 * (1 + 4 / 8)
    CHECK(record[5] == (0x80 | 0x76));  // 224.5 to 224 = 2^7 * (1 + 6 / 8)
    CHECK(record[130] == 0x7E);         // 448
    CHECK(at<Bfloat16>(record.data() + 140, 0).bits == 0x3FC0);
    const auto back = stored_and_read(record_of(132, 2), x);
    CHECK(back[3] == 3);
    CHECK(back[5] == -448);
    CHECK(back[130] == 7);
    CHECK(back[132] == 1.5);
  }

  TEST_CASE(
      "what is read is within e4m3's error of what was stored, outliers in their tile alone") {
    for (const PageFormat& format : kFormats) {
      CAPTURE(format.width);
      std::vector<float> x = numbers(64 * format.width, 3);
      for (int64_t t = 0; t < 64; t += 7) x[std::size_t(t * format.width)] = 30000;
      const auto back = stored_and_read(format, x);
      for (std::size_t i = 0; i < x.size(); ++i) {
        const int64_t d = int64_t(i) % format.width, tile = d / 128;
        if (d >= format.latent) {
          CHECK(back[i] == to_float(to_bfloat16(x[i])));
          continue;
        }
        float most = 0;
        for (int64_t c = tile * 128; c < std::min(format.latent, tile * 128 + 128); ++c)
          most = std::max(most, std::fabs(x[i + std::size_t(c - d)]));
        // Half a unit of three bits, or of the least numbers, whose scale is below most / 224.
        const double allowed = std::max(std::fabs(double(x[i])) / 16, double(most) / 224 / 1024);
        CHECK(std::fabs(double(back[i]) - double(x[i])) <= allowed);
      }
    }
  }

  TEST_CASE("zeros stay zeros, and a NaN spoils itself alone, an infinity its tile") {
    const PageFormat format = record_of(256, 2);
    std::vector<float> x(258, 0.f);
    CHECK(stored_and_read(format, x) == x);
    x[0] = 5;
    x[1] = NAN;
    x[128] = INFINITY;
    const auto back = stored_and_read(format, x);
    CHECK(back[0] == 5);
    CHECK(std::isnan(back[1]));
    CHECK(back[127] == 0);
    for (int d = 128; d < 256; ++d) CHECK(std::isnan(back[std::size_t(d)]));
    CHECK(back[256] == 0);
  }

  TEST_CASE("what is read equals what the published rounding leaves, and is stored as itself") {
    const PageFormat format = record_of(512, 64);
    std::vector<float> x = numbers(int64_t(40) * 576, 5), latents;
    for (int64_t i = 0; i < 128; ++i) x[std::size_t(i)] *= 1e-7f;  // below the least amax
    for (int64_t i = 0; i < 128; ++i) x[std::size_t(600 + i)] *= 1e9f;
    for (int64_t t = 0; t < 40; ++t)
      latents.insert(latents.end(), x.begin() + t * 576, x.begin() + t * 576 + 512);
    cpu::simulate_float8({.x = {latents.data(), {40, 512}}, .group = 128});
    std::vector<float> rounded = x;
    for (int64_t t = 0; t < 40; ++t) {
      std::copy_n(latents.begin() + t * 512, 512, rounded.begin() + t * 576);
      for (int64_t d = 512; d < 576; ++d) {
        float& key = rounded[std::size_t(t * 576 + d)];
        key = to_float(to_bfloat16(key));
      }
    }
    const auto back = stored_and_read(format, x);
    CHECK(same_bits(back, rounded));
    CHECK(same_bits(stored_and_read(format, back), back));
    for (const float number : back) CHECK(number == to_float(to_bfloat16(number)));
  }

  TEST_CASE("the fast versions write the twin's bytes and no others") {
    for (const PageFormat& format : kFormats) {
      CAPTURE(format.width);
      std::vector<float> x = numbers(50 * format.width, 7);
      const auto odd = odd_numbers(10 * format.width, 8);
      x.insert(x.end(), odd.begin(), odd.end());
      HostKernels plain(Instructions::Plain, 1);
      const auto expected = stored(plain, format, x);
      for_fast_kernels(
          [&](HostKernels& kernels) { CHECK(stored(kernels, format, x) == expected); });
    }
  }

  TEST_CASE("attention over records has the bits of attention over the rows that they stand for") {
    constexpr AttentionShape shapes[] = {{4, 40, 32, 5, 3},       {3, 134, 132, 257, 257},
                                         {9, 318, 300, 600, 257}, {17, 576, 512, 70, 33},
                                         {2, 576, 512, 300, 300}, {1, 6, 4, 900, 20}};
    for (const AttentionShape& shape : shapes) {
      CAPTURE(shape.width);
      const PageFormat format = record_of(shape.latent, shape.width - shape.latent);
      const std::vector<float> rows = numbers(shape.visible * shape.width, 3);
      const FilledPages records(Layout::LatentRows, format, rows, 128);
      const FilledPages decoded(Layout::LatentRows, {.type = Number::BF16, .width = shape.width},
                                stored_and_read(format, rows), 64);
      const AttentionCase c = draw_case(shape, records, 7);
      AttentionCase over_rows = c;
      over_rows.seen = {decoded.seen(shape.visible)};
      for (const Instructions level : levels())
        for (const int threads : {1, 3})
          CHECK(same_bits(c.attended(records, level, threads),
                          over_rows.attended(decoded, level, threads)));
    }
  }

  TEST_CASE("a token that reads records has the same bits alone and in a batch") {
    const PageFormat format = record_of(36, 6);
    const int64_t visible = 300;
    const FilledPages pages(Layout::LatentRows, format, numbers(visible * 42, 5));
    AttentionCase c;
    c.tokens = 9;
    c.heads = 5;
    c.latent = 36;
    c.q = numbers(c.tokens * c.heads * 42, 9);
    c.scale = 0.2f;
    for (int64_t t = 0; t < c.tokens; ++t) {
      c.seen.push_back(pages.seen(t % 3 == 0 ? t + 1 : visible - t));
      c.lists.push_back({kAll});
      if (t % 2 == 1) c.lists.back() = draw_list(c.seen.back().visible, (t + 5) / 3, uint64_t(t));
    }
    c.lists[4] = {};
    for (const Instructions level : levels()) {
      const std::vector<float> together = c.attended(pages, level, 3);
      for (int64_t t = 0; t < c.tokens; ++t) {
        const auto row = together.begin() + t * c.heads * c.latent;
        CHECK(same_bits(c.alone(t).attended(pages, level),
                        std::vector<float>(row, row + c.heads * c.latent)));
      }
    }
  }
}
