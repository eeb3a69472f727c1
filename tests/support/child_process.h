#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace support {

// A process started by a test, its output read through pipes. Killed (SIGKILL) and waited for when
// the object ends. Used by one thread.
class ChildProcess {
 public:
  struct Options {
    std::vector<std::string> command;                // path of the program, then its arguments
    std::map<std::string, std::string> environment;  // added to ours; an empty value removes
    std::optional<std::filesystem::path> directory;
    std::string input;  // on its standard input, which then ends; at most kInputBytesMax
  };
  static constexpr std::size_t kInputBytesMax = 32 << 10;  // fits into a pipe: no writer thread

  // Throws std::system_error if the program cannot be started.
  explicit ChildProcess(Options options);

  // A copy of this process that runs `work` and leaves with what it returns, or with kThrew. What
  // `work` writes to `report`, a pipe, is the output; its errors go where ours go.
  // REQUIRES: this process has no other thread.
  using Work = std::function<int(int report)>;
  explicit ChildProcess(const Work& work);
  static constexpr int kThrew = 99;

  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // The next line of its standard output without the line end; nothing at its end or when the
  // time is over.
  std::optional<std::string> read_line(std::chrono::milliseconds limit_ms);

  void signal(int number);

  struct Ended {
    int exit_code = -1;  // as a shell has it: 128 + number for a death by signal
    std::string output;  // what read_line has not taken
    std::string errors;
  };
  // Reads on to the end and waits. Kills it when the time is over.
  Ended wait(std::chrono::milliseconds limit_ms);

  pid_t pid() const { return pid_; }

 private:
  // Reads what is there from both pipes, waiting for at most `limit_ms`; false at both ends.
  bool pump(std::chrono::milliseconds limit_ms);
  void reap();

  pid_t pid_ = -1;
  int output_pipe_ = -1;
  int errors_pipe_ = -1;
  std::string output_;
  std::string errors_;
  std::optional<int> exit_code_;
};

// Runs a program to its end.
ChildProcess::Ended run_program(ChildProcess::Options options,
                                std::chrono::milliseconds limit_ms = std::chrono::seconds(60));

}  // namespace support
