#include "tests/model/tiny_checkpoint.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "text/sha256.h"

namespace tiny {
namespace {

using model::Family;

const char* const kYarn =
    R"({"type": "yarn", "factor": 4, "original_max_position_embeddings": 64, "beta_fast": 32,)"
    R"( "beta_slow": 1, "mscale": 1.0, "mscale_all_dim": 1.0})";

Fields common_fields() {
  return {{"vocab_size", "320"},
          {"hidden_size", "160"},
          {"num_hidden_layers", "3"},
          {"max_position_embeddings", "512"},
          {"num_attention_heads", "4"},
          {"num_key_value_heads", "4"},
          {"q_lora_rank", "48"},
          {"kv_lora_rank", "32"},
          {"qk_nope_head_dim", "16"},
          {"qk_rope_head_dim", "8"},
          {"v_head_dim", "12"},
          {"rms_norm_eps", "1e-06"},
          {"rope_theta", "10000"},
          {"hidden_act", "\"silu\""},
          {"attention_bias", "false"},
          {"tie_word_embeddings", "false"},
          {"intermediate_size", "136"},
          {"moe_intermediate_size", "24"},
          {"n_routed_experts", "8"},
          {"n_shared_experts", "1"},
          {"num_experts_per_tok", "3"},
          {"first_k_dense_replace", "1"},
          {"moe_layer_freq", "1"},
          {"n_group", "4"},
          {"topk_group", "2"},
          {"scoring_func", "\"sigmoid\""},
          {"topk_method", "\"noaux_tc\""},
          {"norm_topk_prob", "true"},
          {"routed_scaling_factor", "2.5"},
          {"rope_scaling", "null"},
          {"bos_token_id", "0"},
          {"eos_token_id", "1"}};
}

Fields family_fields(Family family) {
  Fields fields = {{"model_type", fmt::format("\"{}\"", model::to_text(family))}};
  const Fields indexer = {{"index_n_heads", "4"}, {"index_head_dim", "16"}, {"index_topk", "8"}};
  switch (family) {
    case Family::DeepseekV2:
      fields.insert({{"q_lora_rank", "null"},
                     {"scoring_func", "\"softmax\""},
                     {"topk_method", "\"group_limited_greedy\""},
                     {"norm_topk_prob", "false"},
                     {"routed_scaling_factor", "1.0"},
                     {"n_shared_experts", "2"},
                     {"rope_scaling", kYarn}});
      break;
    case Family::DeepseekV3:
      break;
    case Family::DeepseekV32:
      fields.insert(indexer.begin(), indexer.end());
      fields.insert({{"rope_scaling", kYarn}});
      break;
    case Family::GlmMoeDsa:
      fields.insert(indexer.begin(), indexer.end());
      fields.insert({{"rms_norm_eps", "1e-05"},
                     {"n_group", "1"},
                     {"topk_group", "1"},
                     {"indexer_rope_interleave", "true"}});
      break;
  }
  return fields;
}

// SplitMix64 (Steele et al. 2014).
class Random {
 public:
  Random(uint64_t seed, const std::string& name)
      : state_(text::leading_number(text::sha256(fmt::format("{} {}", seed, name)))) {}

  // Uniform in [-1, 1).
  float next() {
    state_ += 0x9E3779B97F4A7C15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return float(int64_t(z ^ (z >> 31)) >> 40) * 0x1p-23f;
  }

 private:
  uint64_t state_;
};

bool has(const std::string& name, const char* part) { return name.find(part) != std::string::npos; }

std::vector<float> numbers(const model::Wanted& wanted, uint64_t seed) {
  Random random(seed, wanted.name);
  float middle = 0, reach = 0.1f;  // biases
  if (wanted.use == model::Wanted::Use::Matrix)
    reach =
        has(wanted.name, "embed_tokens") ? std::sqrt(3.f) : std::sqrt(3.f / float(wanted.shape[1]));
  else if (has(wanted.name, "norm"))
    reach = has(wanted.name, "bias") ? 0.1f : 0.5f, middle = has(wanted.name, "bias") ? 0.f : 1.f;
  int64_t size = 1;
  for (const int64_t extent : wanted.shape) size *= extent;
  std::vector<float> numbers(std::size_t(size), 0.f);
  for (float& number : numbers) number = middle + reach * random.next();
  return numbers;
}

template <class T>
std::string bytes_of(const std::vector<T>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T)};
}

Tensor in_f32(const model::Wanted& wanted, const std::vector<float>& numbers) {
  return {wanted.name, "F32", wanted.shape, bytes_of(numbers)};
}

Tensor in_bf16(const model::Wanted& wanted, const std::vector<float>& numbers) {
  std::vector<Bfloat16> rounded;
  for (const float number : numbers) rounded.push_back(to_bfloat16(number));
  return {wanted.name, "BF16", wanted.shape, bytes_of(rounded)};
}

