#include "kernels/elementwise.h"

#include <cmath>
#include <cstring>

void cpu::swiglu(const SwiGlu& args) {
  const auto& [gate, up, y] = args;
  for (int64_t i = 0; i < y.size(); ++i) {
    const double x = gate.data[i];
    y.data[i] = float(x / (1 + std::exp(-x)) * up.data[i]);
  }
}

void cpu::add(const Add& args) {
  const auto& [x, y] = args;
  assert(x.size() == y.size());
  for (int64_t i = 0; i < y.size(); ++i) y.data[i] += x.data[i];
}

// The table may lie in a mapped file: numbers are copied out, whatever their alignment.
void cpu::embed(const Embed& args) {
  const auto& [id, table, y] = args;
  const auto [tokens, dim] = y.extent;
  assert(table.type == Number::F32 || table.type == Number::BF16);
  assert(table.cols == dim);
  const int64_t bytes = dim * bytes_of(table.type);
  for (int64_t t = 0; t < tokens; ++t) {
    assert(0 <= id(t) && id(t) < table.rows);
    const unsigned char* row = static_cast<const unsigned char*>(table.data) + id(t) * bytes;
    if (table.type == Number::F32) {
      std::memcpy(y[t].data, row, std::size_t(bytes));
      continue;
    }
    for (int64_t c = 0; c < dim; ++c) {
      Bfloat16 number;
      std::memcpy(&number, row + c * bytes_of(Number::BF16), sizeof number);
      y(t, c) = to_float(number);
    }
  }
}
