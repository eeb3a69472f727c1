#include "tests/crash/crash_round.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "storage/ledger.h"
#include "tests/support/child_process.h"

namespace crash {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kEndpointStartMs{20'000};
constexpr milliseconds kEndpointEndMs{20'000};

double since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

class Endpoint {
 public:
  Endpoint(const Setup& setup, const std::filesystem::path& journal)
      : process_(options(setup, journal)) {
    const std::string before = "listening on ";
    const auto line = process_.read_line(kEndpointStartMs);
    if (!line || !line->starts_with(before))
      throw std::runtime_error("the endpoint does not listen");
    url_ = line->substr(before.size());
  }
  const std::string& url() const { return url_; }

  // Lets it end by itself, so that its journal is whole.
  void stop() {
    process_.signal(SIGTERM);
    const auto ended = process_.wait(kEndpointEndMs);
    if (ended.exit_code != 0) throw std::runtime_error("the endpoint failed: " + ended.errors);
  }

 private:
  static support::ChildProcess::Options options(const Setup& setup,
                                                const std::filesystem::path& journal) {
    support::ChildProcess::Options options;
    options.command = {
        setup.endpoint.string(), "--port", "0", "--seed", std::to_string(setup.seed), "--journal",
        journal.string()};
    options.command.insert(options.command.end(), setup.endpoint_flags.begin(),
                           setup.endpoint_flags.end());
    return options;
  }

  support::ChildProcess process_;
  std::string url_;
};

support::ChildProcess::Options program(const Setup& setup, Kind kind,
                                       const std::filesystem::path& input,
                                       const std::filesystem::path& ledger,
                                       const std::string& url) {
  support::ChildProcess::Options options;
  options.command = {setup.elenchus.string(),
                     name_of(kind),
                     input.string(),
                     "--base-url",
                     url,
                     "--model",
                     "scripted",
                     "--db",
                     ledger.string(),
                     "--in-flight",
                     "64",
                     "--display",
                     "none",
                     "--json",
                     "--seed",
                     std::to_string(setup.seed)};
  options.command.insert(options.command.end(), setup.flags.begin(), setup.flags.end());
  // Nothing of the machine's own settings shall count.
  options.environment = {{"HOME", setup.folder.string()},
                         {"XDG_CONFIG_HOME", setup.folder.string()},
                         {"OPENAI_API_KEY", ""}};
  return options;
}

// How many proofs were judged besides the chosen one depends on timing; it is no verdict.
std::string verdict_of(nlohmann::json result) {
  result.erase("proofs");
  return result.dump();
}

// A line that a dead process left half is no announcement.
Verdicts verdicts_in(const std::string& output) {
  Verdicts verdicts;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line) && !lines.eof();) {
    auto entry = nlohmann::json::parse(line, nullptr, false);
    if (!entry.is_object() || entry.value("event", "") != "result") continue;
    const std::string id = entry.at("id");
    verdicts[id] = verdict_of(std::move(entry));
  }
  return verdicts;
}

struct Sitting {
  support::ChildProcess::Ended ended;
  double milliseconds = 0;
  std::optional<double> resume_ms;
};

Sitting sit(support::ChildProcess::Options options, milliseconds limit_ms) {
  Sitting sitting;
  const auto start = Clock::now();
  const auto end = start + limit_ms;
  support::ChildProcess process(std::move(options));
  if (const auto launch = process.read_line(limit_ms)) {
    const auto entry = nlohmann::json::parse(*launch, nullptr, false);
    if (entry.is_object() && entry.value("continued", false)) sitting.resume_ms = since(start);
  }
  const auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
  sitting.ended = process.wait(std::max(left, milliseconds(0)));
  sitting.milliseconds = since(start);
  return sitting;
}

}  // namespace

const char* name_of(Kind kind) { return kind == Kind::Solve ? "solve" : "grade"; }

Round play(const Setup& setup, Kind kind, const std::filesystem::path& input,
           const std::vector<int64_t>& kill_after_ms) {
  const std::filesystem::path folder = setup.folder / "round";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const auto ledger = folder / "ledger.sqlite";
  Endpoint endpoint(setup, folder / "journal.jsonl");
  Round round;
  for (std::size_t start = 0;; ++start) {
    const bool dies = start < kill_after_ms.size();
    Sitting sitting = sit(program(setup, kind, input, ledger, endpoint.url()),
                          milliseconds(dies ? kill_after_ms[start] : kHangMs));
    if (sitting.resume_ms) round.resume_ms.push_back(*sitting.resume_ms);
    if (dies && sitting.ended.exit_code == kKilled) {
      ++round.deaths;
      round.announced.push_back(verdicts_in(sitting.ended.output));
      round.looks.push_back(look_at_copy(ledger, folder / "copy.sqlite"));
      continue;
    }
    round.exit_code = sitting.ended.exit_code;
    round.errors = sitting.ended.errors;
    round.milliseconds = sitting.milliseconds;
    round.verdicts = verdicts_in(sitting.ended.output);
    break;
  }
  endpoint.stop();
  round.end = look_at(ledger);
  round.integrity = storage::LedgerReader(ledger).check();
  round.journal = read_journal(folder / "journal.jsonl");
  round.longest_attempt_ms = longest_attempt_ms(ledger);
  return round;
}

}  // namespace crash
