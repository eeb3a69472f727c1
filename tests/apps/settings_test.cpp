#include "apps/settings.h"

#include <doctest/doctest.h>

#include "apps/config.h"
#include "apps/exit.h"
#include "tests/apps/cli_kit.h"

using namespace apps;

namespace {

template <class Work>
std::string refusal(const Work& work) {
  try {
    work();
  } catch (const Exit& exit) {
    CHECK(exit.code == ExitCode::Usage);
    return exit.what();
  }
  return "";
}

Environment environment_of(Variables variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

// All four layers, each saying its own number of votes; `flag` may be left out.
struct Layers {
  support::TempDir folder;
  SettingFlags flags;
  Variables variables;

  Layers() {
    std::filesystem::create_directories(folder / "config/elenchus");
    variables["XDG_CONFIG_HOME"] = (folder / "config").string();
  }
  void user(const std::string& text) { write_file(folder / "config/elenchus/config.toml", text); }
  void project(const std::string& text) { write_file(folder / "elenchus.toml", text); }
  Settings settings() const {
    const InFolder in(folder.path());
    return resolve(flags, environment_of(variables));
  }
  std::string votes() const { return settings().word("votes"); }
  std::string origin() const { return settings().at("votes").origin; }
};

}  // namespace

TEST_SUITE("apps/settings") {
  TEST_CASE("a flag beats the environment, that the project's file, that the user's") {
    Layers layers;
    CHECK(layers.votes() == "");
    layers.user("votes = 1\n");
    CHECK(layers.votes() == "1");
    CHECK(layers.origin() == "config.toml:1");
    layers.project("# ours\nvotes = 2\n");
    CHECK(layers.votes() == "2");
    CHECK(layers.origin() == "elenchus.toml:2");
    layers.variables["ELENCHUS_VOTES"] = "3";
    CHECK(layers.votes() == "3");
    CHECK(layers.origin() == "ELENCHUS_VOTES");
    layers.flags.given["votes"] = {"4"};
    CHECK(layers.votes() == "4");
    CHECK(layers.origin() == "--votes");
  }

  TEST_CASE("--config takes the place of both files, not of the environment") {
    Layers layers;
    layers.user("votes = 1\nseed = 7\n");
    layers.project("rounds = 9\n");
    write_file(layers.folder / "mine.toml", "votes = 5\n");
    layers.flags.config = (layers.folder / "mine.toml").string();

    const Settings settings = layers.settings();

    CHECK(settings.word("votes") == "5");
    CHECK(settings.word("seed") == "1");
    CHECK(settings.word("rounds") == "");
    layers.variables["ELENCHUS_VOTES"] = "3";
    CHECK(layers.votes() == "3");
  }

  TEST_CASE("an empty variable sets nothing, and our own name beats OpenAI's") {
    Layers layers;
    layers.variables["ELENCHUS_VOTES"] = "";
    layers.variables["OPENAI_BASE_URL"] = "http://a/v1";
    CHECK(layers.votes() == "");
    CHECK(layers.settings().word("base-url") == "http://a/v1");
    layers.variables["ELENCHUS_BASE_URL"] = "http://b/v1";
    CHECK(layers.settings().word("base-url") == "http://b/v1");
  }

  TEST_CASE("a role is set in a file, by a variable and by --role, the strongest last") {
    Layers layers;
    layers.project("model = \"m\"\n[role.verifier]\nmodel = \"file\"\ntop-k = 5\n");
    CHECK(layers.settings().word("verifier.model") == "file");
    layers.variables["ELENCHUS_VERIFIER_MODEL"] = "variable";
    CHECK(layers.settings().word("verifier.model") == "variable");
    layers.flags.roles = {"verifier=flag", "meta_verifier=base-url=http://x/v1,temperature=0.6"};

    const Settings settings = layers.settings();

    CHECK(settings.word("verifier.model") == "flag");
    CHECK(settings.word("verifier.top-k") == "5");
    CHECK(settings.word("meta_verifier.base-url") == "http://x/v1");
    CHECK(settings.real("meta_verifier.temperature", 0, 2) == 0.6);
    CHECK(settings.word("generator.model") == "");
  }

  TEST_CASE("a wrong --role says what is wrong") {
    Settings settings;
    CHECK(has(refusal([&] { add_role(settings, "verifer=m"); }), "did you mean 'verifier'?"));
    CHECK(has(refusal([&] { add_role(settings, "verifier"); }), "say what for"));
    CHECK(has(refusal([&] { add_role(settings, "verifier=temprature=1"); }),
              "did you mean 'verifier.temperature'?"));
  }

  TEST_CASE("an unknown key is named with its file, line and the nearest known one") {
    Layers layers;
    layers.project("votes = 3\n\nbudget-call = 7\n");
    CHECK(refusal([&] { layers.settings(); }) ==
          "elenchus.toml:3: there is no setting 'budget-call'; did you mean 'budget-calls'?");
    layers.project("[role.judge]\nmodel = \"m\"\n");
    CHECK(has(refusal([&] { layers.settings(); }), "elenchus.toml:1: there is no setting 'judge'"));
    layers.project("[limits]\nvotes = 3\n");
    CHECK(has(refusal([&] { layers.settings(); }), "there is no setting 'limits'"));
  }

  TEST_CASE("a file that is no TOML is refused with its place") {
    Layers layers;
    layers.project("votes = \n");
    CHECK(has(refusal([&] { layers.settings(); }), "elenchus.toml:1:"));
  }

  TEST_CASE("counts may have suffixes, a small one for thousands, a large one for 1024s") {
    CHECK(read_count("12") == 12);
    CHECK(read_count("1k") == 1000);
    CHECK(read_count("1K") == 1024);
    CHECK(read_count("2.5m") == 2'500'000);
    CHECK(read_count("1M") == 1048576);
    CHECK(read_count("3g") == 3'000'000'000);
    CHECK(read_count("1e3") == 1000);
    for (const char* wrong :
         {"", "k", "1.5", "0.0001k", "12x", "1kk", "nan", "inf", "1e30", " 1"}) {
      CAPTURE(wrong);
      CHECK_FALSE(read_count(wrong));
    }
  }

  TEST_CASE("times have units; a number alone is seconds") {
    Settings settings;
    const auto milliseconds = [&](const std::string& text) {
      settings.set("grace", {{text}, "--grace"});
      return settings.milliseconds("grace");
    };
    CHECK(milliseconds("500ms") == 500);
    CHECK(milliseconds("90") == 90'000);
    CHECK(milliseconds("90s") == 90'000);
    CHECK(milliseconds("1.5m") == 90'000);
    CHECK(milliseconds("2h") == 7'200'000);
    CHECK(milliseconds("1d") == 86'400'000);
    for (const char* wrong : {"", "s", "-1s", "0", "5x", "400d", "nan"}) {
      CAPTURE(wrong);
      CHECK(has(refusal([&] { milliseconds(wrong); }), "--grace: grace is "));
    }
  }

  TEST_CASE("a number outside of its limits names where it came from") {
    Settings settings;
    settings.set("votes", {{"0"}, "ELENCHUS_VOTES"});
    CHECK(refusal([&] { make_config(settings, environment_of({})); }) ==
          "ELENCHUS_VOTES: votes is '0', but must be a whole number from 1 to 4096");
    settings.set("votes", {{"eight"}, "elenchus.toml:4"});
    CHECK(has(refusal([&] { make_config(settings, environment_of({})); }),
              "elenchus.toml:4: votes is 'eight'"));
  }

  TEST_CASE("the quorum follows votes that are set alone") {
    Settings settings;
    settings.set("votes", {{"16"}, "--votes"});
    CHECK(make_config(settings, environment_of({})).effort.votes.quorum == 12);
    settings.set("quorum", {{"3"}, "--quorum"});
    CHECK(make_config(settings, environment_of({})).effort.votes.quorum == 3);
    settings.set("quorum", {{"17"}, "--quorum"});
    CHECK(has(refusal([&] { make_config(settings, environment_of({})); }),
              "quorum is 17, more than the 16 votes"));
  }

  TEST_CASE("what is shown names each value's origin") {
    Settings settings;
    settings.set("votes", {{"16"}, "--votes"});
    const std::string lines = shown(settings);
    CHECK(has(lines, "votes "));
    CHECK(has(lines, "--votes\n"));
    CHECK(has(lines, "built in\n"));
  }

  TEST_CASE("a key file that others may read is refused") {
    const support::TempDir folder;
    write_file(folder / "key", "# mine\n\nsk-1\n");
    std::filesystem::permissions(folder / "key", std::filesystem::perms(0644));
    Settings settings;
    settings.set("base-url", {{"http://127.0.0.1:1/v1"}, "--base-url"});
    settings.set("model", {{"m"}, "--model"});
    settings.set("api-key-file", {{(folder / "key").string()}, "--api-key-file"});

    CHECK(has(refusal([&] { make_remote(settings, environment_of({})); }), "chmod 600"));
    std::filesystem::permissions(folder / "key", std::filesystem::perms(0600));
    CHECK(make_remote(settings, environment_of({})).endpoints.at(0).api_key == "sk-1");
  }
}
