#include "storage/text_store.h"

#include <nlohmann/json.hpp>

#include "text/sha256.h"

namespace storage {

namespace {

void remember(std::unordered_map<std::string, int64_t>& cache, const std::string& sha256,
              int64_t id) {
  if (cache.size() >= TextStore::kCachedMax) cache.clear();
  cache.emplace(sha256, id);
}

std::optional<int64_t> id_by_sha256(Statements& statements, std::string_view sql,
                                    const std::string& sha256) {
  const auto find = statements.borrow(sql);
  find->bind(1, sha256);
  if (!find->step()) return std::nullopt;
  return find->integer(0);
}

}  // namespace

int64_t TextStore::text(std::string_view bytes) {
  return stored_text(text::sha256_hex(bytes), bytes);
}

std::optional<int64_t> TextStore::text(const std::optional<std::string>& bytes) {
  if (!bytes) return std::nullopt;
  return text(std::string_view(*bytes));
}

std::optional<int64_t> TextStore::text_unless_empty(std::string_view bytes) {
  if (bytes.empty()) return std::nullopt;
  return text(bytes);
}

int64_t TextStore::stored_text(const std::string& sha256, std::string_view bytes) {
  if (const auto cached = texts_.find(sha256); cached != texts_.end()) return cached->second;
  std::optional<int64_t> id =
      id_by_sha256(statements_, "SELECT id FROM text WHERE sha256 = ?", sha256);
  if (!id) {
    const auto insert = statements_.borrow("INSERT INTO text (sha256, bytes) VALUES (?, ?)");
    insert->bind(1, sha256).bind_blob(2, bytes).run();
    id = statements_.database().last_insert_id();
  }
  remember(texts_, sha256, *id);
  return *id;
}

int64_t TextStore::prompt(const PromptRow& row) {
  if (const auto cached = prompts_.find(row.sha256); cached != prompts_.end())
    return cached->second;
  std::optional<int64_t> id =
      id_by_sha256(statements_, "SELECT id FROM prompt WHERE sha256 = ?", row.sha256);
  if (!id) {
    nlohmann::json parts = nlohmann::json::array();
    for (const PromptRow::Part& part : row.parts) {
      const std::string sha256 = text::sha256_hex(part.text);
      stored_text(sha256, part.text);
      parts.push_back({{"name", part.name}, {"sha256", sha256}});
    }
    const int64_t template_id = text(std::string_view(row.template_text));
    const auto insert = statements_.borrow(
        "INSERT INTO prompt (sha256, template_name, template_id, parts) VALUES (?, ?, ?, ?)");
    insert->bind(1, row.sha256).bind(2, row.template_name).bind(3, template_id);
    insert->bind(4, parts.dump()).run();
    id = statements_.database().last_insert_id();
  }
  remember(prompts_, row.sha256, *id);
  return *id;
}

void TextStore::forget() {
  texts_.clear();
  prompts_.clear();
}

}  // namespace storage
