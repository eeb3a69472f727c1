// The servers that the settings name, each asked a few short questions.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "apps/config.h"
#include "apps/doctor.h"
#include "apps/view_text.h"
#include "http/client.h"
#include "pipeline/remote_probe.h"

namespace apps {
namespace {

using State = Check::State;

constexpr std::size_t kModelsShown = 20;
constexpr std::size_t kEndpointsMax = 64;  // each takes a few calls

// Asked for where no model is named: whatever the server makes of it, it lists what it has.
constexpr const char* kNoModel = "elenchus-doctor-names-no-model";

// Roles without a server get the first one that is named, so that those which have one can be
// asked; the same for models.
Settings completed(Settings settings) {
  if (!settings.is_set("base-url"))
    for (int i = 0; i < pipeline::kRoles; ++i) {
      const std::string name = std::string(to_text(static_cast<pipeline::Role>(i))) + ".base-url";
      if (!settings.is_set(name)) continue;
      settings.set("base-url", settings.at(name));
      break;
    }
  if (!settings.is_set("model")) settings.set("model", {{kNoModel}, "built in"});
  return settings;
}

std::string_view words_of(pipeline::Honoured honoured) {
  switch (honoured) {
    case pipeline::Honoured::Unknown:
      return "unknown";
    case pipeline::Honoured::No:
      return "no";
    case pipeline::Honoured::Yes:
      return "yes";
  }
  return "unknown";
}

std::string abilities(const pipeline::ProbeReport& report) {
  return fmt::format(
      "{} ms for one token; reasoning in {}; usage {}; honours seed: {}, n: {}, logprobs: {}",
      report.latency_ms,
      report.reasoning_field.empty() ? "no field that was seen"
                                     : "`" + report.reasoning_field + "`",
      report.gives_usage ? "given" : "not given (tokens are estimated)", words_of(report.seed),
      words_of(report.several), words_of(report.logprobs));
}

std::string listed(const std::vector<std::string>& models) {
  if (models.empty()) return "it lists no models";
  std::vector<std::string> shown(models.begin(),
                                 models.begin() + long(std::min(models.size(), kModelsShown)));
  std::string words = fmt::format("it has {}", fmt::join(shown, ", "));
  if (models.size() > shown.size())
    words += fmt::format(" and {} more", models.size() - shown.size());
  return words;
}

Check check_of(const pipeline::Endpoint& endpoint, const pipeline::ProbeReport& report) {
  const bool named = endpoint.model != kNoModel;
  Check check{"endpoint " + endpoint.name, State::Ok, "", "", false};
  if (!named && report.reachable && (report.usable || !report.models.empty())) {
    check.state = State::Warn;
    check.message = "no model is named; " + listed(report.models);
    check.remedy = report.models.empty() ? "name one with --model"
                                         : "name one, as in --model " + report.models.front();
  } else if (report.usable) {
    check.message = printable(report.message) + "; " + abilities(report);
    check.remedy = report.remedy;
    if (!check.remedy.empty()) check.state = State::Warn;
  } else {
    check.state = State::Fail;
    check.message = report.message;
    check.remedy = report.remedy;
    check.backend = true;
  }
  check.message = printable(check.message);
  check.remedy = printable(check.remedy);
  return check;
}

Check probed(const pipeline::Endpoint& endpoint, const Config& config) {
  boost::asio::io_context context(1);
  http::Client client(context.get_executor(), config.client);
  std::exception_ptr failure;
  pipeline::ProbeReport report;
  boost::asio::co_spawn(context, pipeline::probe(client, endpoint, ""),
                        [&](std::exception_ptr error, pipeline::ProbeReport found) {
                          failure = error;
                          report = std::move(found);
                          client.close_idle();
                        });
  context.run();
  if (failure) std::rethrow_exception(failure);
  return check_of(endpoint, report);
}

}  // namespace

Checks check_endpoints(const Settings& settings, const Config& config,
                       const Environment& environment, const pipeline::RoleSet& roles) {
  if (!names_server(settings))
    return {{"endpoint", State::Warn, "no server is named",
             "give --base-url http://HOST:PORT/v1 and --model NAME, or set base-url and model in "
             "elenchus.toml",
             false}};
  Checks checks;
  try {
    const pipeline::RemoteConfig remote = make_remote(completed(settings), environment, roles);
    for (const pipeline::Endpoint& endpoint : remote.endpoints) {
      if (checks.size() == kEndpointsMax) {
        checks.push_back({"endpoint", State::Warn,
                          fmt::format("only the first {} are asked", kEndpointsMax),
                          "ask the others alone with --base-url", false});
        break;
      }
      try {
        checks.push_back(probed(endpoint, config));
      } catch (const std::exception& error) {
        checks.push_back({"endpoint " + endpoint.name, State::Fail, printable(error.what()),
                          "correct the settings of this server", false});
      }
    }
  } catch (const std::exception& error) {
    checks.push_back(
        {"endpoint", State::Fail, printable(error.what()), "correct this setting", false});
  }
  return checks;
}

}  // namespace apps
