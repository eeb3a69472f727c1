#include "apps/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "apps/exit.h"
#include "storage/files.h"

namespace apps {
namespace {

constexpr int kNamesTried = 100;

[[noreturn]] void refuse(const std::filesystem::path& file, std::string_view reason) {
  throw Exit(ExitCode::Usage, fmt::format("{}: {}", file.string(), reason));
}

}  // namespace

Output::Output(const std::string& file) {
  if (file == "-") return;
  std::error_code ignored;
  const std::filesystem::path wanted = file;
  if (std::filesystem::is_directory(wanted, ignored))
    refuse(wanted, "is a directory; name a file in it");
  if (std::filesystem::exists(wanted, ignored) &&
      !std::filesystem::is_regular_file(wanted, ignored))
    refuse(wanted, "is no ordinary file and cannot be replaced; use -o - and a pipe");
  try {
    file_ = storage::resolved(wanted);
  } catch (const std::exception&) {
    refuse(wanted, "its folder does not exist; make it first");
  }
  for (int number = 0; number < kNamesTried && descriptor_ < 0; ++number) {
    beside_ = fmt::format("{}.part-{}-{}", file_.string(), ::getpid(), number);
    descriptor_ = ::open(beside_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST) break;
  }
  if (descriptor_ < 0) refuse(wanted, fmt::format("cannot be written ({})", std::strerror(errno)));
}

Output::~Output() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(beside_.c_str());
}

void Output::write(std::string_view bytes) {
  if (file_.empty()) {
    write_stdout(bytes);
    return;
  }
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) refuse(file_, fmt::format("cannot be written ({})", std::strerror(errno)));
    bytes.remove_prefix(std::size_t(written));
  }
}

void Output::commit() {
  if (file_.empty()) return;
  const bool synced = ::fsync(descriptor_) == 0;
  if (!synced || ::rename(beside_.c_str(), file_.c_str()) != 0)
    refuse(file_, fmt::format("cannot be written ({})", std::strerror(errno)));
  ::close(descriptor_);
  descriptor_ = -1;
  storage::sync_to_disk(file_.parent_path());
}

void write_whole_file(const std::filesystem::path& file, std::string_view bytes) {
  std::error_code ignored;
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), ignored);
  Output output(file == "-" ? "./-" : file.string());
  output.write(bytes);
  output.commit();
}

void write_stdout(std::string_view bytes) {
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size();
  if (!written || std::fflush(stdout) != 0)
    throw Exit(ExitCode::ItemFailed, fmt::format("standard output cannot be written ({}); what was "
                                                 "to be printed is incomplete",
                                                 std::strerror(errno)));
}

bool stdout_is_terminal() { return ::isatty(::fileno(stdout)) == 1; }

}  // namespace apps
