#pragma once

#include <stdexcept>
#include <string>

namespace apps {

// The exit codes of every command: a contract, to which codes may be added and none changed.
enum class ExitCode {
  Done = 0,           // finished; with --require: every item reached it
  ItemFailed = 1,     // finished, but at least one item ended in an error; or an internal error
  Usage = 2,          // usage, configuration or input is wrong; nothing was started
  Backend = 3,        // the model's server or the ledger is not to be had as asked
  Stopped = 4,        // stopped by a budget or limit; what was done is saved
  BelowGate = 10,     // finished, but a verdict is below --require, or something was found
  Interrupted = 130,  // SIGINT, after everything is saved
  Terminated = 143,   // SIGTERM, likewise
};

// Ends the command with one sentence for the person: what, where, what to do.
struct Exit : std::runtime_error {
  Exit(ExitCode exit_code, const std::string& sentence)
      : std::runtime_error(sentence), code(exit_code) {}
  ExitCode code;
};

}  // namespace apps
