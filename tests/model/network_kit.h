#pragma once

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "model/network.h"
#include "tests/model/golden_weights.h"
#include "tests/support/temp_dir.h"

namespace golden {

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline std::filesystem::path folder() {
  return std::filesystem::path(SOURCE_DIR) / "tests/model/golden";
}

// What make_network.py wrote for one case.
struct Golden {
  std::vector<int32_t> tokens;
  std::vector<float> logits;  // [tokens, vocabulary]
};

// A model of one golden case, loaded as users' models are.
struct Loaded {
  support::TempDir directory;
  model::Config config;
  model::Weights weights;

  Loaded(const std::string& name, Stored stored, model::WeightFormat format) {
    write_checkpoint(directory.path(), read_file(folder() / (name + ".json")), stored);
    config = model::read_config(directory.path());
    weights = model::load_weights(config, model::Checkpoint::open(directory.path()), format);
  }
};

// The pages of one sequence, in a device's memory.
class Pages {
 public:
  Pages(const model::Network& network, int64_t tokens)
      : memory_(network.memory()), page_bytes_(network.cache().page_bytes()) {
    const int64_t count = (tokens + kPageTokens - 1) / kPageTokens;
    begin_ = static_cast<unsigned char*>(memory_.take(count * page_bytes_));
    for (int64_t i = 0; i < count; ++i) pages_.push_back(begin_ + i * page_bytes_);
    // What was never written is NaN: reading it shows.
    fill(0, count * page_bytes_);
  }
  ~Pages() { memory_.give(begin_); }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  unsigned char* const* data() const { return pages_.data(); }
  // Writes NaN over these bytes of all pages together.
  void fill(int64_t first, int64_t count) {
    const std::vector<unsigned char> nan(std::size_t(count), 0xFF);
    memory_.write(begin_ + first, nan.data(), count);
  }

 private:
  Memory& memory_;
  int64_t page_bytes_;
  unsigned char* begin_ = nullptr;
  std::vector<unsigned char*> pages_;
};

// The logits of all positions, the tokens being computed `chunk` at a time.
inline std::vector<float> logits_of(model::Network& network, const std::vector<int32_t>& tokens,
                                    int64_t chunk) {
  const int64_t vocabulary = network.config().vocabulary;
  const Pages pages(network, int64_t(tokens.size()));
  std::vector<float> logits(tokens.size() * std::size_t(vocabulary));
  for (int64_t at = 0; at < int64_t(tokens.size()); at += chunk) {
    std::vector<model::Row> rows;
    for (int64_t i = at; i < std::min(at + chunk, int64_t(tokens.size())); ++i)
      rows.push_back({.token = tokens[std::size_t(i)],
                      .position = int32_t(i),
                      .pages = pages.data(),
                      .logits = model::Row::Logits::Yes});
    network.forward(rows, {.data = logits.data() + at * vocabulary,
                           .extent = {int64_t(rows.size()), vocabulary}});
  }
  return logits;
}

}  // namespace golden
