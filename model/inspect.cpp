#include "model/inspect.h"

#include <fmt/format.h>

#include <map>
#include <unordered_set>

#include "model/stored_weight.h"

namespace model {
namespace {

std::string attention_text(const Config& c) {
  std::string text =
      fmt::format("latent of {} and a rotary key of {}; {} heads of {} + {}, values of {}",
                  c.latent, c.rope, c.heads, c.nope, c.rope, c.value);
  return text + (c.query_latent > 0 ? fmt::format("; queries through {}", c.query_latent)
                                    : "; queries straight from the hidden state");
}

std::string sparse_text(const Config& c) {
  if (!c.sparse()) return "none: every token attends to all before it";
  return fmt::format("an indexer of {} heads of {} chooses {} tokens; rotary pairs {}",
                     c.index_heads, c.index_dim, c.index_top_k,
                     c.index_rope_pairs == RopePairs::HalfSplit ? "half-split" : "interleaved");
}

std::string experts_text(const Config& c) {
  if (c.experts == 0) return fmt::format("none: every layer has one MLP of {}", c.dense_inner);
  int64_t layers = 0;
  for (int64_t layer = 0; layer < c.layers; ++layer) layers += c.is_moe(layer);
  std::string text = fmt::format("{} of {} in {} of {} layers, {} chosen", c.experts,
                                 c.expert_inner, layers, c.layers, c.chosen_experts);
  if (c.shared_experts > 0) text += fmt::format(", {} shared", c.shared_experts);
  return text + fmt::format("; the other layers have one MLP of {}", c.dense_inner);
}

std::string router_text(const Config& c) {
  std::string text = c.router_score == Router::Score::Sigmoid ? "sigmoid" : "softmax";
  if (c.router_bias) text += " with a bias for choosing";
  if (c.router_group != Router::Group::None)
    text +=
        fmt::format(", {} of {} groups by {}", c.router_groups_kept, c.router_groups,
                    c.router_group == Router::Group::SumOfTwo ? "their best two" : "their best");
  return text +
         fmt::format(", {}times {:g}", c.router_normalise ? "normalised, " : "", c.router_scale);
}

std::string positions_text(const Config& c) {
  const std::string text = fmt::format("{}, rotary base {:g}", c.positions, c.rope_theta);
  if (!c.yarn) return text;
  return text +
         fmt::format(", stretched {:g} times from {} by YaRN (mscale {:g}, for all dims {:g})",
                     c.yarn->factor, c.yarn->original_positions, c.yarn->mscale,
                     c.yarn->mscale_all_dim);
}

std::vector<Inspection::Line> architecture_of(const Config& c) {
  std::vector<Inspection::Line> lines = {
      {"family", std::string(to_text(c.family))},
      {"size", fmt::format("{} layers, hidden size {}, {} tokens{}", c.layers, c.hidden,
                           c.vocabulary, c.tied_embeddings ? ", the embedding is the head" : "")},
      {"attention", attention_text(c)},
      {"sparse attention", sparse_text(c)},
      {"experts", experts_text(c)}};
  if (c.experts > 0) lines.push_back({"router", router_text(c)});
  lines.push_back({"positions", positions_text(c)});
  if (c.mtp_layers > 0)
    lines.push_back({"multi-token prediction",
                     fmt::format("layers after the last: {}, not run", c.mtp_layers)});
  return lines;
}

// Tensors of the layers after the last, of which config.json tells how many there are.
bool is_mtp(std::string_view name, const Config& config) {
  for (int64_t i = 0; i < config.mtp_layers; ++i)
    if (name.starts_with(fmt::format("model.layers.{}.", config.layers + i))) return true;
  return false;
}

void sort_tensors(const Checkpoint& checkpoint, Inspection& result) {
  std::unordered_set<std::string> known;
  for (Wanted& wanted : wanted_tensors(result.config)) {
    if (wanted.use == Wanted::Use::Matrix) known.insert(scale_name(wanted.name));
    known.insert(std::move(wanted.name));
  }
  std::map<std::string, Inspection::Stored> stored;
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    Inspection::Stored& of_type = stored[tensor.type];
    of_type.type = tensor.type;
    ++of_type.tensors;
    of_type.bytes += int64_t(tensor.bytes.size());
    if (known.contains(name)) continue;
    if (is_mtp(name, result.config))
      ++result.mtp_tensors;
    else if (result.unknown.size() < kFaultsMax)
      result.unknown.push_back(name);
    else
      ++result.unknown_more;
  }
  for (auto& [type, of_type] : stored) result.stored.push_back(std::move(of_type));
}

}  // namespace

std::string_view to_text(WeightFormat format) {
  switch (format) {
    case WeightFormat::AsIs:
      return "as-is";
    case WeightFormat::Bfloat16:
      return "bf16";
    case WeightFormat::Int8:
      return "q8";
  }
  return "";
}

std::string_view to_text(LatentFormat format) {
  return format == LatentFormat::AsIs ? "as-is" : "fp8";
}

Inspection inspect(const std::filesystem::path& directory, const InspectOptions& options) {
  Inspection result;
  result.config = read_config(directory);
  const auto checkpoint = Checkpoint::open(directory);
  result.architecture = architecture_of(result.config);
  result.parameters = parameters(result.config);
  result.active_parameters = active_parameters(result.config);
  result.tensors = int64_t(checkpoint->tensors().size());
  result.bytes = checkpoint->bytes();
  sort_tensors(*checkpoint, result);
  const int64_t context = options.context.value_or(result.config.positions);
  for (const WeightFormat format : {WeightFormat::AsIs, WeightFormat::Bfloat16, WeightFormat::Int8})
    result.needs.push_back(
        {format, memory_need(result.config, *checkpoint,
                             {.weights = format, .rows = options.rows, .context = context})});
  result.float8_cache_bytes_per_token =
      memory_need(result.config, *checkpoint, {.latents = LatentFormat::Float8})
          .cache_bytes_per_token;
  result.faults = weight_faults(result.config, *checkpoint);
  result.identity = model_identity(directory, *checkpoint);
  std::error_code error;
  if (std::filesystem::is_regular_file(directory / "tokenizer.json", error))
    result.tokenizer = Inspection::File::There;
  return result;
}

}  // namespace model
