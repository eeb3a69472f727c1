#include <cstdlib>

#include "model/checkpoint.h"

// The index of a checkpoint: refused, or every tensor has a shard with a plain name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  try {
    const model::ShardIndex index =
        model::parse_safetensors_index({reinterpret_cast<const char*>(data), size}, "index");
    for (const auto& [name, shard] : index.tensors)
      if (shard >= index.shards.size()) std::abort();
    for (const std::string& shard : index.shards)
      if (shard.find('/') != std::string::npos || !shard.ends_with(".safetensors")) std::abort();
  } catch (const model::Refused&) {
  }
  return 0;
}
