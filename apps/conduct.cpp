#include "apps/conduct.h"

#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "apps/role_models.h"
#include "apps/view.h"
#include "http/client.h"
#include "pipeline/meaning.h"
#include "pipeline/remote_chat.h"
#include "text/clock.h"
#include "text/sha256.h"

namespace apps {
namespace {

namespace net = boost::asio;

constexpr std::size_t kSecretBytes = 32;

// What was set by hand, so that the run can be gone on with by its number alone.
std::string settings_json(const Settings& settings) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const auto& [name, value] : settings.all())
    if (value.origin != "built in" && name != "db") json[name] = value.words;
  return json.dump();
}

std::string model_words(const pipeline::ChatModel& model) {
  std::vector<std::string> names;
  for (int role = 0; role < pipeline::kRoles; ++role) {
    std::string name = model.identity(static_cast<pipeline::Role>(role));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

storage::RunRow wanted_run(const Settings& settings, const Config& config, const Job& job,
                           const prompts::TemplateSet& templates,
                           const pipeline::ChatModel& model) {
  pipeline::Meaning meaning;
  meaning.kind = job.kind;
  meaning.seed = config.seed;
  meaning.effort = config.effort;
  meaning.templates = &templates;
  meaning.model = &model;
  meaning.roles = config.roles;
  std::vector<std::string> proofs;
  for (const pipeline::Item& item : job.items)
    if (item.proof) proofs.push_back(*item.proof);
  storage::RunRow run;
  run.kind = job.kind;
  run.subject_sha256 = pipeline::subject_sha256(job.kind, job.problems, proofs);
  run.meaning = pipeline::to_json(meaning);
  run.settings = settings_json(settings);
  run.model = model_words(model);
  run.program = kVersion;
  run.secret = text::random_bytes(kSecretBytes);
  run.seed = config.seed;
  run.created_at = text::unix_milliseconds();
  return run;
}

storage::RunInputs inputs_of(const Job& job) {
  storage::RunInputs inputs{job.problems, {}, job.marks};
  for (std::size_t i = 0; i < job.items.size(); ++i)
    if (job.items[i].proof) inputs.proofs.push_back(pipeline::submission_row(job.items[i], i));
  return inputs;
}

pipeline::OpenedRun open(storage::LedgerWriter& writer, const storage::LedgerReader& reader,
                         storage::RunRow wanted, const Job& job, pipeline::Fork fork) {
  auto opened = pipeline::open_run(writer, reader, std::move(wanted), inputs_of(job), fork);
  if (const auto* changed = std::get_if<pipeline::MeaningChanged>(&opened))
    throw Exit(ExitCode::Usage,
               fmt::format("run {} is about the same inputs, but means something else:\n  {}\n"
                           "Nothing was started. --fork starts a new run beside it; the old "
                           "settings go on with the old one.",
                           changed->run, fmt::join(changed->differences, "\n  ")));
  return std::get<pipeline::OpenedRun>(std::move(opened));
}

ExitCode code_of(const pipeline::Stop& stop, int signal) {
  switch (stop.kind) {
    case pipeline::Stop::Kind::Budget:
      return ExitCode::Stopped;
    case pipeline::Stop::Kind::Halted:
      return ExitCode::Backend;
    case pipeline::Stop::Kind::Interrupted:
      return signal == SIGTERM ? ExitCode::Terminated : ExitCode::Interrupted;
  }
  return ExitCode::Stopped;
}

std::string state_of(const std::optional<pipeline::Stop>& stop) {
  if (!stop) return "finished";
  return stop->kind == pipeline::Stop::Kind::Interrupted ? "interrupted" : "stopped";
}

// A server's answers cannot be held to a grammar of ours.
void refuse_grammar_of_servers(const Settings& settings, const RoleChoices& choices) {
  const bool judges = grammar_of(settings) != pipeline::JudgeGrammar::Off;
  if (judges && !choices[std::size_t(pipeline::Role::Verifier)] &&
      !choices[std::size_t(pipeline::Role::MetaVerifier)])
    throw Exit(ExitCode::Usage,
               fmt::format("{}: grammar is '{}', but no judge is a model of this machine; give "
                           "one, as in --role verifier=directory=DIR, or leave it off",
                           settings.at("grammar").origin, settings.word("grammar")));
}

// Of the roles that no model of this machine answers; nothing: there are none.
std::optional<pipeline::RemoteConfig> servers_of(const Settings& settings,
                                                 const Environment& environment,
                                                 const RoleChoices& choices) {
  const pipeline::RoleSet roles = server_roles(choices);
  if (std::ranges::find(roles, true) == roles.end()) return {};
  return make_remote(settings, environment, roles);
}

// The first signal stops the run and lets calls in flight end; the second ends the program.
class Interrupts {
 public:
  Interrupts(net::io_context& context, pipeline::LiveBook& book, View& view)
      : signals_(context, SIGINT, SIGTERM), book_(book), view_(view) {
    wait();
  }
  int signal() const { return signal_; }
  void cancel() { signals_.cancel(); }

 private:
  void wait() {
    signals_.async_wait([this](const boost::system::error_code& error, int number) {
      if (error) return;
      if (signal_ != 0) ::_exit(number == SIGTERM ? 143 : 130);
      signal_ = number;
      view_.say("stopping: calls in flight may end; once more to exit at once");
      book_.stop({pipeline::Stop::Kind::Interrupted, "interrupted"});
      wait();
    });
  }

  net::signal_set signals_;
  pipeline::LiveBook& book_;
  View& view_;
  int signal_ = 0;
};

}  // namespace

std::unique_ptr<storage::LedgerWriter> open_writer(const std::filesystem::path& file) {
  try {
    if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path());
    return std::make_unique<storage::LedgerWriter>(file);
  } catch (const std::exception& error) {
    throw Exit(ExitCode::Backend, error.what());
  }
}

