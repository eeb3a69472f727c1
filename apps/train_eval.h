#pragma once

#include <string>
#include <vector>

#include "apps/command.h"
#include "theorems/family.h"

namespace apps {

// The families of these names; none: all. Throws Exit(Usage).
std::vector<theorems::Family> families_of(const std::vector<std::string>& names);

// elenchus train eval: what a model of the built-in domain can do.
void add_train_eval(CLI::App& train, Invocation& invocation);

}  // namespace apps
