#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "storage/rows.h"
#include "storage/statements.h"

namespace storage {

// The tables `text` and `prompt`: every text once under its SHA-256, every prompt once as a recipe
// of texts. The ids of recent ones are kept in memory, so that 64 votes on one prompt look it up
// once and never hash its parts again.
class TextStore {
 public:
  static constexpr std::size_t kCachedMax = 8192;  // ids in each cache; a full one starts afresh

  explicit TextStore(Statements& statements) : statements_(statements) {}

  int64_t text(std::string_view bytes);
  std::optional<int64_t> text(const std::optional<std::string>& bytes);  // absent stays absent
  std::optional<int64_t> text_unless_empty(std::string_view bytes);
  int64_t prompt(const PromptRow& row);

  void forget();  // after a rollback: ids in the caches may not be in the file

 private:
  using Cache = std::unordered_map<std::string, int64_t>;

  int64_t stored_text(const std::string& sha256, std::string_view bytes);

  Statements& statements_;
  Cache texts_;
  Cache prompts_;
};

}  // namespace storage
