// elenchus doctor: tries each thing that a run needs, and names one remedy for each that fails.
#include "apps/doctor.h"

#include <fmt/format.h>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "apps/output.h"
#include "apps/role_models.h"
#include "apps/view.h"
#include "apps/view_text.h"

namespace apps {
namespace {

using State = Check::State;
using Json = nlohmann::ordered_json;

struct DoctorFlags {
  bool json = false;
  bool deep = false;
};

// Each configuration file alone, so that it is said of each whether it was read and is well.
Checks check_files(const SettingFlags& given, const Environment& environment) {
  std::vector<std::filesystem::path> files{user_config(environment), "elenchus.toml"};
  if (!given.config.empty()) files = {given.config};
  Checks checks;
  for (const std::filesystem::path& file : files) {
    Check check{"configuration", State::Ok, file.string(), "", false};
    std::error_code ignored;
    if (given.config.empty() && !std::filesystem::exists(file, ignored)) {
      check.message += ": not there, which is well";
    } else {
      try {
        Settings alone;
        add_file(alone, file);
        const auto set = std::count_if(alone.all().begin(), alone.all().end(), [](const auto& it) {
          return it.second.origin != "built in";
        });
        check.message += fmt::format(": read, sets {} value(s)", set);
      } catch (const std::exception& error) {
        check.state = State::Fail;
        check.message = error.what();
        check.remedy = "correct this line";
      }
    }
    checks.push_back(std::move(check));
  }
  return checks;
}

struct Resolved {
  Settings settings;
  Config config;
};

// The settings as a run would have them; what is built in if they cannot be used, so that the rest
// can be checked all the same.
Resolved resolved(const SettingFlags& given, const Environment& environment, Checks& checks) {
  Resolved made;
  try {
    made.settings = resolve(given, environment);
    made.config = make_config(made.settings, environment);
    checks.push_back({"settings", State::Ok, "every value can be used", "", false});
    return made;
  } catch (const std::exception& error) {
    checks.push_back({"settings", State::Fail, error.what(),
                      "correct it; what follows was checked with what is built in", false});
  }
  made.settings = Settings();
  if (const auto db = given.given.find("db"); db != given.given.end() && !db->second.empty())
    made.settings.set("db", {db->second, "--db"});
  made.config = make_config(made.settings, environment);
  return made;
}

bool needs_tls(const Settings& settings) {
  for (const auto& [name, value] : settings.all())
    if (name.ends_with("base-url"))
      for (const std::string& url : value.words)
        if (url.starts_with("https:")) return true;
  return false;
}

Style style_of(State state) {
  switch (state) {
    case State::Ok:
      return Style::Good;
    case State::Warn:
      return Style::Doubtful;
    case State::Fail:
      return Style::Bad;
  }
  return Style::Plain;
}

std::string text_of(const Checks& checks, Colour colour) {
  constexpr std::size_t wide = 1'000'000;  // lines are not cut: a remedy must be whole
  std::string text;
  for (const Check& check : checks) {
    text += styled({{padded(to_text(check.state), 4), style_of(check.state)},
                    {"  " + padded(check.name, 18) + "  " + printable(check.message)}},
                   wide, colour);
    text += '\n';
    if (!check.remedy.empty()) text += "      -> " + printable(check.remedy) + '\n';
  }
  return text;
}

std::string json_of(const Checks& checks, ExitCode code) {
  Json list = Json::array();
  for (const Check& check : checks)
    list.push_back({{"name", check.name},
                    {"state", to_text(check.state)},
                    {"message", check.message},
                    {"remedy", check.remedy}});
  const Json json{{"checks", std::move(list)}, {"exit", static_cast<int>(code)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

ExitCode examine(const DoctorFlags& flags, const SettingFlags& given,
                 const Environment& environment) {
  Checks checks = check_files(given, environment);
  const Resolved with = resolved(given, environment, checks);
  const auto add = [&](Checks more) {
    std::move(more.begin(), more.end(), std::back_inserter(checks));
  };
  add(check_machine(with.settings, with.config, environment));
  add(check_storage(with.config.ledger, flags.deep ? Depth::Deep : Depth::Quick));
  add(check_templates(with.config));
  add(check_trust(with.config, needs_tls(with.settings)));
  const RoleChoices choices = choose_roles(with.settings);
  for (const LocalChoice& local : distinct(choices)) add(check_local(local));
  const pipeline::RoleSet remote = server_roles(choices);
  if (std::ranges::find(remote, true) != remote.end())
    add(check_endpoints(with.settings, with.config, environment, remote));
  const ExitCode code = exit_code_of(checks);
  if (flags.json) {
    write_stdout(json_of(checks, code));
    return code;
  }
  const bool coloured = view_options(with.config, environment).colour && stdout_is_terminal();
  write_stdout(text_of(checks, coloured ? Colour::On : Colour::Off));
  return code;
}

}  // namespace

std::string_view to_text(Check::State state) {
  switch (state) {
    case State::Ok:
      return "ok";
    case State::Warn:
      return "warn";
    case State::Fail:
      return "fail";
  }
  return "fail";
}

ExitCode exit_code_of(const Checks& checks) {
  ExitCode code = ExitCode::Done;
  for (const Check& check : checks) {
    if (check.state != State::Fail) continue;
    if (!check.backend) return ExitCode::ItemFailed;
    code = ExitCode::Backend;
  }
  return code;
}

void add_doctor(CLI::App& app, Invocation& invocation) {
  CLI::App& command = add_command(
      app, "doctor", "tries what a run needs, and says what to do about what does not work",
      "elenchus doctor --base-url http://127.0.0.1:8000/v1 --model MODEL");
  auto flags = std::make_shared<DoctorFlags>();
  command.add_flag("--json", flags->json, "one JSON document on standard output");
  command.add_flag("--deep", flags->deep, "check every row of the ledger too");
  auto settings = add_setting_flags(
      command, {"Model", "Sampling", "Engine", "Loop", "Limits", "Storage", "Output"});
  command.callback([&invocation, flags, settings] {
    invocation.run = [&invocation, flags, settings] {
      return examine(*flags, *settings, invocation.environment);
    };
  });
}

}  // namespace apps
