#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>

#include "model/config.h"
#include "model/tokenizer.h"

// A file is refused with Refused, or loaded; then a text is encoded, unless a pattern gives up,
// and its tokens are known.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using model::Tokenizer;
  using model::Trust;
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  constexpr std::string_view kText =
      "Proof. 12345 <think> <a> \xE4\xB8\xAD\xE6\x96\x87\r\n\t don't \xFF";
  try {
    const Tokenizer tokenizer = Tokenizer::parse(json);
    for (const std::string_view text : {kText, json.substr(0, 4096)})
      for (const Trust trust : {Trust::Trusted, Trust::Untrusted})
        for (const int32_t token : tokenizer.encode(text, trust))
          if (token < 0 || token >= tokenizer.size() || tokenizer.bytes(token).empty())
            __builtin_trap();
  } catch (const model::Refused&) {
  } catch (const std::runtime_error&) {  // a pattern's limits
  }
  return 0;
}
