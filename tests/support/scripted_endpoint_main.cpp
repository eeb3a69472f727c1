// The scripted endpoint as a program of its own:
//
//   scripted_endpoint --port 8100 --journal calls.jsonl --fault-rate 0.1
//
// prints "listening on http://127.0.0.1:8100/v1" and runs until SIGTERM, SIGINT or --run-for. The
// first signal lets it finish the answers in hand, the second one ends it at once.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "tests/support/scripted_endpoint.h"

namespace {

constexpr int64_t kGraceMs = 5000;

struct Arguments {
  support::EndpointOptions endpoint;
  std::string port_file;
  std::string fault_script;
  std::string latency = "0:0";
  double run_for_s = 0;
  bool sync = false;
};

void add_rates(CLI::App& app, support::ScriptedRates& rates) {
  const std::map<std::string, double*> numbers = {
      {"flaw", &rates.flaw},
      {"vague", &rates.vague},
      {"fix", &rates.fix},
      {"slip", &rates.slip},
      {"boast", &rates.boast},
      {"miss", &rates.miss},
      {"invent", &rates.invent},
      {"vote-error", &rates.vote_error},
      {"meta-error", &rates.meta_error},
      {"stranger-right", &rates.stranger_right},
      {"stranger-minor", &rates.stranger_minor},
      {"garble", &rates.garble},
  };
  for (const auto& [name, rate] : numbers)
    app.add_option("--" + name, *rate, "rate, see tests/support/scripted_answers.h")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
  app.add_option("--steps", rates.steps, "steps of a proof")->capture_default_str();
  app.add_option("--reasoning-tokens", rates.reasoning_tokens, "at least so many in each answer");
  app.add_option("--answer-tokens", rates.answer_tokens, "at least so many in each answer");
  app.add_option("--seed", rates.world_seed, "another world: other truths, other errors");
}

void add_options(CLI::App& app, Arguments& arguments) {
  support::EndpointOptions& endpoint = arguments.endpoint;
  app.add_option("--address", endpoint.address)->capture_default_str();
  app.add_option("--port", endpoint.port, "0: any free one")->capture_default_str();
  app.add_option("--port-file", arguments.port_file, "the port is written there, once it listens");
  app.add_option("--model", endpoint.model)->capture_default_str();
  app.add_option("--api-key", endpoint.api_key, "the key that requests must bring");
  const std::map<std::string, support::Dialect> dialects = {
      {"reasoning_content", support::Dialect::ReasoningContent},
      {"reasoning", support::Dialect::Reasoning},
      {"inline", support::Dialect::Inline},
      {"none", support::Dialect::None}};
  app.add_option("--dialect", endpoint.dialect, "where reasoning stands")
      ->transform(CLI::CheckedTransformer(dialects));
  app.add_option("--latency-ms", arguments.latency, "MIN:MAX before each answer");
  app.add_option("--chunk-tokens", endpoint.chunk_tokens, "in each event")->capture_default_str();
  app.add_option("--tokens-per-second", endpoint.tokens_per_second, "of each stream; 0: no limit");
  app.add_option("--journal", endpoint.journal, "JSON Lines of all calls");
  app.add_flag("--journal-sync", arguments.sync, "fdatasync after each line");
  app.add_option("--fault-script", arguments.fault_script, "see tests/support/fault_script.h");
  app.add_option("--fault-rate", endpoint.fault_rate, "share of calls that fail at first")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--run-for", arguments.run_for_s, "seconds; 0: until a signal");
  add_rates(app, endpoint.rates);
}

void complete(Arguments& arguments) {
  support::EndpointOptions& endpoint = arguments.endpoint;
  const std::size_t colon = arguments.latency.find(':');
  endpoint.latency_ms_min = std::atoll(arguments.latency.c_str());
  endpoint.latency_ms_max = colon == std::string::npos
                                ? endpoint.latency_ms_min
                                : std::atoll(arguments.latency.c_str() + colon + 1);
  if (endpoint.latency_ms_min < 0 || endpoint.latency_ms_max < endpoint.latency_ms_min)
    throw std::runtime_error("--latency-ms needs MIN:MAX, not " + arguments.latency);
  if (arguments.sync) endpoint.journal_sync = support::EndpointJournal::Sync::Synced;
  if (!arguments.fault_script.empty())
    endpoint.faults = support::FaultScript::from_file(arguments.fault_script);
}

// Ten thousand connections need ten thousand descriptors.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Written beside and renamed, so that whoever waits for the file never reads half of it.
void write_port_file(const std::string& file, uint16_t port) {
  if (file.empty()) return;
  {
    std::ofstream stream(file + ".new");
    stream << port << "\n";
    if (!stream.flush()) throw std::runtime_error("cannot write " + file);
  }
  std::filesystem::rename(file + ".new", file);
}

void wait_for_end(double run_for_s) {
  boost::asio::io_context context;
  boost::asio::signal_set signals(context, SIGTERM, SIGINT);
  boost::asio::steady_timer timer(context);
  signals.async_wait([&](auto, int) { context.stop(); });
  if (run_for_s > 0) {
    timer.expires_after(std::chrono::microseconds(int64_t(run_for_s * 1e6)));
    timer.async_wait([&](auto) { context.stop(); });
  }
  context.run();
  // From here on signals act as they do by default.
}

int run(const Arguments& arguments) {
  raise_descriptor_limit();
  support::ScriptedEndpoint endpoint(arguments.endpoint);
  write_port_file(arguments.port_file, endpoint.port());
  std::printf("listening on %s\n", endpoint.url().c_str());
  std::fflush(stdout);
  wait_for_end(arguments.run_for_s);

  endpoint.stop(kGraceMs);
  const support::EndpointCounts counts = endpoint.counts();
  std::fprintf(stderr, "received %lld, sent %lld, faults %lld, cut %lld, at once at most %lld\n",
               static_cast<long long>(counts.received), static_cast<long long>(counts.sent),
               static_cast<long long>(counts.faults), static_cast<long long>(counts.cut),
               static_cast<long long>(counts.in_flight_max));
  return 0;
}

}  // namespace

int main(int count, char** words) {
  CLI::App app("A chat-completions server whose answers are a function of seed and prompt.");
  Arguments arguments;
  add_options(app, arguments);
  CLI11_PARSE(app, count, words);
  try {
    complete(arguments);
    return run(arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "scripted_endpoint: %s\n", error.what());
    return 1;
  }
}
