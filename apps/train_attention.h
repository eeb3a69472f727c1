#pragma once

#include "apps/command.h"

namespace apps {

// elenchus train attention: what reading fewer or more tokens does to a model of the domain.
void add_train_attention(CLI::App& train, Invocation& invocation);

}  // namespace apps
