#include "apps/completion.h"

#include <doctest/doctest.h>

#include "tests/apps/cli_kit.h"
#include "tests/support/child_process.h"

namespace {

support::ChildProcess::Ended bash(const std::vector<std::string>& words) {
  support::ChildProcess::Options options;
  options.command = {"/bin/bash"};
  options.command.insert(options.command.end(), words.begin(), words.end());
  return support::run_program(std::move(options));
}

// What bash offers behind these words, the last of which is being typed.
std::string offered(const std::vector<std::string>& words) {
  const support::TempDir folder;
  write_file(folder / "completion.bash", elenchus({"completion", "bash"}).out);
  write_file(folder / "a file.md", "");
  std::string script = "cd " + folder.path().string() + "\nsource completion.bash\nCOMP_WORDS=(";
  for (const std::string& word : words) script += "'" + word + "' ";
  script += ")\nCOMP_CWORD=" + std::to_string(words.size() - 1) +
            "\n_elenchus\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
  const auto ended = bash({"-c", script});
  CHECK(ended.errors == "");
  return ended.output;
}

}  // namespace

TEST_SUITE("apps/completion") {
  TEST_CASE("bash accepts the script") {
    const support::TempDir folder;
    write_file(folder / "completion.bash", elenchus({"completion", "bash"}).out);

    const auto ended = bash({"-n", (folder / "completion.bash").string()});

    CHECK(ended.exit_code == 0);
    CHECK(ended.errors == "");
  }

  TEST_CASE("commands, and commands below commands, are completed") {
    CHECK(offered({"elenchus", "so"}) == "solve\n");
    CHECK(offered({"elenchus", "runs", "ex"}) == "export\n");
    CHECK(offered({"elenchus", "runs", "so"}) == "\n");
  }

  TEST_CASE("flags are those of the command that stands before") {
    CHECK(offered({"elenchus", "solve", "--vot"}) == "--votes\n");
    CHECK(offered({"elenchus", "runs", "list", "--vot"}) == "\n");
    CHECK(offered({"elenchus", "runs", "export", "3", "--form"}) == "--format\n");
  }

  TEST_CASE("values that are words are completed") {
    CHECK(offered({"elenchus", "solve", "--effort", "st"}) == "standard\n");
    CHECK(offered({"elenchus", "solve", "--rule", "una"}) == "unanimous\n");
    CHECK(offered({"elenchus", "runs", "export", "--format", "de"}) == "deepseek\n");
    CHECK(offered({"elenchus", "completion", "f"}) == "fish\n");
  }

  TEST_CASE("files are completed where a file is taken, whatever their names hold") {
    CHECK(offered({"elenchus", "solve", "a"}) == "a file.md\n");
    CHECK(offered({"elenchus", "solve", "--db", "a"}) == "a file.md\n");
    CHECK(offered({"elenchus", "solve", "--votes", "a"}) == "\n");
  }

  TEST_CASE("the other shells' scripts name every command and flag too") {
    for (const char* shell : {"zsh", "fish"}) {
      const std::string script = elenchus({"completion", shell}).out;
      for (const char* word :
           {"solve", "grade", "doctor", "estimate", "export", "votes", "budget-cost"}) {
        CAPTURE(word);
        CHECK(has(script, word));
      }
    }
  }

  TEST_CASE("another shell is refused with those that there are") {
    const Told told = elenchus({"completion", "tcsh"});
    CHECK(told.code == 2);
    CHECK(told.err == "elenchus: there is no completion for 'tcsh'; name bash, zsh or fish\n");
  }
}
