#include "tests/support/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <utility>

extern char** environ;

namespace support {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {

[[noreturn]] void fail(int error, const std::string& attempt) {
  throw std::system_error(error, std::generic_category(), attempt);
}

struct Pipe {
  int read = -1;
  int write = -1;

  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail(errno, "cannot make a pipe");
    read = ends[0];
    write = ends[1];
  }
  ~Pipe() {
    if (read >= 0) ::close(read);
    if (write >= 0) ::close(write);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
};

std::vector<std::string> environment_with(const std::map<std::string, std::string>& changes) {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    if (!changes.contains(text.substr(0, text.find('=')))) entries.push_back(text);
  }
  for (const auto& [name, value] : changes)
    if (!value.empty()) entries.push_back(name + "=" + value);
  return entries;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// The part of the remaining time in whole milliseconds, rounded up so that nobody spins.
milliseconds left_until(Clock::time_point end) {
  const auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
  return std::max(left, milliseconds(0));
}

}  // namespace

ChildProcess::ChildProcess(Options options) {
  if (options.command.empty()) throw std::logic_error("a child process needs a program");
  if (options.input.size() > kInputBytesMax) throw std::logic_error("the input is too long");
  Pipe input;
  Pipe output;
  Pipe errors;

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.read, 0);
  posix_spawn_file_actions_adddup2(&actions, output.write, 1);
  posix_spawn_file_actions_adddup2(&actions, errors.write, 2);
  if (options.directory) posix_spawn_file_actions_addchdir_np(&actions, options.directory->c_str());

  std::vector<std::string> environment = environment_with(options.environment);
  const std::string program = options.command.front();
  const int error =
      ::posix_spawnp(&pid_, program.c_str(), &actions, nullptr, pointers_to(options.command).data(),
                     pointers_to(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) fail(error, "cannot start " + program);

  // Our own reading end is still open, so this can neither block nor raise SIGPIPE.
  if (!options.input.empty() &&
      ::write(input.write, options.input.data(), options.input.size()) < 0)
    fail(errno, "cannot write the input of " + program);
  output_pipe_ = std::exchange(output.read, -1);
  errors_pipe_ = std::exchange(errors.read, -1);
}

ChildProcess::ChildProcess(const Work& work) {
  Pipe output;
  pid_ = ::fork();
  if (pid_ < 0) fail(errno, "cannot start a child process");
  if (pid_ == 0) {
    int code = kThrew;
    try {
      code = work(output.write);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "child: %s\n", error.what());
    }
    ::_exit(code);
  }
  output_pipe_ = std::exchange(output.read, -1);
}

ChildProcess::~ChildProcess() {
  if (!exit_code_) {
    ::kill(pid_, SIGKILL);
    reap();
  }
  if (output_pipe_ >= 0) ::close(output_pipe_);
  if (errors_pipe_ >= 0) ::close(errors_pipe_);
}

bool ChildProcess::pump(milliseconds limit_ms) {
  std::array<pollfd, 2> waits = {pollfd{output_pipe_, POLLIN, 0}, pollfd{errors_pipe_, POLLIN, 0}};
  if (output_pipe_ < 0 && errors_pipe_ < 0) return false;
  if (::poll(waits.data(), waits.size(), int(limit_ms.count())) <= 0) return true;

  const auto take = [](const pollfd& wait, int& pipe, std::string& text) {
    if (wait.revents == 0) return;
    char bytes[4096];
    const ssize_t count = ::read(pipe, bytes, sizeof bytes);
    if (count > 0) text.append(bytes, std::size_t(count));
    if (count == 0) ::close(std::exchange(pipe, -1));
  };
  take(waits[0], output_pipe_, output_);
  take(waits[1], errors_pipe_, errors_);
  return true;
}

std::optional<std::string> ChildProcess::read_line(milliseconds limit_ms) {
  const auto end = Clock::now() + limit_ms;
  while (true) {
    const std::size_t line_end = output_.find('\n');
    if (line_end != std::string::npos) {
      std::string line = output_.substr(0, line_end);
      output_.erase(0, line_end + 1);
      return line;
    }
    if (output_pipe_ < 0 || Clock::now() >= end) return std::nullopt;
    pump(left_until(end));
  }
}

void ChildProcess::signal(int number) {
  if (!exit_code_) ::kill(pid_, number);
}

void ChildProcess::reap() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

ChildProcess::Ended ChildProcess::wait(milliseconds limit_ms) {
  const auto end = Clock::now() + limit_ms;
  while (Clock::now() < end && pump(left_until(end))) {
  }
  if (!exit_code_) {
    // Both pipes ended, or the time is over. A child may close its pipes and live on.
    siginfo_t state{};
    while (Clock::now() < end &&
           ::waitid(P_PID, id_t(pid_), &state, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           state.si_pid == 0)
      ::usleep(1000);
    if (state.si_pid == 0) ::kill(pid_, SIGKILL);
    reap();
  }
  while (pump(milliseconds(0)) && (output_pipe_ >= 0 || errors_pipe_ >= 0)) {
    // What a grandchild still holds open is not waited for.
    std::array<pollfd, 2> waits = {pollfd{output_pipe_, POLLIN, 0},
                                   pollfd{errors_pipe_, POLLIN, 0}};
    if (::poll(waits.data(), waits.size(), 0) <= 0) break;
  }
  return {*exit_code_, std::move(output_), std::move(errors_)};
}

ChildProcess::Ended run_program(ChildProcess::Options options, milliseconds limit_ms) {
  ChildProcess child(std::move(options));
  return child.wait(limit_ms);
}

}  // namespace support
