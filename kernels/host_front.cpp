#include "kernels/kernels.h"

// The processor's fronts are the sequences of its separate kernels: a vector stays in the cache
// from one to the next, and the calls cost nothing there.

namespace {

Rope rope_of(const View<float, 3>& x, const Turn& turn) {
  return {
      .x = x, .dim = turn.dim, .position = turn.position, .table = turn.table, .pairs = turn.pairs};
}

void round_index_vectors(HostKernels& k, const View<float, 2>& x, CacheNumerics numerics) {
  if (numerics == CacheNumerics::Plain) return;
  k.round_to_bfloat16({.x = x});
  k.hadamard({.x = x});
  k.simulate_float8({.x = x, .group = x.extent[1]});
}

}  // namespace

void HostKernels::index_key_front(const IndexKeyFront& args) {
  const auto& x = args.x;
  layer_norm({.x = x, .weight = args.weight, .bias = args.bias, .epsilon = args.epsilon, .y = x});
  rope(rope_of(one_head(x), args.turn));
  round_index_vectors(*this, x, args.numerics);
  store_index_key(
      {.x = x, .page = args.page, .slot = args.slot, .offset = args.offset, .format = args.format});
}

void HostKernels::index_query_front(const IndexQueryFront& args) {
  rope(rope_of(args.x, args.turn));
  round_index_vectors(*this, vectors_of(args.x), args.numerics);
}

void HostKernels::latent_front(const LatentFront& args) {
  const auto& latent = args.latent;
  rms_norm({.x = latent, .weight = args.weight, .epsilon = args.epsilon, .y = latent});
  if (args.numerics == CacheNumerics::Published)
    simulate_float8({.x = latent, .group = args.group()});
  rope(rope_of(one_head(args.key), args.turn));
  copy_columns({.x = latent, .y = args.stored, .count = latent.extent[1]});
  copy_columns(
      {.x = args.key, .y = args.stored, .to = latent.extent[1], .count = args.key.extent[1]});
  store_latent({.x = args.stored,
                .page = args.page,
                .slot = args.slot,
                .offset = args.offset,
                .format = args.format});
}
