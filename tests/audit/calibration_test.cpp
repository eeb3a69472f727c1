#include "audit/calibration.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "formats/marks.h"
#include "formats/problems.h"
#include "text/sha256.h"

using audit::Calibration;
using audit::GradedProof;
using audit::Outcome;
using audit::RuleOutcome;
using doctest::Approx;

namespace {

const std::string kOutputs = std::string(SOURCE_DIR) + "/../shared/data/dsmv2_outputs";
const std::string kHash(64, 'a');

GradedProof proof(std::string id, double mean, double human, std::vector<double> scores = {}) {
  return {.id = std::move(id),
          .source = "s",
          .votes = 4,
          .mean = mean,
          .scores = std::move(scores),
          .human = human};
}

Calibration small() {
  return audit::fit_calibration(
      {proof("a", 1, 1), proof("b", 1, 0), proof("c", 0.75, 1), proof("d", 0.5, 0)},
      {{.name = "s", .sha256 = kHash}});
}

}  // namespace

TEST_SUITE("audit/calibration") {
  TEST_CASE("four proofs, counted by hand") {
    const Calibration calibration = small();

    REQUIRE(calibration.rules.size() == 3);
    const Outcome& unanimous = audit::find_rule(calibration, "unanimous")->total;
    CHECK(unanimous.accepted == 2);
    CHECK(unanimous.false_accepts == 1);
    CHECK(unanimous.refused_right == 1);
    CHECK(*unanimous.precision == 0.5);
    CHECK(*unanimous.false_accept_rate == 0.5);
    CHECK(audit::find_rule(calibration, "mean>=0.75")->total.accepted_right == 2);
    CHECK(audit::find_rule(calibration, "mean>=0.5")->total.false_accepts == 2);
    CHECK(calibration.sources[0].proofs == 4);
    CHECK(*calibration.mean_absolute_error == Approx((0 + 1 + 0.25 + 0.5) / 4));
  }

  TEST_CASE("the recommended rule accepts most right proofs at the wanted precision") {
    const Calibration calibration = small();

    CHECK(name_of(*audit::recommended_rule(calibration, 0.6)) == "mean>=0.75");
    CHECK(name_of(*audit::recommended_rule(calibration, 0.1)) == "mean>=0.75");
    CHECK(audit::recommended_rule(calibration, 0.9) == nullptr);
  }

  TEST_CASE("majority and median need the single votes") {
    const Calibration calibration =
        audit::fit_calibration({proof("a", 0.75, 1, {1, 1, 1, 0}), proof("b", 0.5, 1, {1, 1, 0, 0}),
                                proof("c", 2.0 / 3, 0, {1, 0, 1})},
                               {{.name = "s", .sha256 = kHash}});

    CHECK(audit::find_rule(calibration, "majority")->total.accepted == 2);  // a and c
    CHECK(audit::find_rule(calibration, "median")->total.accepted == 2);
    CHECK(audit::find_rule(small(), "majority") == nullptr);
  }

  TEST_CASE("many distinct means are thinned out to the limit") {
    std::vector<GradedProof> proofs;
    for (int i = 0; i < 2'000; ++i) proofs.push_back(proof(std::to_string(i), i / 2'001.0, 1));

    const Calibration calibration =
        audit::fit_calibration(proofs, {{.name = "s", .sha256 = kHash}});
    CHECK(calibration.rules.size() == audit::kThresholdsMax + 1);
  }

  TEST_CASE("what is written is read back") {
    const Calibration calibration = small();
    const std::string json = audit::write_calibration(calibration);

    const Calibration read = audit::read_calibration(json, "c.json");
    CHECK(audit::write_calibration(read) == json);
    CHECK(read.rules.size() == calibration.rules.size());
    CHECK(read.rules[1].threshold == 0.75);
  }

  TEST_CASE("a file that contradicts itself is refused with the place") {
    const std::string json = audit::write_calibration(small());
    const std::vector<std::array<std::string, 3>> edits = {
        {"calibration/1", "calibration/2", "\"schema\" is not"},
        {"\"accepted\": 2", "\"accepted\": 3", "c.json: rules.0.total: \"false_accepts\""},
        {"\"precision\": 0.5", "\"precision\": 0.6", "\"precision\" is not what its counts give"},
        {"\"proofs\": 4", "\"proofs\": 5", "\"proofs\" is not the sum"},
        {"mean>=0.75", "mean>=0.750", "is no rule of this version"},
        {"mean>=0.75", "mean>=nan", "is no rule of this version"},
        {"mean>=0.75", "unanimous", "twice"},
        {"\"right_threshold\": 0.85", "\"right_threshold\": 85", "is not within 0 to 1"},
        {"\"right_threshold\"", "\"new\": 1, \"right_threshold\"", "is no name of this format"},
        {kHash, std::string(64, 'x'), "is not 64 hexadecimal digits"},
        {"\"schema\"", "\"schema\": \"a\", \"schema\"", "occurs twice"},
    };
    for (const auto& edit : edits) {
      const std::string &from = edit[0], &to = edit[1], &complaint = edit[2];
      std::string edited = json;
      const std::size_t at = edited.find(from);
      REQUIRE(at != std::string::npos);
      edited.replace(at, from.size(), to);
      CAPTURE(to);
      CHECK_THROWS_WITH_AS(audit::read_calibration(edited, "c.json"),
                           doctest::Contains(complaint.c_str()), formats::FormatError);
    }
  }

  TEST_CASE("a file cut anywhere is refused") {
    const std::string json = audit::write_calibration(small());
    for (std::size_t size = 0; size + 2 < json.size(); size += 7)
      CHECK_THROWS_AS(audit::read_calibration(json.substr(0, size), "c.json"),
                      formats::FormatError);
  }

  TEST_CASE("84 proofs marked by experts: unanimity was right 68 times of 72") {
    if (!std::filesystem::exists(kOutputs)) {
      MESSAGE("skipped: the data are not there");
      return;
    }
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(kOutputs))
      files.push_back(entry.path());
    std::ranges::sort(files);
    std::vector<GradedProof> proofs;
    std::vector<audit::CalibrationSource> sources;
    for (const std::filesystem::path& path : files) {
      const std::string name = path.stem().string();
      sources.push_back(
          {.name = name, .sha256 = text::sha256_hex(formats::read_file(path.string()))});
      const formats::Table table =
          formats::read_table(path.string(), {.need = formats::Need::Proof, .mapping = {}});
      for (const formats::Submission& row : table.rows)
        proofs.push_back(
            {.id = row.id,
             .source = name,
             .votes = 64,
             .mean = *formats::decimal(row.mean),
             .scores = {},
             .human = std::get<double>(formats::fraction_of({.mark = row.mark,
                                                             .max_asked = "",
                                                             .max_column = row.mark_max,
                                                             .id = row.problem.id,
                                                             .place = row.problem.place}))});
    }

    const Calibration calibration = audit::fit_calibration(proofs, sources);

    const RuleOutcome& unanimous = *audit::find_rule(calibration, "unanimous");
    CHECK(unanimous.total.proofs == 84);
    CHECK(unanimous.total.accepted == 72);
    CHECK(unanimous.total.accepted_right == 68);
    CHECK(unanimous.total.false_accepts == 4);
    CHECK(unanimous.total.refused_right == 0);
    CHECK(*unanimous.total.precision == Approx(0.944).epsilon(0.001));
    CHECK(unanimous.total.precision_interval->low == Approx(0.866).epsilon(0.001));
    CHECK(*calibration.pearson == Approx(0.703).epsilon(0.001));
    CHECK(*calibration.mean_absolute_error == Approx(0.108).epsilon(0.005));
    REQUIRE(calibration.sources[1].name == "IMO-ProofBench-Advanced");
    CHECK(unanimous.by_source[1].accepted == 21);
    CHECK(unanimous.by_source[1].accepted_right == 18);
    CHECK(*calibration.sources[1].pearson == Approx(0.706).epsilon(0.001));
    CHECK(name_of(*audit::recommended_rule(calibration, 0.9)) == "unanimous");
    CHECK(audit::write_calibration(
              audit::read_calibration(audit::write_calibration(calibration), "c.json")) ==
          audit::write_calibration(calibration));
  }
}
