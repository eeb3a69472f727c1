// Kills the program at random moments of its work and starts it again, until nothing is left to
// do, and holds what came of it against an undisturbed run:
//
//   crash_driver --elenchus build/release/elenchus --kills 500
//
// It tells its progress on stderr and its figures as one line of JSON on stdout. Exit code 1 if
// anything was lost, doubled or different, 2 if it could not be tried.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>

#include "tests/crash/chaos.h"
#include "tests/crash/crash_findings.h"
#include "tests/crash/crash_inputs.h"
#include "tests/crash/crash_round.h"
#include "tests/support/temp_dir.h"

namespace crash {
namespace {

constexpr int64_t kKillsInARoundMax = 10;
constexpr int64_t kFirstMs = 50;      // most kills come from here on,
constexpr int64_t kStartMs = 150;     // but some within the start,
constexpr double kStartShare = 0.15;  // as many as that,
constexpr double kLastShare = 0.6;    // and none beyond this share of an undisturbed run
constexpr std::size_t kWordsMax = 20;

struct Arguments {
  Setup setup;
  int64_t kills = 100;
  int64_t calls = 1000;  // roughly, of an undisturbed run
  std::string latency = "5:60";
  std::string json;  // file for the line of figures
  bool chaos = false;
};

struct Figures {
  int64_t kills = 0;
  int64_t runs = 0;
  int64_t calls = 0;
  Findings sum;
  std::vector<double> resume_ms;
};

void add(Figures& figures, const Round& round, const Findings& found) {
  ++figures.runs;
  figures.kills += round.deaths;
  figures.calls += round.end.calls;
  figures.sum.lost += found.lost;
  figures.sum.doubled += found.doubled;
  figures.sum.different_verdicts += found.different_verdicts;
  figures.sum.unsound += found.unsound;
  figures.sum.sent_again += found.sent_again;
  figures.sum.in_flight_at_kills += found.in_flight_at_kills;
  figures.resume_ms.insert(figures.resume_ms.end(), round.resume_ms.begin(), round.resume_ms.end());
}

nlohmann::ordered_json to_json(const Figures& figures, uint64_t seed, double seconds) {
  const auto& resume = figures.resume_ms;
  const double sum = std::accumulate(resume.begin(), resume.end(), 0.0);
  return {{"kills", figures.kills},
          {"runs", figures.runs},
          {"calls", figures.calls},
          {"lost", figures.sum.lost},
          {"doubled", figures.sum.doubled},
          {"different_verdicts", figures.sum.different_verdicts},
          {"unsound", figures.sum.unsound},
          {"sent_again", figures.sum.sent_again},
          {"in_flight_at_kills", figures.sum.in_flight_at_kills},
          {"mean_resume_ms", resume.empty() ? 0.0 : std::round(sum / double(resume.size()))},
          {"seed", seed},
          {"seconds", std::round(seconds)}};
}

std::vector<int64_t> draw_kills(std::mt19937_64& random, double whole_ms, int64_t most) {
  const int64_t last = std::max(kFirstMs + 1, int64_t(kLastShare * whole_ms));
  std::uniform_int_distribution<int64_t> count(1, std::min(most, kKillsInARoundMax));
  std::uniform_int_distribution<int64_t> anywhere(kFirstMs, last);
  std::uniform_int_distribution<int64_t> at_start(0, kStartMs);
  std::bernoulli_distribution is_at_start(kStartShare);
  std::vector<int64_t> kills(std::size_t(count(random)));
  for (int64_t& after_ms : kills)
    after_ms = is_at_start(random) ? at_start(random) : anywhere(random);
  return kills;
}

struct Trial {
  Kind kind;
  std::filesystem::path input;
  Round reference;
};

Trial prepare(const Arguments& arguments, Kind kind) {
  // A problem or a submission takes about so many calls under the default effort.
  constexpr int64_t kCallsOfAProblem = 60, kCallsOfASubmission = 11;
  Trial trial{kind, arguments.setup.folder / (std::string(name_of(kind)) + ".jsonl"), {}};
  if (kind == Kind::Solve)
    write_problems(trial.input, std::max<int64_t>(arguments.calls / kCallsOfAProblem, 1),
                   arguments.setup.seed);
  else
    write_submissions(trial.input, std::max<int64_t>(arguments.calls / kCallsOfASubmission, 1),
                      arguments.setup.seed);
  trial.reference = play(arguments.setup, kind, trial.input, {});
  const Findings found = examine(trial.reference, trial.reference);
  if (!found.sound() || trial.reference.exit_code != 0)
    throw std::runtime_error(fmt::format("the undisturbed {} ended with {}: {} {}", name_of(kind),
                                         trial.reference.exit_code, trial.reference.errors,
                                         found.words.empty() ? "" : found.words.front()));
  fmt::print(stderr, "undisturbed {}: {} calls, {} verdicts, {:.0f} ms\n", name_of(kind),
             trial.reference.end.calls, trial.reference.verdicts.size(),
             trial.reference.milliseconds);
  return trial;
}

void report(const Figures& figures, const Trial& trial, const Round& round, const Findings& found) {
  fmt::print(stderr, "{:>5} kills: {} with {} deaths, {} in flight, {} sent again, {}\n",
             figures.kills, name_of(trial.kind), round.deaths, found.in_flight_at_kills,
             found.sent_again, found.sound() ? "sound" : "NOT SOUND");
  for (std::size_t i = 0; i < found.words.size() && i < kWordsMax; ++i)
    fmt::print(stderr, "    {}\n", found.words[i]);
}

int end(const Arguments& arguments, const nlohmann::ordered_json& figures, bool sound) {
  fmt::print("{}\n", figures.dump());
  if (!arguments.json.empty()) {
    std::ofstream out(arguments.json);
    out << figures.dump() << "\n";
    if (!out.flush()) throw std::runtime_error("cannot write " + arguments.json);
  }
  return sound ? 0 : 1;
}

int run_kills(const Arguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  std::mt19937_64 random(arguments.setup.seed);
  const Trial trials[] = {prepare(arguments, Kind::Solve), prepare(arguments, Kind::Grade)};
  Figures figures;
  for (std::size_t i = 0; figures.kills < arguments.kills; ++i) {
    const Trial& trial = trials[i % 2];
    const auto kills =
        draw_kills(random, trial.reference.milliseconds, arguments.kills - figures.kills);
    const Round round = play(arguments.setup, trial.kind, trial.input, kills);
    const Findings found = examine(trial.reference, round);
    add(figures, round, found);
    report(figures, trial, round, found);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return end(arguments, to_json(figures, arguments.setup.seed, took.count()), figures.sum.sound());
}

int run_chaos(const Arguments& arguments) {
  const ChaosFigures figures = try_chaos(arguments.setup, arguments.calls);
  for (const std::string& words : figures.words) fmt::print(stderr, "    {}\n", words);
  return end(arguments, to_json(figures), figures.words.empty());
}

}  // namespace
}  // namespace crash

int main(int count, char** words) {
  CLI::App app("Kills elenchus at random moments and looks for what was lost or doubled.");
  crash::Arguments arguments;
  app.add_option("--kills", arguments.kills, "in all")->capture_default_str();
  app.add_option("--calls", arguments.calls, "of an undisturbed run, roughly")
      ->capture_default_str();
  app.add_option("--seed", arguments.setup.seed, "of the kills, the inputs and the answers")
      ->capture_default_str();
  app.add_option("--latency-ms", arguments.latency, "MIN:MAX of the endpoint")
      ->capture_default_str();
  app.add_option("--elenchus", arguments.setup.elenchus, "the program")->required();
  app.add_option("--endpoint", arguments.setup.endpoint, "the scripted endpoint")->required();
  app.add_option("--json", arguments.json, "file for the line of figures, besides stdout");
  app.add_flag("--chaos", arguments.chaos, "no kills, but an endpoint with 30 % faulty calls");
  CLI11_PARSE(app, count, words);
  try {
    const support::TempDir folder;
    arguments.setup.folder = folder.path();
    arguments.setup.endpoint_flags = {"--latency-ms", arguments.latency};
    return arguments.chaos ? crash::run_chaos(arguments) : crash::run_kills(arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "crash_driver: %s\n", error.what());
    return 2;
  }
}
