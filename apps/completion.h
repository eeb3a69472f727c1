#pragma once

#include <CLI/App.hpp>
#include <string>

namespace apps {

enum class Shell { Bash, Zsh, Fish };

// A script that completes commands, long flags, values that are words, and files, made from the
// options themselves: it cannot fall behind them.
std::string completion_script(const CLI::App& app, Shell shell);

}  // namespace apps
