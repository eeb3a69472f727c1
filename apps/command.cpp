#include "apps/command.h"

#include <fmt/format.h>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "apps/conduct.h"
#include "text/words.h"

namespace apps {
namespace {

// Puts the example before everything else: it is what most people look for.
class ExampleFirst : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    const std::string footer = app->get_footer();
    std::string help;
    if (mode != CLI::AppFormatMode::Sub && !footer.empty()) help += "Example:\n" + footer + "\n\n";
    help += CLI::Formatter::make_help(app, std::move(name), mode);
    return help;
  }
  std::string make_footer(const CLI::App*) const override { return {}; }
};

std::string nearest_command(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  if (const auto near = text::nearest(word, names)) return "; did you mean '" + *near + "'?";
  return "; `elenchus --help` lists the commands";
}

// What CLI11 says of a wrong command line, in our words where its own do not help.
std::string sentence_of(const CLI::App& app, const CLI::ParseError& error, int argc,
                        const char* const* argv) {
  if (app.get_subcommands().empty() && argc > 1 && argv[1][0] != '-')
    return fmt::format("there is no command '{}'{}", argv[1], nearest_command(app, argv[1]));
  if (app.get_subcommands().empty() && argc == 1) return "say what to do; `elenchus --help` tells";
  std::string sentence = error.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !app.get_subcommands().empty()) {
    std::vector<std::string> flags;
    for (const CLI::Option* option : app.get_subcommands().front()->get_options())
      for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
    for (const std::string& extra : app.remaining(true))
      if (const auto near = text::nearest(extra.substr(0, extra.find('=')), flags))
        sentence += fmt::format("; did you mean {}?", *near);
  }
  return sentence;
}

}  // namespace

CLI::App& add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::string& example) {
  CLI::App* command = app.add_subcommand(name, description);
  command->footer("  " + example);
  command->formatter(std::make_shared<ExampleFirst>());
  command->get_formatter()->column_width(34);
  return *command;
}

std::shared_ptr<SettingFlags> add_setting_flags(CLI::App& command,
                                                const std::vector<std::string>& groups) {
  auto flags = std::make_shared<SettingFlags>();
  for (const Setting& setting : common_settings()) {
    if (std::find(groups.begin(), groups.end(), setting.group) == groups.end()) continue;
    std::string help = setting.help;
    if (!setting.fallback.empty()) help += " [" + setting.fallback + "]";
    auto* option = command.add_option("--" + setting.name, flags->given[setting.name], help);
    option->type_name(setting.metavar)->group(setting.group)->expected(1);
    if (setting.name == "base-url")
      option->take_all();
    else
      option->take_last();
  }
  command.add_option("--config", flags->config, "configuration file instead of the usual ones")
      ->type_name("FILE")
      ->group("Output");
  if (std::find(groups.begin(), groups.end(), "Model") != groups.end())
    command
        .add_option("--role", flags->roles,
                    "another model for one role: verifier=MODEL, verifier=base-url=URL,"
                    "temperature=0.6, or verifier=directory=DIR for a model of this machine "
                    "(roles: generator, verifier, meta_verifier)")
        ->type_name("ROLE=...")
        ->group("Model")
        ->expected(1)
        ->take_all();
  return flags;
}

namespace {

Settings layers(const SettingFlags& flags, const Environment& environment,
                const storage::RunRow* run) {
  Settings settings;
  if (!flags.config.empty()) {
    add_file(settings, flags.config);
  } else {
    std::error_code ignored;
    const std::filesystem::path user = user_config(environment);
    if (std::filesystem::exists(user, ignored)) add_file(settings, user);
    if (std::filesystem::exists("elenchus.toml", ignored)) add_file(settings, "elenchus.toml");
  }
  if (run != nullptr) add_run_settings(settings, *run);
  add_environment(settings, environment);
  for (const auto& [name, words] : flags.given)
    if (!words.empty()) settings.set(name, {words, "--" + name});
  for (const std::string& role : flags.roles) add_role(settings, role);
  return settings;
}

}  // namespace

Settings resolve(const SettingFlags& flags, const Environment& environment) {
  return layers(flags, environment, nullptr);
}

Settings resolve_over(const SettingFlags& flags, const Environment& environment,
                      const storage::RunRow& run) {
  return layers(flags, environment, &run);
}

int run_program(int argc, const char* const* argv, const Environment& environment) {
  CLI::App app(
      "elenchus: proves, grades and audits mathematical proofs with any "
      "OpenAI-compatible model");
  app.require_subcommand(1);
  app.formatter(std::make_shared<ExampleFirst>());
  app.footer(
      "  elenchus solve examples/prose/sum-of-odds.md --base-url "
      "http://127.0.0.1:8000/v1 --model MODEL");
  Invocation invocation{environment, nullptr};
  add_solve(app, invocation);
  add_grade(app, invocation);
  add_calibrate(app, invocation);
  add_audit(app, invocation);
  add_check(app, invocation);
  add_theorems(app, invocation);
  add_runs(app, invocation);
  add_estimate(app, invocation);
  add_doctor(app, invocation);
  add_model(app, invocation);
  add_generate(app, invocation);
  add_tokenize(app, invocation);
  add_completion(app, invocation);
  add_train(app, invocation);
  add_version(app, invocation);
  try {
    app.parse(argc, argv);
    return static_cast<int>(invocation.run());
  } catch (const CLI::Success& success) {  // --help
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "elenchus: {}\n", sentence_of(app, error, argc, argv));
    return static_cast<int>(ExitCode::Usage);
  } catch (const Exit& exit) {
    fmt::print(stderr, "elenchus: {}\n", exit.what());
    return static_cast<int>(exit.code);
  } catch (const std::exception& error) {
    fmt::print(stderr, "elenchus: {}\n", error.what());
    return static_cast<int>(ExitCode::ItemFailed);
  }
}

}  // namespace apps
