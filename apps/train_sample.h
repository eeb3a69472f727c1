#pragma once

#include "apps/command.h"

namespace apps {

// elenchus train sample: has a model write what it can learn from.
void add_train_sample(CLI::App& train, Invocation& invocation);

}  // namespace apps
