#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/config.h"

namespace model {

class MappedFile;

// One tensor of a *.safetensors file, where it lies in the mapped file.
struct StoredTensor {
  std::string type;  // as the file says: "F32", "BF16", "F8_E4M3", "I64", ...
  std::vector<int64_t> shape;
  std::span<const unsigned char> bytes;
  std::string file;     // its name, for messages
  uint64_t offset = 0;  // of the bytes in the file
};

// All shards of a Hugging Face directory, mapped and not read: model.safetensors, or those that
// model.safetensors.index.json names.
class Checkpoint {
 public:
  // What is read within a second. The format's own library allows headers of 100 MB; with 118,000
  // tensors, GLM-5 in FP8 would need 13 MB in a single file.
  static constexpr uint64_t kHeaderBytesMax = 32 << 20;
  static constexpr std::size_t kIndexBytesMax = 32 << 20;
  static constexpr std::size_t kTensorsMax = 1 << 18;
  static constexpr std::size_t kNameBytesMax = 512;
  static constexpr std::size_t kShardsMax = 4096;
  static constexpr std::size_t kRankMax = 8;

  // Throws Refused, with file, tensor and numbers: missing or unreadable files, headers that are
  // too long, are no JSON, have tensors that overlap, leave gaps, pass the file's end, or whose
  // size does not follow from type and shape; a tensor in two shards, or in the index and no shard.
  static std::shared_ptr<const Checkpoint> open(const std::filesystem::path& directory);

  ~Checkpoint();
  Checkpoint(const Checkpoint&) = delete;
  Checkpoint& operator=(const Checkpoint&) = delete;

  const StoredTensor* find(std::string_view name) const;  // nullptr: there is none
  const std::map<std::string, StoredTensor, std::less<>>& tensors() const { return tensors_; }
  int64_t bytes() const;  // of all tensors

 private:
  Checkpoint() = default;
  void add(const std::filesystem::path& path, std::string_view shard);
  std::vector<std::unique_ptr<MappedFile>> files_;
  std::map<std::string, StoredTensor, std::less<>> tensors_;
};

// The header of one file. `file_bytes` is the file's whole size; offsets are checked against it and
// are relative to the end of the header. For Checkpoint, tests and fuzzing.
struct HeaderEntry {
  std::string name;
  std::string type;
  std::vector<int64_t> shape;
  uint64_t begin = 0, end = 0;
};
std::vector<HeaderEntry> parse_safetensors_header(std::string_view json, uint64_t file_bytes,
                                                  std::string_view file);

// model.safetensors.index.json: which shard holds which tensor. For Checkpoint, tests and fuzzing.
// Throws Refused; shards are plain names of files of the same directory, "*.safetensors".
struct ShardIndex {
  std::vector<std::string> shards;
  std::vector<std::pair<std::string, uint32_t>> tensors;  // name, number of the shard
};
ShardIndex parse_safetensors_index(std::string_view json, std::string_view file);

// The bytes of one number of a safetensors type; 0: unknown.
int64_t bytes_of_type(std::string_view type);

}  // namespace model
