// The whole loop against a real HTTP server: votes on proofs are asked, answered, read, committed
// and counted just as `elenchus grade` does it, with run_items() over LiveBook, RemoteChat and the
// client. The scripted endpoint answers, as a process of its own. What is printed is one line of
// JSON for each measurement; bench/README.md says how to read it.
#include <sys/resource.h>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_set>
#include <vector>

#include "apps/conduct.h"
#include "pipeline/remote_body.h"
#include "pipeline/remote_chat.h"
#include "pipeline/run.h"
#include "tests/support/arithmetic_proof.h"
#include "tests/support/child_process.h"
#include "tests/support/draws.h"
#include "tests/support/temp_dir.h"

namespace {

namespace net = boost::asio;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

constexpr auto kSampleEvery = std::chrono::milliseconds(200);
constexpr std::string_view kRunSecret = "0123456789abcdef0123456789abcdef";

struct Arguments {
  int64_t calls = 20'480;
  int64_t votes = 64;     // on each proof
  std::size_t steps = 8;  // of each proof, of some 60 bytes
  int64_t in_flight = 256;
  bool whole = false;     // answers as one JSON object, not as a stream
  std::string url;        // of an endpoint that runs already; empty: one is started
  std::string endpoint;   // its further options, in one word each, by blanks
  std::string directory;  // for the ledger; empty: a temporary one
  std::string out;        // of `requests`