// Blocks of 128 x 128 with the scale largest / 448.
void add_in_fp8(const model::Wanted& wanted, const std::vector<float>& numbers,
                std::vector<Tensor>& to) {
  constexpr int64_t kBlock = 128;
  const int64_t rows = wanted.shape[0], cols = wanted.shape[1];
  const int64_t down = (rows + kBlock - 1) / kBlock, across = (cols + kBlock - 1) / kBlock;
  const auto block = [&](int64_t i) {
    return std::size_t(i / cols / kBlock * across + i % cols / kBlock);
  };
  std::vector<float> scale(std::size_t(down * across), 1e-6f);
  for (int64_t i = 0; i < rows * cols; ++i)
    scale[block(i)] = std::max(scale[block(i)], std::abs(numbers[std::size_t(i)]) / 448);
  std::vector<Float8> rounded;
  for (int64_t i = 0; i < rows * cols; ++i)
    rounded.push_back(
        to_float8(std::clamp(numbers[std::size_t(i)] / scale[block(i)], -448.f, 448.f)));
  to.push_back({wanted.name, "F8_E4M3", wanted.shape, bytes_of(rounded)});
  to.push_back({wanted.name + "_scale_inv", "F32", {down, across}, bytes_of(scale)});
}

bool stays_bf16(const std::string& name) {
  return has(name, "embed_tokens") || has(name, "lm_head") || has(name, "mlp.gate.weight") ||
         has(name, "weights_proj");
}

}  // namespace

Directory::Directory() {
  std::string name = (std::filesystem::temp_directory_path() / "elenchus-model-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary directory " + name);
  path_ = name;
}

Directory::~Directory() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

void Directory::write(const std::string& name, std::string_view bytes) const {
  std::ofstream file(path_ / name, std::ios::binary);
  file.write(bytes.data(), std::streamsize(bytes.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + (path_ / name).string());
}

std::string Directory::read(const std::string& name) const {
  std::ifstream file(path_ / name, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  if (!file) throw std::runtime_error("cannot read " + (path_ / name).string());
  return bytes.str();
}

std::string config_json(Family family, const Fields& changes) {
  Fields fields = changes;
  const Fields own = family_fields(family), common = common_fields();
  fields.insert(own.begin(), own.end());
  fields.insert(common.begin(), common.end());
  std::string text = "{";
  for (const auto& [name, value] : fields)
    if (!value.empty())
      text += fmt::format("{}\n  \"{}\": {}", text == "{" ? "" : ",", name, value);
  return text + "\n}\n";
}

std::vector<Tensor> tensors(const Checkpoint& checkpoint) {
  const model::Config config =
      model::parse_config(config_json(checkpoint.family, checkpoint.config), "");
  std::vector<Tensor> tensors;
  for (const model::Wanted& wanted : model::wanted_tensors(config)) {
    const std::vector<float> values = numbers(wanted, checkpoint.seed);
    const bool vector = wanted.use == model::Wanted::Use::Norm;
    const bool bias = has(wanted.name, "e_score_correction_bias");
    if (checkpoint.storage == Storage::F32 || bias ||
        (checkpoint.storage == Storage::Float8 && vector))
      tensors.push_back(in_f32(wanted, values));
    else if (checkpoint.storage == Storage::Bfloat16 || stays_bf16(wanted.name))
      tensors.push_back(in_bf16(wanted, values));
    else
      add_in_fp8(wanted, values, tensors);
  }
  return tensors;
}

std::string safetensors(const std::vector<Tensor>& tensors) {
  std::string header = R"({"__metadata__":{"format":"pt"})", data;
  for (const Tensor& tensor : tensors) {
    header += fmt::format(R"(,"{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                          tensor.name, tensor.type, fmt::join(tensor.shape, ","), data.size(),
                          data.size() + tensor.bytes.size());
    data += tensor.bytes;
  }
  header += "}";
  while (header.size() % 8 != 0) header += ' ';
  std::string length;
  for (int byte = 0; byte < 8; ++byte) length += char(header.size() >> (8 * byte) & 0xFF);
  return length + header + data;
}

void write(const std::filesystem::path& directory, const Checkpoint& checkpoint) {
  write(directory, checkpoint, tensors(checkpoint));
}

void write(const std::filesystem::path& directory, const Checkpoint& checkpoint,
           const std::vector<Tensor>& all) {
  const auto write_file = [&](const std::string& name, const std::string& bytes) {
    std::ofstream file(directory / name, std::ios::binary);
    file << bytes;
    if (!file.flush()) throw std::runtime_error("cannot write " + (directory / name).string());
  };
  write_file("config.json", config_json(checkpoint.family, checkpoint.config));
  if (checkpoint.shards == 0) return write_file("model.safetensors", safetensors(all));
  std::string map;
  for (int shard = 0; shard < checkpoint.shards; ++shard) {
    const std::string name =
        fmt::format("model-{:05}-of-{:05}.safetensors", shard + 1, checkpoint.shards);
    std::vector<Tensor> part;
    for (std::size_t i = std::size_t(shard); i < all.size(); i += std::size_t(checkpoint.shards)) {
      part.push_back(all[i]);
      map += fmt::format("{}\n    \"{}\": \"{}\"", map.empty() ? "" : ",", all[i].name, name);
    }
    write_file(name, safetensors(part));
  }
  write_file("model.safetensors.index.json",
             fmt::format("{{\n  \"metadata\": {{\"total_size\": 1}},\n  \"weight_map\": {{{}\n  "
                         "}}\n}}\n",
                         map));
}

}  // namespace tiny
