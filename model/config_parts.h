#pragma once

#include "model/config.h"
#include "model/json_fields.h"

namespace model {

// config.json is read in these parts, in this order. Each checks what it reads, and what it reads
// against the parts before.
void read_sizes(const JsonFields& fields, Config& config);
void read_rope(const JsonFields& fields, Config& config);
void read_experts(const JsonFields& fields, Config& config);
void read_indexer(const JsonFields& fields, Config& config);
void read_quantisation(const JsonFields& fields, Config& config);

// 0.1 multiplier ln(factor) + 1, or 1 where nothing is stretched: the correction of attention's
// temperature (Peng et al. 2023, eq. 22).
double yarn_mscale(double factor, double multiplier);

// What cosines and sines are multiplied with.
double rope_magnitude(const Config& config);

}  // namespace model
