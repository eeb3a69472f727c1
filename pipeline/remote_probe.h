#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/client.h"
#include "pipeline/remote_config.h"

namespace pipeline {

// What an endpoint can do, found out by asking it: its list of models and a few calls of at most
// kProbeTokens tokens each. For `doctor`, and before a run.
inline constexpr int64_t kProbeTokens = 16;
inline constexpr int64_t kProbeCallMs = 60'000;
inline constexpr std::size_t kProbeModelsMax = 1000;

// Whether a server does what a field of a request asks for.
enum class Honoured { Unknown, No, Yes };

struct ProbeReport {
  bool usable = false;               // a call was answered
  bool reachable = false;            // HTTP came back, be it an error
  int64_t http_status = 0;           // of the call; of the list of models if there was no call
  std::vector<std::string> models;   // at most kProbeModelsMax; empty: it gives no list
  std::vector<std::string> nearest;  // of those, if the asked one is not among them: the likeliest
  std::string reasoning_field;       // empty: none was seen
  bool gives_usage = false;
  Honoured seed = Honoured::Unknown;
  Honoured several = Honoured::Unknown;  // n > 1
  Honoured logprobs = Honoured::Unknown;
  int64_t latency_ms = 0;  // of a call for one token
  std::string message;     // what was found, without secrets
  std::string remedy;      // what to do about it; empty: nothing
};

// `model`: the one to ask for; empty: the endpoint's own. Throws std::runtime_error if the
// endpoint's configuration cannot be used. `client` outlives the call.
net::awaitable<ProbeReport> probe(http::Client& client, Endpoint endpoint, std::string model);

// The names most like `wanted`, at most three, the likeliest first.
std::vector<std::string> nearest_names(std::string_view wanted,
                                       const std::vector<std::string>& names);

}  // namespace pipeline
