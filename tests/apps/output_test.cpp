#include "apps/output.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "apps/exit.h"
#include "tests/support/temp_dir.h"

using apps::write_whole_file;

namespace {

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::ptrdiff_t files_in(const std::filesystem::path& folder) {
  return std::distance(std::filesystem::directory_iterator(folder), {});
}

}  // namespace

TEST_SUITE("apps/output") {
  TEST_CASE("a whole file takes the place of the one before it, and nothing else is left") {
    const support::TempDir folder;
    write_whole_file(folder / "a.csv", "old and longer");

    write_whole_file(folder / "a.csv", "new");

    CHECK(bytes_of(folder / "a.csv") == "new");
    CHECK(files_in(folder.path()) == 1);
  }

  TEST_CASE("the folder of a whole file is made") {
    const support::TempDir folder;

    write_whole_file(folder / "results/of today/a.md", "text");

    CHECK(bytes_of(folder / "results/of today/a.md") == "text");
  }

  TEST_CASE("a directory, a device and a folder that cannot be made are refused by name") {
    const support::TempDir folder;
    std::ofstream(folder / "file") << "x";

    for (const std::filesystem::path& wrong :
         {folder.path(), std::filesystem::path("/dev/null"), folder / "file/below"}) {
      CAPTURE(wrong);
      try {
        write_whole_file(wrong, "text");
        FAIL("was written");
      } catch (const apps::Exit& refused) {
        CHECK(refused.code == apps::ExitCode::Usage);
        CHECK(std::string(refused.what()).starts_with(wrong.string() + ": "));
      }
    }
    CHECK(std::filesystem::is_character_file("/dev/null"));
    CHECK(bytes_of(folder / "file") == "x");
  }

  TEST_CASE("what is not committed leaves the old file and nothing beside it") {
    const support::TempDir folder;
    write_whole_file(folder / "a.csv", "old");
    {
      apps::Output output((folder / "a.csv").string());
      output.write("half");
    }

    CHECK(bytes_of(folder / "a.csv") == "old");
    CHECK(files_in(folder.path()) == 1);
  }
}
