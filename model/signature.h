#pragma once

#include <string>

#include "model/network.h"

namespace model {

// A hash (hexadecimal SHA-256) of the logits that fixed tokens get at every position: equal if and
// only if weights and arithmetic are equal to the bit. Takes `tokens` tokens, in steps of as many
// rows as the network allows. REQUIRES: tokens <= context_max().
std::string logits_signature(Network& network, int64_t tokens);

}  // namespace model
