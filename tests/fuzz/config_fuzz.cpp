#include <cmath>
#include <cstdlib>

#include "model/weights.h"

// Whatever config.json says, it is refused, or everything that follows from it stays in bounds.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  try {
    const model::Config config =
        model::parse_config({reinterpret_cast<const char*>(data), size}, "");
    if (config.layers * config.experts < 500) {  // larger ones would only make the fuzzer slow
      const int64_t parameters = model::parameters(config);
      if (parameters <= 0 || parameters >= int64_t(1) << 60) std::abort();
      if (model::active_parameters(config) > parameters) std::abort();
    }
    if (!(config.softmax_scale() > 0 && std::isfinite(config.softmax_scale()))) std::abort();
    for (const float number : model::rope_table(config, 2))
      if (!std::isfinite(number)) std::abort();
  } catch (const model::Refused&) {
  }
  return 0;
}
