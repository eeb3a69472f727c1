#pragma once

#include "kernels/pages.h"
#include "model/config.h"

namespace model {

// How latent rows are kept. Float8: as records (kernels/pages.h), in a little over half the bytes
// of BF16 rows, rounded as the published numerics round latents, whatever the numerics are.
enum class LatentFormat { AsIs, Float8 };

// How one page (kPageTokens tokens, all layers) is laid out: per layer the latent rows, then, in
// sparse models, the index keys.
struct CacheFormat {
  PageFormat latent;
  PageFormat index_key;  // width = 0: none
  int64_t layers = 0;

  // `type`: of index keys, and of latents that are kept as they are.
  static CacheFormat of(const Config& config, Number type,
                        LatentFormat latents = LatentFormat::AsIs) {
    CacheFormat format{.latent = {.type = type, .width = config.latent + config.rope},
                       .index_key = {.type = type, .width = config.sparse() ? config.index_dim : 0},
                       .layers = config.layers};
    if (latents == LatentFormat::Float8) {
      format.latent.type = Number::FP8;
      format.latent.latent = config.latent;
    }
    return format;
  }
  int64_t layer_bytes() const { return latent.bytes() + index_key.bytes(); }
  int64_t latent_offset(int64_t layer) const { return layer * layer_bytes(); }
  int64_t index_key_offset(int64_t layer) const { return latent_offset(layer) + latent.bytes(); }
  int64_t page_bytes() const { return layers * layer_bytes(); }
  int64_t bytes_per_token() const { return page_bytes() / kPageTokens; }
};

}  // namespace model
