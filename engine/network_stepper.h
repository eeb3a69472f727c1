#pragma once

#include <memory>

#include "engine/stepper.h"

namespace engine {

// `network` outlives it.
std::unique_ptr<Stepper> stepper_of(model::Network& network);
std::unique_ptr<Stepper> stepper_of(std::unique_ptr<model::Network> network);

}  // namespace engine
