#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/remote_config.h"

namespace pipeline {

// Throws std::runtime_error, which names the endpoint and the remedy, if it cannot be used: no
// name, model or valid address, a key or field that HTTP cannot carry, extra_body that is no
// object or sets what is ours.
void check_endpoint(const Endpoint& endpoint);

// A request to `path` below the base address, with the key and the fields of the endpoint.
http::Request endpoint_request(const Endpoint& endpoint, std::string_view method,
                               std::string_view path);

// "<call key>#<attempt>" with whatever a field of HTTP cannot carry replaced by '_'.
std::string request_id(std::string_view call_key, int64_t attempt);

// What answers, without secrets: the model, and the extra body, since it changes answers. The
// place is left out: the same model at another address goes on with the same run.
std::string endpoint_identity(const Endpoint& endpoint, std::string_view model);

// Whether a server that was asked for one model answers under a quite different name. Servers
// add paths, dates and quantisations to names: those are no difference.
bool is_another_model(std::string_view asked, std::string_view answered);

// Takes secrets out of texts of others: a server may echo the key that it was sent.
class Redactor {
 public:
  // Placeholders ("none") are too short to be secrets; in answers, where chance could repeat a
  // short key, only long ones are replaced.
  static constexpr std::size_t kSecretBytesMin = 6;
  static constexpr std::size_t kSecretInAnswerBytesMin = 16;

  explicit Redactor(const std::vector<Endpoint>& endpoints);

  // Each secret replaced by "***".
  std::string message(std::string text) const;
  std::string answer(std::string text) const;

 private:
  std::vector<std::string> secrets_;  // longest first
};

}  // namespace pipeline
