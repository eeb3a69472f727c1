#include "apps/default_model.h"

#include <doctest/doctest.h>

#include <fstream>

#include "tests/support/temp_dir.h"

TEST_SUITE("apps/default_model") {
  TEST_CASE("it lies beside the installed program, else in the tree it was built in") {
    const support::TempDir root;
    const auto with_weights = [&](const std::string& place) {
      std::filesystem::create_directories(root / place);
      std::ofstream(root / place / "model.safetensors") << "w";
    };
    const std::filesystem::path built = root / "build/release/elenchus";
    const std::filesystem::path installed = root / "usr/bin/elenchus";
    std::filesystem::create_directories(root / "model/default");
    CHECK_FALSE(apps::default_model_of(built));  // no weights

    with_weights("model/default");
    CHECK(apps::default_model_of(built) == root / "model/default");
    CHECK_FALSE(apps::default_model_of(root / "elenchus"));

    with_weights("usr/share/elenchus/model/default");
    CHECK(apps::default_model_of(installed) == root / "usr/share/elenchus/model/default");
  }
}
