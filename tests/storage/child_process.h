#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

// A forked child that runs `work(report)`, where `report` is the writing end of a pipe, and leaves
// with what it returns. It is killed and reaped with this object at the latest.
// REQUIRES: the parent has no other thread at the fork.
class ChildProcess {
 public:
  template <class Work>
  explicit ChildProcess(const Work& work) {
    int ends[2] = {};
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("no child process");
    if (pid_ == 0) {
      ::close(ends[0]);
      int code = 99;
      try {
        code = work(ends[1]);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "child: %s\n", error.what());
      }
      ::_exit(code);
    }
    ::close(ends[1]);
    report_ = ends[0];
  }
  ~ChildProcess() {
    kill();
    ::close(report_);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }

  char read_byte() {
    char byte = 0;
    return ::read(report_, &byte, 1) == 1 ? byte : '\0';
  }

  // All that the child wrote; returns once it has closed its end or died.
  std::string read_all() {
    std::string all;
    char bytes[4096];
    for (ssize_t size = 0; (size = ::read(report_, bytes, sizeof bytes)) > 0;)
      all.append(bytes, std::size_t(size));
    return all;
  }

  // Whether something can be read within the time.
  bool has_reported(int wait_ms) const {
    pollfd wanted{report_, POLLIN, 0};
    return ::poll(&wanted, 1, wait_ms) > 0;
  }

  void send_kill() const { ::kill(pid_, SIGKILL); }

  void kill() {
    if (pid_ <= 0) return;
    send_kill();
    exit_code();
  }

  int exit_code() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
  int report_ = -1;
};
