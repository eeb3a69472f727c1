#include <cmath>

#include "model/config_parts.h"
#include "model/files.h"

namespace model {
namespace {

constexpr Limits<double> kTheta = {1.5, 1e12};
constexpr Limits<double> kFactor = {1, 1e6};
constexpr Limits<double> kBeta = {1e-3, 1e6};
constexpr Limits<double> kMscale = {0, 100};
constexpr Limits<int64_t> kOriginalPositions = {1, 1 << 24};

// DeepSeek's own code divides the corrections for mscale (1 if not given) and mscale_all_dim (0 if
// not given); transformers does so if both are given and not 0, and else corrects with 1 alone.
double own_magnitude(const Yarn& yarn) {
  return yarn_mscale(yarn.factor, yarn.mscale) / yarn_mscale(yarn.factor, yarn.mscale_all_dim);
}

void refuse_two_readings(const JsonFields& fields, const JsonFields& scaling, const Yarn& yarn) {
  const bool both = scaling.has("mscale") && yarn.mscale != 0 && yarn.mscale_all_dim != 0;
  const double other = both ? own_magnitude(yarn) : yarn_mscale(yarn.factor, 1);
  const double given = scaling.number_or("attention_factor", other, {1e-3, 1e3});
  constexpr double kEqual = 1e-6;
  if (std::abs(own_magnitude(yarn) - other) > kEqual || std::abs(given - other) > kEqual)
    fields.refuse(
        "rope_scaling's mscale, mscale_all_dim and attention_factor can be read in two ways, as " +
        std::to_string(own_magnitude(yarn)) + " and as " +
        std::to_string(std::abs(given - other) > kEqual ? given : other) +
        "; give mscale and mscale_all_dim, both not 0");
}

Yarn read_yarn(const JsonFields& fields, const JsonFields& scaling, const Config& config) {
  Yarn yarn;
  yarn.factor = scaling.number("factor", kFactor);
  yarn.original_positions =
      scaling.integer_or("original_max_position_embeddings", config.positions, kOriginalPositions);
  yarn.beta_fast = scaling.number_or("beta_fast", 32, kBeta);
  yarn.beta_slow = scaling.number_or("beta_slow", 1, kBeta);
  yarn.mscale = scaling.number_or("mscale", 1, kMscale);
  yarn.mscale_all_dim = scaling.number_or("mscale_all_dim", 0, kMscale);
  if (yarn.beta_fast < yarn.beta_slow)
    fields.refuse("rope_scaling's beta_fast " + std::to_string(yarn.beta_fast) +
                  " is less than its beta_slow " + std::to_string(yarn.beta_slow));
  if (!scaling.flag_or("truncate", true))
    fields.refuse("rope_scaling's truncate is false; only true is supported");
  refuse_two_readings(fields, scaling, yarn);
  return yarn;
}

}  // namespace

double yarn_mscale(double factor, double multiplier) {
  return factor <= 1 ? 1 : 0.1 * multiplier * std::log(factor) + 1;
}

double rope_magnitude(const Config& config) {
  return config.yarn ? own_magnitude(*config.yarn) : 1;
}

// Two spellings: rope_theta beside rope_scaling, which is null where nothing is stretched; and,
// since transformers 5, rope_parameters with rope_theta in it.
void read_rope(const JsonFields& fields, Config& config) {
  config.rope_pairs = fields.flag_or("rope_interleave", true) ? RopePairs::Interleaved  //
                                                              : RopePairs::HalfSplit;
  if (config.rope_pairs == RopePairs::HalfSplit && config.family != Family::DeepseekV3)
    fields.refuse("rope_interleave is false, which only deepseek_v3 knows");
  config.rope_theta = fields.number_or("rope_theta", 10000, kTheta);
  std::optional<JsonFields> scaling = fields.object("rope_scaling");
  if (!scaling) scaling = fields.object("rope_parameters");
  if (!scaling) return;
  config.rope_theta = scaling->number_or("rope_theta", config.rope_theta, kTheta);
  for (const JsonFields& place : {fields, *scaling})
    if (place.number_or("partial_rotary_factor", 1, {0, 1}) != 1)
      fields.refuse("partial_rotary_factor is not 1, which is not supported");
  const std::string type = scaling->word_or("rope_type", scaling->word_or("type", "default"));
  if (type == "default") return;
  if (type != "yarn")
    fields.refuse("rope_scaling's type is " + in_quotes(type) +
                  "; only \"yarn\" and \"default\" are supported");
  config.yarn = read_yarn(fields, *scaling, config);
}

}  // namespace model
