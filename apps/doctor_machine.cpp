// What the machine offers: cores, memory, descriptors, a terminal, certificates, templates.
#include <openssl/x509.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fmt/format.h>
#include <cctype>
#include <charconv>
#include <fstream>
#include <limits>

#include "apps/doctor.h"
#include "apps/view.h"
#include "apps/view_text.h"
#include "http/tls.h"
#include "kernels/cuda/device.h"
#include "prompts/template.h"

namespace apps {
namespace {

constexpr double kGiB = double(1 << 30);
constexpr double kMemoryWarnBytes = 0.5 * kGiB;
constexpr int64_t kOtherDescriptors = 64;  // the ledger, name look-ups, idle connections

// The number behind `key` in a file of lines such as "MemTotal:  16303316 kB"; 0 if there is none.
int64_t number_in(const char* file, std::string_view key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    std::size_t begin = key.size();
    while (begin < line.size() && std::isdigit(static_cast<unsigned char>(line[begin])) == 0)
      ++begin;
    int64_t number = 0;
    std::from_chars(line.data() + begin, line.data() + line.size(), number);
    return number;
  }
  return 0;
}

std::string cpu_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (const std::size_t colon = line.find(": ");
        line.starts_with("model name") && colon != std::string::npos)
      return printable(line.substr(colon + 2));
  return "unknown processor";
}

Check check_processor() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int cores = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
  return {"processor", Check::State::Ok, fmt::format("{} core(s), {}", cores, cpu_name()), "",
          false};
}

Check check_memory() {
  const double total = double(number_in("/proc/meminfo", "MemTotal:")) * 1024;
  const double available = double(number_in("/proc/meminfo", "MemAvailable:")) * 1024;
  Check check{"memory", Check::State::Ok,
              fmt::format("{:.1f} GiB, {:.1f} GiB available", total / kGiB, available / kGiB), "",
              false};
  if (available > 0 && available < kMemoryWarnBytes) {
    check.state = Check::State::Warn;
    check.remedy = "end other programs, or run with fewer --items-in-flight";
  }
  return check;
}

// What a model of this machine could run on. None is well, unless it was asked for.
Check check_card(const Settings& settings) {
  Check check{"card", Check::State::Ok, "", "", false};
  std::string why;
  const std::vector<CudaDevice> cards = cuda_devices(&why);
  for (const CudaDevice& card : cards)
    check.message += fmt::format(
        "{}{} (compute capability {}.{}, {:.1f} GiB, {:.1f} GiB free, driver for CUDA {}.{}{})",
        check.message.empty() ? "" : "; ", printable(card.name), card.major, card.minor,
        double(card.bytes) / kGiB, double(card.bytes_free) / kGiB, card.driver_version / 1000,
        card.driver_version % 1000 / 10,
        card.supported() ? "" : fmt::format("; {}.0 is the least", CudaDevice::kMajorLeast));
  if (cards.empty()) check.message = why;
  const bool usable = !cards.empty() && cards.front().supported();
  if (!usable && settings.word("device") == "cuda") {
    check.state = Check::State::Fail;
    check.remedy = "use --device cpu, or a machine and a build with such a card";
  }
  return check;
}

// The program raises its soft limit to the hard one when it starts.
Check check_descriptors(const Config& config) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const int64_t hard = limit.rlim_max == RLIM_INFINITY ? std::numeric_limits<int64_t>::max()
                                                       : int64_t(limit.rlim_max);
  const int64_t needed = config.in_flight + kOtherDescriptors;
  Check check{
      "descriptors", Check::State::Ok,
      fmt::format("{} may be open, {} calls in flight need about {}",
                  hard == std::numeric_limits<int64_t>::max() ? "any number" : std::to_string(hard),
                  config.in_flight, needed),
      "", false};
  if (hard < needed) {
    check.state = Check::State::Fail;
    check.remedy = fmt::format(
        "raise the hard limit to {} (`ulimit -Hn`, LimitNOFILE= of systemd), or use --in-flight {}",
        needed, std::max<int64_t>(1, hard - kOtherDescriptors));
  }
  return check;
}

Check check_terminal(const Config& config, const Environment& environment) {
  const View::Options options = view_options(config, environment);
  std::string message = "standard error is none: progress is told by a line now and then";
  if (options.terminal)
    message = fmt::format("{} columns, {} lines, {} colours", options.width, options.height,
                          options.colour ? "with" : "without");
  return {"terminal", Check::State::Ok, message, "", false};
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return !path.empty() && std::filesystem::exists(path, ignored);
}

}  // namespace

Checks check_machine(const Settings& settings, const Config& config,
                     const Environment& environment) {
  return {check_processor(), check_memory(), check_card(settings), check_descriptors(config),
          check_terminal(config, environment)};
}

Checks check_trust(const Config& config, bool needed) {
  Check check{"TLS certificates", Check::State::Ok, "", "", false};
  const auto problem = needed ? Check::State::Fail : Check::State::Warn;
  const std::string file =
      config.client.ca_file.empty() ? X509_get_default_cert_file() : config.client.ca_file;
  const std::string folder = X509_get_default_cert_dir();
  try {
    const http::TlsContext context(config.client.ca_file);
    std::error_code ignored;
    const bool folder_used = config.client.ca_file.empty() && exists(folder) &&
                             !std::filesystem::is_empty(folder, ignored);
    if (exists(file) || folder_used) {
      check.message = "trusted: " + (exists(file) ? file : folder);
    } else {
      check.state = problem;
      check.message = fmt::format("neither {} nor {} holds any", file, folder);
      check.remedy =
          "install them (`apt-get install ca-certificates`), or name a file in "
          "SSL_CERT_FILE; http:// servers need none";
    }
  } catch (const std::exception& error) {
    check.state = problem;
    check.message = error.what();
    check.remedy = "correct SSL_CERT_FILE";
  }
  return {check};
}

Checks check_templates(const Config& config) {
  Check check{"templates", Check::State::Ok, "the four that are shipped", "", false};
  try {
    const prompts::TemplateSet set = config.prompts
                                         ? prompts::TemplateSet::from_directory(*config.prompts)
                                         : prompts::TemplateSet::shipped();
    if (config.prompts) check.message = config.prompts->string() + " and what it lacks as shipped";
    // Filled once, so that a place that cannot be filled is found here.
    prompts::render(set.at("verify"), {{"problem", "1 = 1"}, {"proof", "Clear."}}, "doctor");
  } catch (const std::exception& error) {
    check.state = Check::State::Fail;
    check.message = error.what();
    check.remedy = "correct this template, or leave --prompts out";
  }
  return {check};
}

}  // namespace apps