  int64_t proofs() const { return (calls + votes - 1) / votes; }
};

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// "VmRSS" or "VmHWM" of this process, in KiB.
int64_t memory_kib(const std::string& name) {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line))
    if (line.starts_with(name + ":")) return std::stoll(line.substr(name.size() + 1));
  throw std::runtime_error("/proc/self/status has no " + name);
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return double(t.tv_sec) + double(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Proofs of the scripted endpoint's little world, all steps right, no two alike.
std::vector<pipeline::Item> make_items(const Arguments& arguments) {
  const auto problem = apps::make_problem("bench", "Show that the count is as stated.", "", "");
  std::vector<pipeline::Item> items;
  for (int64_t i = 0; i < arguments.proofs(); ++i) {
    const support::Draws draws(support::mixed(7, uint64_t(i)));
    std::string proof = fmt::format("Proof number {}.\n", i);
    for (std::size_t step = 1; step <= arguments.steps; ++step)
      proof += support::write_step(step, support::StepKind::Right, draws) + '\n';
    items.push_back({fmt::format("p{}", i), problem, std::make_shared<std::string>(proof)});
  }
  return items;
}

pipeline::Endpoint endpoint_at(const std::string& url, const Arguments& arguments) {
  pipeline::Endpoint endpoint;
  endpoint.name = "scripted";
  endpoint.base_url = url;
  endpoint.model = "scripted";
  endpoint.answering = arguments.whole ? pipeline::Answering::Whole : pipeline::Answering::Streamed;
  endpoint.concurrency = {1, arguments.in_flight, arguments.in_flight};
  // Thousands of connections on a machine that may be busy.
  endpoint.deadlines.connect_ms = http::Milliseconds(120'000);
  return endpoint;
}

// The endpoint as a child with a journal, or the one that is named.
class Server {
 public:
  explicit Server(const Arguments& arguments) : url_(arguments.url) {
    if (!url_.empty()) return;
    support::ChildProcess::Options options;
    options.command = {SCRIPTED_ENDPOINT, "--journal", journal().string()};
    std::istringstream words(arguments.endpoint);
    for (std::string word; words >> word;) options.command.push_back(word);
    process_ = std::make_unique<support::ChildProcess>(std::move(options));
    const auto line = process_->read_line(std::chrono::seconds(20));
    const std::string start = "listening on ";
    if (!line || !line->starts_with(start)) throw std::runtime_error("the endpoint did not start");
    url_ = line->substr(start.size());
  }

  const std::string& url() const { return url_; }
  bool has_journal() const { return process_ != nullptr; }
  std::filesystem::path journal() const { return directory_ / "journal.jsonl"; }

 private:
  support::TempDir directory_;
  std::string url_;
  std::unique_ptr<support::ChildProcess> process_;
};

// The journal, read on as it grows.
class Journal {
 public:
  explicit Journal(const Server& server) : file_(server.journal()) {}

  // Takes what has been appended.
  void read() {
    for (std::string line; std::getline(file_, line);) {
      if (line.find("\"event\":\"received\"") != std::string::npos) ++received;
      if (line.find("\"event\":\"sent\"") == std::string::npos) continue;
      const std::string id = nlohmann::json::parse(line).at("id").get<std::string>();
      sent.insert(id.substr(0, id.rfind('#')));
    }
    file_.clear();
  }

  int64_t received = 0;
  std::unordered_set<std::string> sent;  // call keys

 private:
  std::ifstream file_;
};

// The most memory that was held while all calls were open at the server and none had ended.
struct Peak {
  int64_t samples = 0;
  int64_t kib = 0;
};

net::awaitable<void> watch(const Arguments& arguments, const Server& server,
                           const pipeline::Board& board, Peak& peak) {
  Journal journal(server);
  net::steady_timer timer(co_await net::this_coro::executor);
  const int64_t all = arguments.proofs() * arguments.votes;
  while (journal.sent.empty()) {
    timer.expires_after(kSampleEvery);
    co_await timer.async_wait(net::use_awaitable);
    const int64_t now_kib = memory_kib("VmRSS");
    journal.read();
    if (journal.received != all || !journal.sent.empty() || board.calls_in_flight != all) continue;
    ++peak.samples;
    peak.kib = std::max(peak.kib, now_kib);
  }
}

struct Ledger {
  explicit Ledger(const Arguments& arguments, const std::vector<pipeline::Item>& items)
      : file((arguments.directory.empty() ? temporary.path()
                                          : std::filesystem::path(arguments.directory)) /
             "bench.db"),
        writer(apps::open_writer(file)),
        reader(apps::open_reader(file)) {
    storage::RunRow row;
    row.kind = "grade";
    row.meaning = row.settings = "{}";
    row.model = "scripted";
    row.program = "bench";
    row.secret = kRunSecret;
    run = writer->create_run(row, {apps::problem_row(*items[0].problem, 0, "bench", "{}")});
    for (std::size_t i = 0; i < items.size(); ++i)
      writer->add_proof(run, pipeline::submission_row(items[i], i), [](std::exception_ptr) {});
    writer->flush();
  }

  support::TempDir temporary;
  std::filesystem::path file;
  std::unique_ptr<storage::LedgerWriter> writer;
  std::unique_ptr<storage::LedgerReader> reader;
  int64_t run = 0;
};

pipeline::Effort bench_effort(const Arguments& arguments) {
  pipeline::Effort effort;
  effort.votes.votes = arguments.votes;
  effort.votes.meta = 0;
  effort.wave = arguments.votes;  // all votes on a proof at once
  effort.stop_early = false;
  return effort;
}

// Answered in the ledger, each once; and, with a journal, the very calls that the server sent.
void add_losses(Json& line, const Ledger& ledger, const Server& server) {
  std::unordered_set<std::string> recorded;
  for (const storage::StoredCall& call : ledger.reader->calls(ledger.run))
    if (call.state == "answered") recorded.insert(call.key);
  line["recorded"] = recorded.size();
  if (!server.has_journal()) return;
  Journal journal(server);
  journal.read();
  int64_t lost = 0;
  for (const std::string& key : journal.sent) lost += recorded.contains(key) ? 0 : 1;
  line["sent_by_server"] = journal.sent.size();
  line["lost"] = lost;
}

// Judges all the proofs. With `peak`, memory is watched meanwhile.
Json measure(const Arguments& arguments, Peak* peak) {
  const Server server(arguments);
  const std::vector<pipeline::Item> items = make_items(arguments);
  Ledger ledger(arguments, items);
  const prompts::TemplateSet templates = prompts::TemplateSet::shipped();
  net::io_context context(1);
  http::Client client(context.get_executor(), {});
  pipeline::RemoteConfig remote;
  remote.endpoints.push_back(endpoint_at(server.url(), arguments));
  pipeline::RemoteChat model(context.get_executor(), client, std::move(remote));
  pipeline::Board board;
  pipeline::LiveBook::Options options;
  options.run = ledger.run;
  options.in_flight_max = arguments.in_flight;
  pipeline::LiveBook book(context.get_executor(), *ledger.writer, *ledger.reader, model, options,
                          board);
  const pipeline::Loop loop{book, templates, bench_effort(arguments), 0, std::string(kRunSecret)};
  pipeline::RunLimits limits;
  // Twice what the calls in flight need, so that a proof whose last votes come in leaves no gap.
  limits.items_in_flight = 2 * (arguments.in_flight / arguments.votes + 1);

  const int64_t before_kib = memory_kib("VmRSS");
  const int64_t commits_before = ledger.writer->commits();
  const double cpu_before = cpu_seconds();
  const Clock::time_point start = Clock::now();
  if (peak) net::co_spawn(context, watch(arguments, server, board, *peak), net::detached);
  std::exception_ptr failure;
  net::co_spawn(context,
                pipeline::run_items(loop, book, items, limits, board, [](pipeline::ItemResult) {}),
                [&](std::exception_ptr error) {
                  failure = error;
                  client.close_idle();
                  context.stop();
                });
  context.run();
  if (failure) std::rethrow_exception(failure);
  ledger.writer->flush();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const double calls = double(board.calls_done);

  Json line{{"client", arguments.whole ? "elenchus whole" : "elenchus streamed"},
            {"calls", board.calls_done},
            {"failed", board.calls_failed},
            {"in_flight", arguments.in_flight},
            {"seconds", seconds},
            {"calls_per_second", calls / seconds},
            {"cpu_us_per_call", (cpu_seconds() - cpu_before) / calls * 1e6},
            {"commits", ledger.writer->commits() - commits_before}};
  add_losses(line, ledger, server);
  if (!peak) return line;
  line["samples"] = peak->samples;
  line["rss_before_kib"] = before_kib;
  line["rss_in_flight_kib"] = peak->kib;
  line["bytes_per_call"] = double(peak->kib - before_kib) * 1024 / calls;
  line["bytes_per_call_at_worst"] = double(memory_kib("VmHWM") - before_kib) * 1024 / calls;
  return line;
}

void throughput(const Arguments& arguments) {
  Json line = measure(arguments, nullptr);
  std::cout << line.dump() << std::endl;
}

void in_flight(Arguments arguments) {
  arguments.in_flight = arguments.proofs() * arguments.votes;
  Peak peak;
  Json line = measure(arguments, &peak);
  std::cout << line.dump() << std::endl;
  if (peak.samples == 0)
    throw std::runtime_error("the calls were never all open at once: give them a longer latency");
}

// The same requests for another client: one body for each proof, to be sent `votes` times.
void write_requests(const Arguments& arguments) {
  std::ofstream out(arguments.out);
  const prompts::TemplateSet templates = prompts::TemplateSet::shipped();
  pipeline::ChatRequest request;
  Arguments whole = arguments;
  whole.whole = true;
  const pipeline::Endpoint endpoint = endpoint_at("http://127.0.0.1/v1", whole);
  for (const pipeline::Item& item : make_items(arguments)) {
    const auto prompt = pipeline::make_prompt(
        templates.at("verify"), {{"problem", item.problem->statement}, {"proof", *item.proof}},
        kRunSecret);
    request.prompt = prompt->segments;
    out << pipeline::chat_body(endpoint, endpoint.model, request) << '\n';
  }
  if (!out.flush()) throw std::runtime_error("cannot write " + arguments.out);
}

}  // namespace

int main(int count, char** words) {
  CLI::App app("Calls per second and memory per call of the whole loop.");
  Arguments arguments;
  app.require_subcommand(1);
  app.add_option("--calls", arguments.calls, "rounded up to whole proofs")->capture_default_str();
  app.add_option("--votes", arguments.votes, "on each proof")->capture_default_str();
  app.add_option("--steps", arguments.steps, "of each proof, of some 60 bytes")
      ->capture_default_str();
  app.add_option("--in-flight", arguments.in_flight)->capture_default_str();
  app.add_flag("--whole", arguments.whole, "answers as one JSON object, not as a stream");
  app.add_option("--url", arguments.url, "of an endpoint that runs; else one is started");
  app.add_option("--endpoint", arguments.endpoint, "options of the one that is started");
  app.add_option("--directory", arguments.directory, "for the ledger; else a temporary one");
  app.add_subcommand("throughput", "calls completed and recorded in a second")->callback([&] {
    throughput(arguments);
  });
  app.add_subcommand("inflight", "memory while all calls are open")->callback([&] {
    in_flight(arguments);
  });
  CLI::App* requests = app.add_subcommand("requests", "the same requests as JSON Lines");
  requests->add_option("out", arguments.out)->required();
  requests->callback([&] { write_requests(arguments); });
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  try {
    CLI11_PARSE(app, count, words);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench_loop: " << error.what() << std::endl;
    return 1;
  }
}
