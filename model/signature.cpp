#include "model/signature.h"

#include <algorithm>

#include "model/work.h"
#include "text/sha256.h"

namespace model {

std::string logits_signature(Network& network, int64_t tokens) {
  const int64_t vocabulary = network.config().vocabulary;
  const int64_t pages_needed = (tokens + kPageTokens - 1) / kPageTokens;
  const int64_t page_bytes = network.cache().page_bytes();
  Buffer<unsigned char> memory(network.memory(), pages_needed * page_bytes);
  std::vector<unsigned char*> pages;
  for (int64_t page = 0; page < pages_needed; ++page)
    pages.push_back(memory.view(pages_needed, page_bytes)[page].data);

  std::string bytes;
  std::vector<float> logits;
  for (int64_t at = 0; at < tokens; at += network.rows_max()) {
    std::vector<Row> rows;
    for (int64_t i = at; i < std::min(at + network.rows_max(), tokens); ++i)
      rows.push_back({.token = int32_t(7919 * i % vocabulary),  // a prime: all tokens come up
                      .position = int32_t(i),
                      .pages = pages.data(),
                      .logits = Row::Logits::Yes});
    logits.resize(rows.size() * std::size_t(vocabulary));
    network.forward(rows, {.data = logits.data(), .extent = {int64_t(rows.size()), vocabulary}});
    bytes.append(reinterpret_cast<const char*>(logits.data()), logits.size() * sizeof(float));
  }
  return text::sha256_hex(bytes);
}

}  // namespace model
