#include "model/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "model/config.h"
#include "text/utf8.h"

namespace model {
namespace {

std::string why() { return std::generic_category().message(errno); }

class Descriptor {
 public:
  // O_NONBLOCK: opening a pipe must not wait for its writer.
  explicit Descriptor(const std::filesystem::path& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (fd_ < 0) throw Refused(path.string() + " cannot be opened: " + why());
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }

  std::size_t bytes_of_regular_file(const std::filesystem::path& path) const {
    struct stat facts = {};
    if (::fstat(fd_, &facts) != 0) throw Refused(path.string() + " cannot be read: " + why());
    if (!S_ISREG(facts.st_mode)) throw Refused(path.string() + " is not a regular file");
    return std::size_t(facts.st_size);
  }

 private:
  int fd_;
};

}  // namespace

std::string read_whole_file(const std::filesystem::path& path, std::size_t bytes_max) {
  const Descriptor file(path);
  const std::size_t size = file.bytes_of_regular_file(path);
  if (size > bytes_max)
    throw Refused(path.string() + " has " + std::to_string(size) + " bytes; at most " +
                  std::to_string(bytes_max) + " are read");
  std::string text(size, '\0');
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t got = ::read(file.get(), text.data() + filled, size - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Refused(path.string() + " cannot be read: " + why());
    if (got == 0) throw Refused(path.string() + " became shorter while it was read");
    filled += std::size_t(got);
  }
  return text;
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Descriptor file(path);
  const std::size_t size = file.bytes_of_regular_file(path);
  if (size == 0) throw Refused(path.string() + " is empty");
  void* begin = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (begin == MAP_FAILED) throw Refused(path.string() + " cannot be mapped: " + why());
  bytes_ = {static_cast<const unsigned char*>(begin), size};
}

MappedFile::~MappedFile() { ::munmap(const_cast<unsigned char*>(bytes_.data()), bytes_.size()); }

std::string in_quotes(std::string_view text) {
  std::string line = text::repair_utf8(text.substr(0, kQuotedBytesMax));
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  return '"' + line + (text.size() > kQuotedBytesMax ? "..." : "") + '"';
}

}  // namespace model
