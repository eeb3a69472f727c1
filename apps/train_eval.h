#pragma once

#include "apps/command.h"

namespace apps {

// elenchus train eval: what a model of the built-in domain can do.
void add_train_eval(CLI::App& train, Invocation& invocation);

}  // namespace apps
