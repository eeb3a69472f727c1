#include "apps/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "apps/exit.h"

namespace apps {
namespace {

constexpr double kPriceMax = 1e9;

pipeline::Effort make_effort(const Settings& settings) {
  const std::string name = settings.word("effort");
  std::optional<pipeline::Effort> effort = pipeline::effort_of(name);
  if (!effort)
    throw Exit(ExitCode::Usage, fmt::format("{}: effort is '{}', but must be one of {}",
                                            settings.at("effort").origin, name,
                                            fmt::join(pipeline::kEffortNames, ", ")));
  bool votes_set = false;
  for (const pipeline::EffortNumber& number : pipeline::effort_numbers()) {
    const std::string key(number.name);
    if (!settings.is_set(key)) continue;
    number.field(*effort) = settings.integer(key, number.low, number.high);
    if (key == "votes") votes_set = true;
  }
  // A preset's quorum is three quarters of its votes; it follows votes that are set alone.
  if (votes_set && !settings.is_set("quorum"))
    effort->votes.quorum = (3 * effort->votes.votes + 3) / 4;
  if (settings.is_set("mean-threshold"))
    effort->votes.mean_threshold = settings.real("mean-threshold", 0.01, 1);
  if (settings.is_set("stop-early")) effort->stop_early = settings.boolean("stop-early");
  if (settings.is_set("rule")) {
    const auto rule = pipeline::rule_of(settings.word("rule"));
    if (!rule)
      throw Exit(ExitCode::Usage,
                 fmt::format("{}: rule is '{}', but must be one of unanimous, label, mean, "
                             "majority, min, median",
                             settings.at("rule").origin, settings.word("rule")));
    effort->rule = *rule;
  }
  if (const auto problem = pipeline::problem_with(*effort)) throw Exit(ExitCode::Usage, *problem);
  return *effort;
}

// The role's own setting if it is set, else the common one.
std::string pick(const Settings& settings, pipeline::Role role, const std::string& name) {
  const std::string own = std::string(to_text(role)) + '.' + name;
  return settings.is_set(own) ? own : name;
}

pipeline::RoleSettings make_role_settings(const Settings& settings, pipeline::Role role) {
  pipeline::RoleSettings made;
  made.sampling.temperature = settings.real(pick(settings, role, "temperature"), 0, 10);
  made.sampling.top_p = settings.real(pick(settings, role, "top-p"), 0, 1);
  made.sampling.max_tokens = settings.integer(pick(settings, role, "max-tokens"), 1, 1 << 26);
  const std::string prefix = std::string(to_text(role)) + '.';
  if (settings.is_set(prefix + "top-k"))
    made.sampling.top_k = settings.integer(prefix + "top-k", 1, 1 << 20);
  if (settings.is_set(prefix + "min-p"))
    made.sampling.min_p = settings.real(prefix + "min-p", 0, 1);
  made.price.prompt_per_million = settings.real(pick(settings, role, "price-prompt"), 0, kPriceMax);
  made.price.output_per_million = settings.real(pick(settings, role, "price-output"), 0, kPriceMax);
  return made;
}

Display make_display(const Settings& settings) {
  const std::string name = settings.word("display");
  if (name == "auto") return Display::Auto;
  if (name == "full") return Display::Full;
  if (name == "plain") return Display::Plain;
  if (name == "none") return Display::None;
  throw Exit(ExitCode::Usage, fmt::format("{}: display is '{}', but must be auto, full, plain or "
                                          "none",
                                          settings.at("display").origin, name));
}

std::string first_of(const Environment& environment, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const auto value = environment(name); value && !value->empty()) return *value;
  return {};
}

}  // namespace

Config make_config(const Settings& settings, const Environment& environment) {
  constexpr int64_t most = int64_t{1} << 53;
  Config config;
  config.effort_name = settings.word("effort");
  config.effort = make_effort(settings);
  config.seed = settings.integer("seed", 0, most);
  for (int role = 0; role < pipeline::kRoles; ++role)
    config.roles[std::size_t(role)] =
        make_role_settings(settings, static_cast<pipeline::Role>(role));
  if (settings.is_set("budget-calls"))
    config.budget.calls = settings.integer("budget-calls", 1, most);
  if (settings.is_set("budget-tokens"))
    config.budget.tokens = settings.integer("budget-tokens", 1, most);
  if (settings.is_set("budget-cost"))
    config.budget.cost = settings.real("budget-cost", 0, kPriceMax);
  if (settings.is_set("budget-time"))
    config.limits.time = http::Milliseconds(settings.milliseconds("budget-time"));
  config.limits.items_in_flight = settings.integer("items-in-flight", 1, 100'000);
  config.limits.grace = http::Milliseconds(settings.milliseconds("grace"));
  config.in_flight = settings.integer("in-flight", 1, 100'000);
  config.ledger = settings.is_set("db") ? std::filesystem::path(settings.word("db"))
                                        : default_ledger(environment);
  if (settings.is_set("prompts")) config.prompts = settings.word("prompts");
  if (settings.is_set("calibration")) config.calibration = settings.word("calibration");
  config.display = make_display(settings);
  config.client.proxy_http = first_of(environment, {"http_proxy", "HTTP_PROXY"});
  config.client.proxy_https = first_of(environment, {"https_proxy", "HTTPS_PROXY"});
  config.client.no_proxy = first_of(environment, {"no_proxy", "NO_PROXY"});
  config.client.ca_file = first_of(environment, {"SSL_CERT_FILE"});
  config.client.idle_connections_max = std::size_t(config.in_flight) + 16;
  return config;
}

std::string shown(const Settings& settings) {
  std::string lines;
  for (const auto& [name, value] : settings.all()) {
    if (value.words.empty()) continue;
    lines += fmt::format("{:<28} {:<32} {}\n", name, fmt::format("{}", fmt::join(value.words, " ")),
                         value.origin);
  }
  return lines;
}

}  // namespace apps
