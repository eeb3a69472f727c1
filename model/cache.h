#pragma once

#include "kernels/pages.h"
#include "model/config.h"

namespace model {

// How one page (kPageTokens tokens, all layers) is laid out: per layer the latent rows, then, in
// sparse models, the index keys.
struct CacheFormat {
  PageFormat latent;
  PageFormat index_key;  // width = 0: none
  int64_t layers = 0;

  static CacheFormat of(const Config& config, Number type) {
    return {.latent = {.type = type, .width = config.latent + config.rope},
            .index_key = {.type = type, .width = config.sparse() ? config.index_dim : 0},
            .layers = config.layers};
  }
  int64_t layer_bytes() const { return latent.bytes() + index_key.bytes(); }
  int64_t latent_offset(int64_t layer) const { return layer * layer_bytes(); }
  int64_t index_key_offset(int64_t layer) const { return latent_offset(layer) + latent.bytes(); }
  int64_t page_bytes() const { return layers * layer_bytes(); }
  int64_t bytes_per_token() const { return page_bytes() / kPageTokens; }
};

}  // namespace model
