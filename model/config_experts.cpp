#include <algorithm>

#include "model/config_parts.h"
#include "model/files.h"

namespace model {
namespace {

constexpr Limits<int64_t> kExperts = {0, 4096};
constexpr Limits<int64_t> kShared = {0, 64};
constexpr Limits<int64_t> kInner = {1, 1 << 18};
constexpr Limits<double> kScale = {1e-6, 1e6};
// A list of as many names must be made quickly and fit in memory, whatever a file claims. DeepSeek-
// V3.2 has 45,000, GLM-5 58,000.
constexpr int64_t kExpertMatricesMax = 1 << 17;

std::string text(int64_t number) { return std::to_string(number); }

// mlp_layer_types, where it stands, says which layers have experts; else first_k_dense_replace and
// moe_layer_freq do.
void read_places(const JsonFields& fields, Config& config) {
  config.moe_every = fields.integer_or("moe_layer_freq", 1, {1, config.layers});
  const std::vector<std::string> types =
      fields.words("mlp_layer_types", std::size_t(config.layers));
  if (types.empty()) {
    config.dense_layers = fields.integer("first_k_dense_replace", {0, 1 << 20});
    config.dense_layers = std::min(config.dense_layers, config.layers);
    return;
  }
  const auto first_sparse = std::ranges::find(types, "sparse");
  config.dense_layers = first_sparse - types.begin();
  const bool known = std::all_of(types.begin(), first_sparse,
                                 [](const std::string& type) { return type == "dense"; }) &&
                     std::all_of(first_sparse, types.end(),
                                 [](const std::string& type) { return type == "sparse"; });
  if (!known || int64_t(types.size()) != config.layers || config.moe_every != 1)
    fields.refuse("mlp_layer_types must name " + text(config.layers) +
                  " layers, first the \"dense\" ones, then the \"sparse\" ones, and moe_layer_freq"
                  " must be 1");
}

void read_groups(const JsonFields& fields, Config& config) {
  const int64_t groups = fields.integer("n_group", {1, config.experts});
  const int64_t kept = fields.integer("topk_group", {1, groups});
  if (config.experts % groups != 0)
    fields.refuse("n_routed_experts " + text(config.experts) + " is no multiple of n_group " +
                  text(groups));
  const int64_t reachable = config.experts / groups * kept;
  if (config.chosen_experts > reachable)
    fields.refuse("num_experts_per_tok is " + text(config.chosen_experts) + ", but topk_group " +
                  text(kept) + " of n_group " + text(groups) + " leaves only " + text(reachable) +
                  " experts");
  config.router_groups = int32_t(groups);
  config.router_groups_kept = int32_t(kept);
}

// DeepSeek-V2: softmax, no bias, a group is as good as its best expert.
void read_softmax_router(const JsonFields& fields, Config& config) {
  const std::string method = fields.word_or("topk_method", "greedy");
  const std::string score = fields.word_or("scoring_func", "softmax");
  if ((method != "greedy" && method != "group_limited_greedy") || score != "softmax")
    fields.refuse("topk_method is " + in_quotes(method) + " and scoring_func " + in_quotes(score) +
                  "; deepseek_v2 has \"greedy\" or \"group_limited_greedy\" with \"softmax\"");
  config.router_score = Router::Score::Softmax;
  config.router_bias = false;
  config.router_scale = float(fields.number_or("routed_scaling_factor", 1, kScale));
  // DeepSeek's own code divides by the sum or multiplies with the factor, never both, and does not
  // divide if there is one expert.
  config.router_normalise = fields.flag_or("norm_topk_prob", false) && config.chosen_experts > 1;
  if (config.router_normalise) config.router_scale = 1;
  if (method == "greedy") return;  // all experts compete, whatever n_group says
  read_groups(fields, config);
  if (config.router_groups > 1) config.router_group = Router::Group::Largest;
}

// DeepSeek-V3 and after: sigmoid, a bias for choosing, a group is as good as its best two experts.
void read_sigmoid_router(const JsonFields& fields, Config& config) {
  const std::string method = fields.word_or("topk_method", "noaux_tc");
  const std::string score = fields.word_or("scoring_func", "sigmoid");
  if (method != "noaux_tc" || score != "sigmoid")
    fields.refuse("topk_method is " + in_quotes(method) + " and scoring_func " + in_quotes(score) +
                  "; " + std::string(to_text(config.family)) +
                  " has \"noaux_tc\" with \"sigmoid\"");
  config.router_score = Router::Score::Sigmoid;
  config.router_bias = true;
  config.router_scale = float(fields.number("routed_scaling_factor", kScale));
  config.router_normalise = fields.flag_or("norm_topk_prob", true);
  read_groups(fields, config);
  if (config.router_groups == 1) return;
  config.router_group = Router::Group::SumOfTwo;
  if (config.experts / config.router_groups < 2)
    fields.refuse("n_group is " + text(config.router_groups) + " for n_routed_experts " +
                  text(config.experts) + "; a group needs at least two experts");
}

}  // namespace

void read_experts(const JsonFields& fields, Config& config) {
  config.experts = fields.integer_or("n_routed_experts", 0, kExperts);
  if (config.experts == 0) return;
  config.expert_inner = fields.integer("moe_intermediate_size", kInner);
  config.shared_experts = fields.integer_or("n_shared_experts", 0, kShared);
  config.chosen_experts = fields.integer("num_experts_per_tok", {1, config.experts});
  const int64_t matrices = config.layers * config.experts * 3;
  if (matrices > kExpertMatricesMax)
    fields.refuse("num_hidden_layers " + text(config.layers) + " and n_routed_experts " +
                  text(config.experts) + " make " + text(matrices) + " matrices; at most " +
                  text(kExpertMatricesMax) + " are supported");
  read_places(fields, config);
  if (config.family == Family::DeepseekV2)
    read_softmax_router(fields, config);
  else
    read_sigmoid_router(fields, config);
}

}  // namespace model
