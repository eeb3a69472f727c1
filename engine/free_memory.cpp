#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>

#include "engine/device.h"

namespace engine {
namespace {

// "MemAvailable:   123 kB"
int64_t available_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  int64_t kilobytes = 0;
  while (file >> name >> kilobytes) {
    if (name == "MemAvailable:") return kilobytes * 1024;
    std::getline(file, unit);
  }
  return 0;
}

int64_t number_in(const char* path) {
  std::ifstream file(path);
  int64_t number = 0;
  return file >> number ? number : -1;  // "max": no limit
}

}  // namespace

int64_t free_memory() {
  int64_t bytes = available_bytes();
  const int64_t limit = number_in("/sys/fs/cgroup/memory.max");
  const int64_t used = number_in("/sys/fs/cgroup/memory.current");
  if (limit >= 0 && used >= 0) bytes = std::min(bytes, std::max<int64_t>(limit - used, 0));
  return bytes;
}

}  // namespace engine
