#pragma once

#include <functional>
#include <string>

#include "apps/settings.h"
#include "formats/problems.h"

namespace apps {

// How the model wants a row's statement to be spelt. Throws Exit(Usage) if it would make noise of
// it.
using Spelling = std::function<std::string(const formats::Submission&)>;

enum class OutsideDomain { Refuse, Ask };

// A model, be it of one role, that was taught the built-in domain alone reads statements in the
// spelling of theorems/theorem.h, and knows no others; for all other models a statement stays as it
// is.
Spelling choose_spelling(const Settings& settings, OutsideDomain outside);

}  // namespace apps
