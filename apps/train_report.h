#pragma once

#include "apps/command.h"

namespace apps {

// elenchus train report: what a training run measured, as plots.
void add_train_report(CLI::App& train, Invocation& invocation);

}  // namespace apps
