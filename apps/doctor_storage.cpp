// Whether a ledger works where the ledger is to be, tried with one; and how the real one is.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <future>
#include <sstream>

#include "apps/doctor.h"
#include "storage/ledger.h"
#include "storage/migrations.h"
#include "storage/sqlite.h"
#include "text/sha256.h"

namespace apps {
namespace {

using State = Check::State;

constexpr double kGiB = double(1 << 30);
constexpr double kDiskFailGiB = 0.1;
constexpr double kDiskWarnGiB = 2;
constexpr std::size_t kFindingsShown = 3;
constexpr double kSlowCommitMs = 100;
constexpr int kTrialCommits = 8;

// A folder for the trial ledger, gone with it.
class TrialFolder {
 public:
  explicit TrialFolder(const std::filesystem::path& beside) {
    std::string name = (beside / ".doctor-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw std::runtime_error(
          fmt::format("cannot make a folder in {} ({})", beside.string(), std::strerror(errno)));
    path_ = name;
  }
  ~TrialFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TrialFolder(const TrialFolder&) = delete;
  TrialFolder& operator=(const TrialFolder&) = delete;
  std::filesystem::path ledger() const { return path_ / "trial.sqlite"; }

 private:
  std::filesystem::path path_;
};

storage::RunRow trial_run() {
  storage::RunRow run;
  run.kind = "solve";
  run.subject_sha256 = text::sha256_hex("doctor");
  run.meaning = "{}";
  run.settings = "{}";
  run.model = "doctor";
  run.program = "doctor";
  run.secret = text::random_bytes(32);
  run.state = "running";
  return run;
}

storage::CallIntent trial_intent(const std::string& key, const std::string& problem) {
  auto prompt = std::make_shared<storage::PromptRow>();
  prompt->template_name = "doctor";
  prompt->template_text = "{problem}";
  prompt->parts = {{"problem", "1 = 1"}};
  prompt->sha256 = text::sha256_hex("1 = 1");
  storage::CallIntent intent;
  intent.key = key;
  intent.role = "generator";
  intent.problem_sha256 = problem;
  intent.prompt = std::move(prompt);
  intent.sampling = "{}";
  intent.model = "doctor";
  return intent;
}

// Writes calls as a run does, each committed before the next, and reads them back. Returns the
// milliseconds of a commit. Throws with what did not work.
double try_ledger(const std::filesystem::path& file) {
  storage::ProblemRow problem;
  problem.name = "trial";
  problem.statement = "1 = 1";
  problem.sha256 = text::sha256_hex(problem.statement);
  problem.source = "doctor";
  problem.metadata = "{}";
  int64_t run = 0;
  double milliseconds = 0;
  {
    storage::LedgerWriter writer(file);
    run = writer.create_run(trial_run(), {problem});
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 0; i < kTrialCommits; ++i) {
      const std::string key = fmt::format("generator/trial/{}", i);
      writer.intend(run, trial_intent(key, problem.sha256), [](std::exception_ptr) {});
      storage::CallAnswer answer;
      answer.state = "answered";
      answer.finish_reason = "stop";
      answer.text = "answer " + key;
      writer.answer(run, key, std::move(answer), {}, {}, [](std::exception_ptr) {});
      writer.flush();
    }
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begun;
    milliseconds = took.count() / kTrialCommits;
  }
  const storage::LedgerReader reader(file);
  const auto call = reader.call(run, "generator/trial/0");
  if (!call || call->answer.text != "answer generator/trial/0")
    throw std::runtime_error("what was written did not come back");
  const std::vector<std::string> findings = reader.check();
  if (!findings.empty()) throw std::runtime_error(findings.front());
  return milliseconds;
}

Check check_trial(const std::filesystem::path& folder) {
  Check check{"ledger folder", State::Ok, "", "", false};
  try {
    const TrialFolder trial(folder);
    const double milliseconds = try_ledger(trial.ledger());
    check.message = fmt::format("{}: written, read back and checked; a commit takes {:.1f} ms",
                                folder.string(), milliseconds);
    if (milliseconds > kSlowCommitMs) {
      check.state = State::Warn;
      check.remedy = "this disk is slow to sync: name a ledger on a local disk with --db";
    }
  } catch (const std::exception& error) {
    check.state = State::Fail;
    check.message = error.what();
    check.remedy = "make the folder writable, or name a ledger elsewhere with --db";
  }
  return check;
}

Check check_disk(const std::filesystem::path& folder) {
  Check check{"disk", State::Ok, "", "", false};
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  if (error) return {"disk", State::Warn, error.message(), "look at `df`", false};
  const double free = double(space.available) / kGiB;
  check.message = fmt::format("{:.1f} GiB free at {}", free, folder.string());
  if (free < kDiskWarnGiB) {
    check.state = free < kDiskFailGiB ? State::Fail : State::Warn;
    check.remedy = "make room, or name a ledger on another disk with --db";
  }
  return check;
}

Check check_schema_of(const std::filesystem::path& ledger) {
  Check check{"ledger", State::Ok, "", "", false};
  try {
    const auto newest = int64_t(storage::migrations().size());
    storage::Database database(ledger, storage::Database::Access::Read);
    const int64_t version = storage::ledger_version(database, ledger, newest);
    check.message = fmt::format("{}: version {} of {}, {:.1f} MiB", ledger.string(), version,
                                newest, double(std::filesystem::file_size(ledger)) / (1 << 20));
    if (version == newest) {
      const auto runs = storage::LedgerReader(ledger).runs();
      check.message += fmt::format(", {} run(s)", runs.size());
    } else {
      check.state = State::Warn;
      check.remedy = "the next run brings it up to date; `elenchus runs backup` first";
    }
  } catch (const storage::LedgerTooNew& error) {
    check.state = State::Fail;
    check.message = error.what();
    check.remedy = "install the newer version, or name another ledger with --db";
  } catch (const std::exception& error) {
    check.state = State::Fail;
    check.message = error.what();
    check.remedy = "restore a backup, or name another ledger with --db";
  }
  return check;
}

Check check_rows(const std::filesystem::path& ledger) {
  Check check{"ledger content", State::Ok, "every row, reference and text is as written", "",
              false};
  try {
    const std::vector<std::string> findings = storage::LedgerReader(ledger).check();
    if (findings.empty()) return check;
    check.message = fmt::format("{} finding(s): ", findings.size());
    for (std::size_t i = 0; i < std::min(findings.size(), kFindingsShown); ++i)
      check.message += (i > 0 ? "; " : "") + findings[i];
  } catch (const std::exception& error) {
    check.message = error.what();
  }
  check.state = State::Fail;
  check.remedy = "restore a backup; do not go on with runs of this ledger";
  return check;
}

Check check_sqlite() {
  return {"SQLite", State::Ok,
          fmt::format("{}; one connection writes and checkpoints, under a lock",
                      storage::sqlite_version()),
          "", false};
}

}  // namespace

