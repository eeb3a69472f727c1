#include "model/checkpoint.h"

#include "model/files.h"

namespace model {
namespace {

constexpr uint64_t kLengthBytes = 8;

// The header of a mapped file; its length stands in the first eight bytes, least one first.
std::string_view header_of(std::span<const unsigned char> bytes, const std::string& file) {
  if (bytes.size() < kLengthBytes)
    throw Refused(file + " has " + std::to_string(bytes.size()) +
                  " bytes, too few for a safetensors file");
  uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) length |= uint64_t(bytes[i]) << (8 * i);
  if (length > Checkpoint::kHeaderBytesMax || length > bytes.size() - kLengthBytes)
    throw Refused(file + " claims a header of " + std::to_string(length) + " bytes in a file of " +
                  std::to_string(bytes.size()) + "; at most " +
                  std::to_string(Checkpoint::kHeaderBytesMax) +
                  " are read. It is cut, or no safetensors file");
  return {reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, std::size_t(length)};
}

bool is_there(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

}  // namespace

Checkpoint::~Checkpoint() = default;

void Checkpoint::add(const std::filesystem::path& path, std::string_view shard) {
  const auto& mapped = files_.emplace_back(std::make_unique<MappedFile>(path));
  const std::string file(shard);
  const std::string_view header = header_of(mapped->bytes(), file);
  const uint64_t data = kLengthBytes + header.size();
  for (HeaderEntry& entry : parse_safetensors_header(header, mapped->bytes().size(), file)) {
    const uint64_t offset = data + entry.begin;
    StoredTensor tensor{.type = std::move(entry.type),
                        .shape = std::move(entry.shape),
                        .bytes = mapped->bytes().subspan(offset, entry.end - entry.begin),
                        .file = file,
                        .offset = offset};
    if (tensors_.size() == kTensorsMax)
      throw Refused(path.parent_path().string() + " has more than " + std::to_string(kTensorsMax) +
                    " tensors");
    const auto [at, is_new] = tensors_.emplace(std::move(entry.name), std::move(tensor));
    if (!is_new)
      throw Refused("tensor " + in_quotes(at->first) + " is in " + at->second.file + " and in " +
                    file);
  }
}

std::shared_ptr<const Checkpoint> Checkpoint::open(const std::filesystem::path& directory) {
  constexpr std::string_view kSingle = "model.safetensors";
  constexpr std::string_view kIndex = "model.safetensors.index.json";
  const bool has_single = is_there(directory / kSingle), has_index = is_there(directory / kIndex);
  if (has_single == has_index)
    throw Refused(directory.string() + " has " + (has_single ? "both " : "neither ") +
                  std::string(kSingle) + (has_single ? " and " : " nor ") + std::string(kIndex) +
                  (has_single ? "; remove the one that does not belong to it" : ""));
  std::shared_ptr<Checkpoint> checkpoint(new Checkpoint);
  if (has_single) {
    checkpoint->add(directory / kSingle, kSingle);
    return checkpoint;
  }
  const ShardIndex index =
      parse_safetensors_index(read_whole_file(directory / kIndex, kIndexBytesMax), kIndex);
  for (const std::string& shard : index.shards) checkpoint->add(directory / shard, shard);
  for (const auto& [name, shard] : index.tensors) {
    const StoredTensor* tensor = checkpoint->find(name);
    if (!tensor || tensor->file != index.shards[shard])
      throw Refused(std::string(kIndex) + " says that tensor " + in_quotes(name) + " is in " +
                    index.shards[shard] + ", but it is " +
                    (tensor ? "in " + tensor->file : "not there"));
  }
  return checkpoint;
}

const StoredTensor* Checkpoint::find(std::string_view name) const {
  const auto at = tensors_.find(name);
  return at == tensors_.end() ? nullptr : &at->second;
}

int64_t Checkpoint::bytes() const {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : tensors_) bytes += int64_t(tensor.bytes.size());
  return bytes;
}

}  // namespace model
