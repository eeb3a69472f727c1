// elenchus version: all that a report of a fault should name.
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <boost/version.hpp>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "apps/output.h"
#include "pipeline/rules.h"
#include "prompts/template.h"
#include "storage/migrations.h"
#include "storage/sqlite.h"

namespace apps {
namespace {

using Json = nlohmann::ordered_json;

std::string build_type() {
#ifdef __OPTIMIZE__
  std::string type = "optimised";
#else
  std::string type = "not optimised";
#endif
#ifndef NDEBUG
  type += ", with assertions";
#endif
#ifdef __SANITIZE_ADDRESS__
  type += ", with sanitizers";
#endif
#ifdef __SANITIZE_THREAD__
  type += ", with the thread sanitizer";
#endif
  return type;
}

std::string compiler() {
#ifdef __clang__
  return "clang " __clang_version__;
#else
  return "gcc " __VERSION__;
#endif
}

Json facts() {
  Json json{{"version", kVersion},
            {"build", build_type()},
            {"compiler", compiler()},
            {"boost", fmt::format("{}.{}.{}", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000,
                                  BOOST_VERSION % 100)},
            {"sqlite", storage::sqlite_version()},
            {"openssl", OpenSSL_version(OPENSSL_VERSION)},
            {"ledger", storage::migrations().size()},
            {"rules", pipeline::kRulesVersion}};
  const prompts::TemplateSet templates = prompts::TemplateSet::shipped();
  for (const char* name : {"generate", "verify", "meta_verify", "refine"})
    json["templates"][name] = templates.at(name).sha256;
  return json;
}

std::string text_of(const Json& json) {
  std::string text = fmt::format("elenchus {}\n", json["version"].get<std::string>());
  for (const auto& [name, value] : json.items()) {
    if (name == "version" || value.is_object()) continue;
    text += fmt::format("{:<10} {}\n", name,
                        value.is_string() ? value.get<std::string>() : value.dump());
  }
  for (const auto& [name, hash] : json["templates"].items())
    text += fmt::format("{:<20} sha256 {}\n", "template " + name, hash.get<std::string>());
  return text;
}

}  // namespace

void add_version(CLI::App& app, Invocation& invocation) {
  CLI::App& command =
      add_command(app, "version", "this program, what it is built with and its templates",
                  "elenchus version --json");
  auto json = std::make_shared<bool>(false);
  command.add_flag("--json", *json, "one JSON document on standard output");
  command.callback([&invocation, json] {
    invocation.run = [json] {
      const Json all = facts();
      write_stdout(*json ? all.dump() + '\n' : text_of(all));
      return ExitCode::Done;
    };
  });
}

}  // namespace apps