std::optional<std::string> lock_holder(const std::filesystem::path& ledger) {
  const std::string lock = ledger.string() + ".lock";
  struct stat status {};
  if (::stat(lock.c_str(), &status) != 0) return std::nullopt;
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    // "3: FLOCK  ADVISORY  WRITE 4711 08:01:131 0 EOF"
    std::istringstream words(line);
    std::string number, kind, mode, access, pid, place;
    words >> number >> kind >> mode >> access >> pid >> place;
    const std::size_t colon = place.rfind(':');
    if (kind != "FLOCK" || colon == std::string::npos ||
        place.substr(colon + 1) != std::to_string(status.st_ino))
      continue;
    // The number of the process as the kernel sees it from here; 0 from outside of its container.
    return pid == "0" || pid == "-1" ? "a process outside of this container" : "process " + pid;
  }
  return std::nullopt;
}

Checks check_storage(const std::filesystem::path& ledger, Depth depth) {
  Checks checks{check_sqlite()};
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(ledger, error);
  const std::filesystem::path folder = absolute.parent_path();
  std::filesystem::create_directories(folder, error);
  if (!std::filesystem::is_directory(folder)) {
    checks.push_back(
        {"ledger folder", State::Fail,
         fmt::format("{} is not there and cannot be made ({})", folder.string(), error.message()),
         "make it, or name a ledger elsewhere with --db", false});
    return checks;
  }
  checks.push_back(check_trial(folder));
  checks.push_back(check_disk(folder));
  if (!std::filesystem::exists(absolute, error)) {
    checks.push_back(
        {"ledger", State::Ok, absolute.string() + ": none yet; the first run makes it", "", false});
    return checks;
  }
  checks.push_back(check_schema_of(absolute));
  const bool readable = checks.back().state == State::Ok;
  if (const auto holder = lock_holder(absolute))
    checks.push_back({"ledger lock", State::Ok, *holder + " is writing it now", "", false});
  else
    checks.push_back({"ledger lock", State::Ok, "no process is writing it", "", false});
  if (readable && depth == Depth::Deep) checks.push_back(check_rows(absolute));
  return checks;
}

}  // namespace apps