std::unique_ptr<storage::LedgerReader> open_reader(const std::filesystem::path& file) {
  try {
    return std::make_unique<storage::LedgerReader>(file);
  } catch (const std::exception& error) {
    throw Exit(ExitCode::Backend, error.what());
  }
}

std::shared_ptr<const pipeline::Problem> make_problem(std::string name, std::string statement,
                                                      std::string reference, std::string rubric) {
  auto problem = std::make_shared<pipeline::Problem>();
  problem->name = std::move(name);
  problem->statement = std::move(statement);
  if (!reference.empty()) problem->reference = std::move(reference);
  if (!rubric.empty()) problem->rubric = std::move(rubric);
  problem->sha256 = pipeline::problem_sha256(*problem);
  return problem;
}

storage::ProblemRow problem_row(const pipeline::Problem& problem, int64_t ordinal,
                                std::string source, std::string metadata) {
  storage::ProblemRow row;
  row.ordinal = ordinal;
  row.name = problem.name;
  row.sha256 = problem.sha256;
  row.statement = problem.statement;
  row.reference = problem.reference;
  row.rubric = problem.rubric;
  row.source = std::move(source);
  row.metadata = std::move(metadata);
  return row;
}

void add_run_settings(Settings& settings, const storage::RunRow& run) {
  const auto json = nlohmann::json::parse(run.settings, nullptr, false);
  if (!json.is_object()) return;
  for (const auto& [name, words] : json.items())
    settings.set(name, {words.get<std::vector<std::string>>(), fmt::format("run {}", run.id)});
}

Conducted conduct(const Settings& settings, const Config& config, const Environment& environment,
                  const Job& job, const ConductOptions& options,
                  const std::function<void(const storage::RunRow&, bool continued)>& on_start,
                  const std::function<void(const pipeline::ItemResult&)>& on_result) {
  RoleChoices choices = choose_roles(settings);
  // Loading can take minutes: what is missing beside the models is told first.
  refuse_grammar_of_servers(settings, choices);
  std::optional<pipeline::RemoteConfig> servers = servers_of(settings, environment, choices);
  // Before the context: answers of the engine may still be on their way when that ends.
  const LocalModels local(std::move(choices));
  const prompts::TemplateSet templates = load_templates(config, &local);
  net::io_context context(1);
  pipeline::Board board;
  View view(context.get_executor(), board, view_options(config, environment));
  http::Client client(context.get_executor(), config.client);
  auto chats = local.chats(context.get_executor());
  if (servers) {
    servers->warn = [&view](const std::string& line) { view.say("warning: " + line); };
    const auto served =
        std::make_shared<pipeline::RemoteChat>(context.get_executor(), client, *std::move(servers));
    std::ranges::replace(chats, nullptr, std::shared_ptr<pipeline::ChatModel>(served));
  }
  pipeline::RoleChat model(std::move(chats));

  const auto writer = open_writer(config.ledger);
  const auto reader = open_reader(config.ledger);
  pipeline::OpenedRun opened = open(
      *writer, *reader, wanted_run(settings, config, job, templates, model), job, options.fork);
  on_start(opened.row, opened.continued);

  pipeline::LiveBook::Options book_options;
  book_options.run = opened.row.id;
  book_options.seed = opened.row.seed;
  book_options.roles = config.roles;
  book_options.budget = config.budget;
  book_options.in_flight_max = config.in_flight;
  book_options.retry_failed = options.retry_failed;
  pipeline::LiveBook book(context.get_executor(), *writer, *reader, model, book_options, board);
  const pipeline::Loop loop{book, templates, config.effort, opened.row.seed, opened.row.secret};
  Interrupts interrupts(context, book, view);
  const auto show_result = [&](const pipeline::ItemResult& result) {
    view.clear();  // results and live lines may share a terminal
    on_result(result);
  };
  std::exception_ptr failure;
  net::co_spawn(context,
                pipeline::run_items(loop, book, job.items, config.limits, board, show_result),
                [&](std::exception_ptr error) {
                  failure = error;
                  interrupts.cancel();
                  view.stop();
                  client.close_idle();
                  context.stop();
                });
  view.start();
  context.run();
  if (failure) std::rethrow_exception(failure);

  Conducted conducted;
  conducted.stop = book.stopped();
  writer->flush();
  writer->set_run_state(opened.row.id, state_of(conducted.stop),
                        conducted.stop ? conducted.stop->reason : "");
  conducted.totals = reader->totals(opened.row.id);
  conducted.run = std::move(opened.row);
  if (conducted.stop) conducted.code = code_of(*conducted.stop, interrupts.signal());
  return conducted;
}

}  // namespace apps
