#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "model/checkpoint.h"
#include "model/files.h"

namespace model {
namespace {

using nlohmann::json;

// Reads {"metadata": ..., "weight_map": {"NAME": "SHARD", ...}} as it is parsed. What else stands
// beside weight_map is passed over.
class IndexEvents : public nlohmann::json_sax<json> {
 public:
  explicit IndexEvents(std::string_view file) : file_(file) {}

  ShardIndex take() { return std::move(index_); }
  bool found() const { return found_; }

  bool start_object(std::size_t) override {
    enter();
    return true;
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override {
    enter();
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool key(string_t& name) override {
    if (depth_ == 1) {
      in_map_ = name == "weight_map";
      if (in_map_ && found_) refuse("has weight_map twice");
      found_ |= in_map_;
    } else if (in_map_ && depth_ == 2) {
      start_tensor(name);
    }
    return true;
  }
  bool string(string_t& text) override {
    if (in_map_ && depth_ == 2 && !index_.tensors.empty())
      index_.tensors.back().second = shard(text);
    else
      value();
    return true;
  }
  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool binary(binary_t&) override { return value(); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    refuse("is not JSON at its byte " + std::to_string(position));
  }

 private:
  static constexpr int kDepthMax = 32;

  void enter() {
    if (++depth_ > kDepthMax) refuse("is nested deeper than " + std::to_string(kDepthMax));
    if (in_map_ && depth_ > 2) refuse("has something else than names of files in weight_map");
  }
  bool value() {
    if (in_map_) refuse("has something else than names of files in weight_map");
    return true;
  }
  void start_tensor(const std::string& name) {
    if (index_.tensors.size() == Checkpoint::kTensorsMax)
      refuse("names more than " + std::to_string(Checkpoint::kTensorsMax) + " tensors");
    if (name.size() > Checkpoint::kNameBytesMax)
      refuse("names the tensor " + in_quotes(name) + ", longer than " +
             std::to_string(Checkpoint::kNameBytesMax) + " bytes");
    index_.tensors.emplace_back(name, 0);
  }

  // The number of a shard. Only files of the same directory are ever opened.
  uint32_t shard(const std::string& name) {
    constexpr std::string_view kEnd = ".safetensors";
    if (name.size() <= kEnd.size() || !name.ends_with(kEnd) || name.front() == '.' ||
        name.size() > 255 || name.find_first_of("/\\") != std::string::npos ||
        name.find('\0') != std::string::npos)
      refuse("names the file " + in_quotes(name) +
             "; it must be the name of a *.safetensors file in the same directory");
    const auto [at, is_new] = shards_.emplace(name, uint32_t(shards_.size()));
    if (is_new) index_.shards.push_back(name);
    if (shards_.size() > Checkpoint::kShardsMax)
      refuse("names more than " + std::to_string(Checkpoint::kShardsMax) + " files");
    return at->second;
  }

  [[noreturn]] void refuse(const std::string& sentence) const {
    throw Refused(std::string(file_) + " " + sentence);
  }

  std::string_view file_;
  ShardIndex index_;
  std::map<std::string, uint32_t> shards_;
  int depth_ = 0;
  bool in_map_ = false;
  bool found_ = false;
};

}  // namespace

ShardIndex parse_safetensors_index(std::string_view text, std::string_view file) {
  if (text.find('\0') != std::string_view::npos)
    throw Refused(std::string(file) + " is not JSON: it holds a NUL byte");
  IndexEvents events(file);
  json::sax_parse(text, &events);
  if (!events.found()) throw Refused(std::string(file) + " has no weight_map");
  ShardIndex index = events.take();
  std::ranges::sort(index.tensors);
  const auto twice = std::ranges::adjacent_find(
      index.tensors, [](const auto& a, const auto& b) { return a.first == b.first; });
  if (twice != index.tensors.end())
    throw Refused(std::string(file) + " names the tensor " + in_quotes(twice->first) + " twice");
  return index;
}

}  // namespace model
