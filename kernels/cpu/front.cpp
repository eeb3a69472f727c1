#include "kernels/front.h"

#include "kernels/copy.h"
#include "kernels/norm.h"

namespace {

void turn_first(const View<float, 3>& x, const Turn& turn) {
  cpu::rope({.x = x,
             .dim = turn.dim,
             .position = turn.position,
             .table = turn.table,
             .pairs = turn.pairs});
}

// x: [vectors, dim]
void round_index_vectors(const View<float, 2>& x, CacheNumerics numerics) {
  if (numerics == CacheNumerics::Plain) return;
  cpu::round_to_bfloat16({.x = x});
  cpu::hadamard({.x = x});
  cpu::simulate_float8({.x = x, .group = x.extent[1]});
}

}  // namespace

void cpu::index_key_front(const IndexKeyFront& args) {
  const auto& x = args.x;
  layer_norm({.x = x, .weight = args.weight, .bias = args.bias, .epsilon = args.epsilon, .y = x});
  turn_first(one_head(x), args.turn);
  round_index_vectors(x, args.numerics);
  store_index_key(
      {.x = x, .page = args.page, .slot = args.slot, .offset = args.offset, .format = args.format});
}

void cpu::index_query_front(const IndexQueryFront& args) {
  turn_first(args.x, args.turn);
  round_index_vectors(vectors_of(args.x), args.numerics);
}

void cpu::latent_front(const LatentFront& args) {
  const auto& latent = args.latent;
  rms_norm({.x = latent, .weight = args.weight, .epsilon = args.epsilon, .y = latent});
  if (args.numerics == CacheNumerics::Published)
    simulate_float8({.x = latent, .group = args.group()});
  turn_first(one_head(args.key), args.turn);
  copy_columns({.x = latent, .y = args.stored, .count = latent.extent[1]});
  copy_columns(
      {.x = args.key, .y = args.stored, .to = latent.extent[1], .count = args.key.extent[1]});
  store_latent({.x = args.stored,
                .page = args.page,
                .slot = args.slot,
                .offset = args.offset,
                .format = args.format});
}
