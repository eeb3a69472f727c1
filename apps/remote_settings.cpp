// From settings to servers: which are asked for which role, under which model and with which key.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "apps/config.h"
#include "apps/exit.h"
#include "http/url.h"
#include "text/words.h"

namespace apps {
namespace {

constexpr std::size_t kKeyBytesMax = 16 << 10;

// The key is the first line that is neither blank nor a comment.
std::string read_key_file(const std::string& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    throw Exit(ExitCode::Usage,
               fmt::format("{}: the key file cannot be opened ({})", file, std::strerror(errno)));
  struct stat status {};
  std::string bytes(kKeyBytesMax, '\0');
  const bool known = ::fstat(descriptor, &status) == 0;
  const ssize_t size = known ? ::read(descriptor, bytes.data(), bytes.size()) : -1;
  ::close(descriptor);
  if (size < 0) throw Exit(ExitCode::Usage, fmt::format("{}: the key file cannot be read", file));
  if (S_ISREG(status.st_mode) && (status.st_mode & 077) != 0)
    throw Exit(ExitCode::Usage,
               fmt::format("{}: others may read this key file; run `chmod 600 {}`", file, file));
  bytes.resize(std::size_t(size));
  for (const std::string_view line : text::lines_of(bytes)) {
    const std::string_view key = text::trim(line);
    if (!key.empty() && !key.starts_with('#')) return std::string(key);
  }
  throw Exit(ExitCode::Usage, fmt::format("{}: the key file holds no key", file));
}

std::string key_for(const Settings& settings, const Environment& environment,
                    const std::string& role) {
  if (settings.is_set(role + ".api-key-file"))
    return read_key_file(settings.word(role + ".api-key-file"));
  if (settings.is_set(role + ".api-key-env")) {
    const std::string name = settings.word(role + ".api-key-env");
    const auto key = environment(name);
    if (!key || key->empty())
      throw Exit(ExitCode::Usage, fmt::format("{}: the environment variable {} is not set",
                                              settings.at(role + ".api-key-env").origin, name));
    return *key;
  }
  if (settings.is_set("api-key-file")) return read_key_file(settings.word("api-key-file"));
  return environment("OPENAI_API_KEY").value_or("");
}

std::string checked_url(const std::string& text, const Value& value) {
  const auto url = http::read_url(text);
  if (const auto* reason = std::get_if<std::string>(&url))
    throw Exit(ExitCode::Usage,
               fmt::format("{}: base-url '{}' cannot be used: {}", value.origin, text, *reason));
  return text;
}

std::string checked_body(const Settings& settings, const std::string& name) {
  const std::string text = settings.word(name);
  if (text.empty()) return text;
  if (!nlohmann::json::parse(text, nullptr, false).is_object())
    throw Exit(ExitCode::Usage,
               fmt::format("{}: {} must be a JSON object", settings.at(name).origin, name));
  return text;
}

// Endpoints are equal if they would send the same to the same place.
std::string add_endpoint(pipeline::RemoteConfig& remote, pipeline::Endpoint endpoint) {
  for (const pipeline::Endpoint& known : remote.endpoints)
    if (known.base_url == endpoint.base_url && known.model == endpoint.model &&
        known.api_key == endpoint.api_key && known.extra_body == endpoint.extra_body)
      return known.name;
  int same_place = 1;
  for (const pipeline::Endpoint& known : remote.endpoints)
    if (known.base_url == endpoint.base_url) ++same_place;
  endpoint.name = endpoint.base_url;
  if (same_place > 1) endpoint.name += fmt::format("#{}", same_place);
  remote.endpoints.push_back(std::move(endpoint));
  return remote.endpoints.back().name;
}

// Of a model that no server was named for: it was meant to be a directory, or a server forgotten.
std::string no_directory(const std::string& model) {
  return model.empty() ? "" : ", and its model '" + model + "' is no directory";
}

}  // namespace

bool names_server(const Settings& settings) {
  if (settings.is_set("base-url")) return true;
  for (int role = 0; role < pipeline::kRoles; ++role)
    if (settings.is_set(std::string(to_text(static_cast<pipeline::Role>(role))) + ".base-url"))
      return true;
  return false;
}

pipeline::RemoteConfig make_remote(const Settings& settings, const Environment& environment,
                                   const pipeline::RoleSet& roles) {
  pipeline::RemoteConfig remote;
  remote.retry.attempts_max = settings.integer("attempts", 1, 1000);
  remote.dispatch.outage_ms = settings.milliseconds("outage-timeout");
  for (int i = 0; i < pipeline::kRoles; ++i) {
    if (!roles[std::size_t(i)]) continue;
    const std::string role(to_text(static_cast<pipeline::Role>(i)));
    const auto pick = [&](const std::string& name) {
      return settings.is_set(role + '.' + name) ? role + '.' + name : name;
    };
    const Value& urls = settings.at(pick("base-url"));
    if (urls.words.empty() || urls.words.front().empty())
      throw Exit(ExitCode::Usage,
                 "no server is named for the " + role + no_directory(settings.word(pick("model"))) +
                     ": give --base-url http://HOST:PORT/v1, or set OPENAI_BASE_URL; or give "
                     "--model DIRECTORY for a model of this machine");
    pipeline::RoleRoute& route = remote.routes[std::size_t(i)];
    for (const std::string& url : urls.words) {
      pipeline::Endpoint endpoint;
      endpoint.base_url = checked_url(url, urls);
      endpoint.model = settings.word(pick("model"));
      endpoint.api_key = key_for(settings, environment, role);
      endpoint.extra_body = checked_body(settings, pick("extra-body"));
      endpoint.answering =
          settings.boolean("stream") ? pipeline::Answering::Streamed : pipeline::Answering::Whole;
      // Starts where the user wants to be; a server that has too much to do brings it down.
      endpoint.concurrency.most = settings.integer("in-flight", 1, 100'000);
      endpoint.concurrency.start = endpoint.concurrency.most;
      endpoint.deadlines.connect_ms = http::Milliseconds(settings.milliseconds("connect-timeout"));
      endpoint.deadlines.first_ms =
          http::Milliseconds(settings.milliseconds("first-token-timeout"));
      endpoint.deadlines.between_ms = http::Milliseconds(settings.milliseconds("token-timeout"));
      endpoint.deadlines.total_ms = http::Milliseconds(settings.milliseconds("call-timeout"));
      if (endpoint.model.empty())
        throw Exit(ExitCode::Usage, "no model is named for the " + role +
                                        ": give --model NAME; `elenchus doctor --base-url " + url +
                                        "` lists what the server has");
      route.endpoints.push_back(add_endpoint(remote, std::move(endpoint)));
    }
  }
  return remote;
}

}  // namespace apps
