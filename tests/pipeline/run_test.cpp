#include "pipeline/run.h"

#include <doctest/doctest.h>

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>

#include "pipeline/meaning.h"
#include "tests/support/run.h"
#include "tests/support/scripted_model.h"
#include "tests/support/temp_dir.h"

using namespace pipeline;

namespace {

// A ledger in a temporary folder, a scripted model, and one run over some problems or proofs.
struct Rig {
  support::TempDir folder;
  support::ScriptedRates rates;
  prompts::TemplateSet templates = prompts::TemplateSet::shipped();
  Effort effort = *effort_of("standard");
  LiveBook::Options options;
  RunLimits limits;
  std::vector<Item> items;
  std::function<std::optional<std::variant<ChatReply, ChatFailure>>(const ChatRequest&)> hook;
  uint64_t order = 1;

  std::vector<ItemResult> results;
  std::optional<Stop> stopped;
  int64_t asked = 0;  // of the model
  std::variant<OpenedRun, MeaningChanged> opened;

  std::filesystem::path file() const { return folder.path() / "ledger.sqlite"; }

  void add_problem(const std::string& statement) {
    auto problem = std::make_shared<Problem>();
    problem->name = "p" + std::to_string(items.size());
    problem->statement = statement;
    problem->sha256 = problem_sha256(*problem);
    items.push_back({problem->name, problem, nullptr});
  }

  void go(Fork fork = Fork::No) {
    results.clear();
    net::io_context context;
    support::ScriptedModel::Options model_options;
    model_options.rates = rates;
    model_options.yields_max = 20;
    model_options.order_seed = order;
    if (hook)
      model_options.hook = [this](const ChatRequest& request, int64_t) { return hook(request); };
    support::ScriptedModel model(std::move(model_options));
    storage::LedgerWriter writer(file());
    storage::LedgerReader reader(file());
    storage::RunRow wanted;
    wanted.kind = "solve";
    std::vector<storage::ProblemRow> problems;
    for (const Item& item : items) {
      storage::ProblemRow row;
      row.ordinal = int64_t(problems.size());
      row.name = item.name;
      row.sha256 = item.problem->sha256;
      row.statement = item.problem->statement;
      row.metadata = "{}";
      problems.push_back(row);
    }
    Meaning meaning{"solve", 5, effort, &templates, &model, options.roles};
    wanted.meaning = to_json(meaning);
    wanted.subject_sha256 = subject_sha256("solve", problems, {});
    wanted.settings = "{}";
    wanted.secret = std::string(32, 's');
    wanted.seed = 5;
    storage::RunInputs inputs;
    inputs.problems = problems;
    opened = open_run(writer, reader, wanted, inputs, fork);
    if (!std::holds_alternative<OpenedRun>(opened)) return;
    const storage::RunRow run = std::get<OpenedRun>(opened).row;
    options.run = run.id;
    options.seed = run.seed;
    Board board;
    LiveBook book(context.get_executor(), writer, reader, model, options, board);
    const Loop loop{book, templates, effort, run.seed, run.secret};
    support::run(context, run_items(loop, book, items, limits, board,
                                    [&](ItemResult result) { results.push_back(result); }));
    writer.flush();
    stopped = book.stopped();
    asked = model.calls();
  }

  std::map<std::size_t, std::string> verdicts() const {
    std::map<std::size_t, std::string> all;
    for (const ItemResult& result : results)
      all[result.item] = std::string(to_text(result.outcome)) + " " +
                         (result.best ? result.best->key + result.best->proof : "");
    return all;
  }
};

void set_three_problems(Rig& rig) {
  rig.rates.flaw = 0.4;
  for (const char* statement : {"Show one.", "Show two.", "Show three."})
    rig.add_problem(statement);
}

}  // namespace

TEST_SUITE("pipeline/run") {
  TEST_CASE("a finished run is told again from its ledger, without a call") {
    Rig rig;
    set_three_problems(rig);
    rig.go();
    const auto first = rig.verdicts();
    REQUIRE(first.size() == 3);
    CHECK(rig.asked > 0);

    rig.go();

    CHECK(rig.asked == 0);
    CHECK(rig.verdicts() == first);
    CHECK(std::get<OpenedRun>(rig.opened).continued);
  }

  TEST_CASE("a run that its budget stopped goes on, and ends like one that was never stopped") {
    Rig whole;
    set_three_problems(whole);
    whole.go();
    Rig parts;
    set_three_problems(parts);
    int64_t asked = 0;
    for (int64_t calls = 10;; calls += 10) {
      parts.options.budget.calls = calls;
      parts.order = uint64_t(calls);  // another order of arrival each time
      parts.go();
      asked += parts.asked;
      if (!parts.stopped) break;
      CHECK(parts.stopped->kind == Stop::Kind::Budget);
      // Calls that a survivor made needless were in flight; the ledger does not count them.
      CHECK(asked <= calls + parts.options.in_flight_max);
      REQUIRE(calls < 10'000);
    }
    CHECK(parts.verdicts() == whole.verdicts());
  }

  TEST_CASE("the budget of tokens is never exceeded") {
    Rig rig;
    set_three_problems(rig);
    rig.options.budget.tokens = 40'000;
    for (RoleSettings& role : rig.options.roles) role.sampling.max_tokens = 2'000;

    rig.go();

    REQUIRE(rig.stopped);
    const storage::LedgerReader reader(rig.file());
    const auto totals = reader.totals(rig.options.run);
    CHECK(totals.tokens_prompt + totals.tokens_output <= 40'000);
    CHECK(totals.calls > 5);
  }

  TEST_CASE("a model that refuses everything halts the run, whose calls are asked again later") {
    Rig rig;
    set_three_problems(rig);
    rig.hook = [](const ChatRequest&) {
      return ChatFailure{ChatFailure::Kind::Halt, "the key was refused", "", {}};
    };
    rig.go();
    REQUIRE(rig.stopped);
    CHECK(rig.stopped->kind == Stop::Kind::Halted);
    CHECK(rig.stopped->reason == "the key was refused");
    CHECK(rig.results.size() == 3);
    for (const ItemResult& result : rig.results) CHECK(result.stopped);

    rig.hook = nullptr;
    rig.go();

    CHECK_FALSE(rig.stopped);
    Rig whole;
    set_three_problems(whole);
    whole.go();
    CHECK(rig.verdicts() == whole.verdicts());
  }

  TEST_CASE(
      "a run whose meaning changed is refused with the difference, and --fork starts another") {
    Rig rig;
    set_three_problems(rig);
    rig.go();
    rig.effort.votes.votes = 12;
    rig.effort.rule = Rule::Label;

    rig.go();
    REQUIRE(std::holds_alternative<MeaningChanged>(rig.opened));
    CHECK(std::get<MeaningChanged>(rig.opened).differences ==
          std::vector<std::string>{"effort.votes: 8 -> 12",
                                   "effort.rule: \"unanimous\" -> \"label\""});

    rig.go(Fork::Yes);
    REQUIRE(std::holds_alternative<OpenedRun>(rig.opened));
    CHECK(std::get<OpenedRun>(rig.opened).row.forked_from == 1);
  }

  TEST_CASE("the same problem twice is asked once") {
    Rig once;
    Rig twice;
    for (Rig* rig : {&once, &twice}) {  // nothing survives, so no call is cancelled
      rig->rates.flaw = 1;
      rig->rates.fix = rig->rates.miss = 0;
      rig->effort.rounds = 1;
      rig->add_problem("Show a thing.");
    }
    twice.add_problem("Show a thing.");
    once.go();

    twice.go();

    CHECK(twice.asked == once.asked);
    CHECK(twice.verdicts().at(0) == twice.verdicts().at(1));
  }

  TEST_CASE("calls that fail for good are missing votes, told as such, and asked again on demand") {
    Rig rig;
    set_three_problems(rig);
    rig.hook =
        [](const ChatRequest& request) -> std::optional<std::variant<ChatReply, ChatFailure>> {
      if (request.role != Role::Verifier) return std::nullopt;
      return ChatFailure{ChatFailure::Kind::Final, "too long", "", {}};
    };
    rig.effort.rounds = 1;
    rig.go();
    for (const ItemResult& result : rig.results) {
      CHECK(result.outcome == Outcome::Undecided);
      REQUIRE(result.best);
      CHECK(result.best->judgement.tally.requested > 0);
      CHECK(result.best->judgement.tally.returned == 0);
    }

    rig.hook = nullptr;
    rig.go();
    CHECK(rig.asked == 0);
    rig.options.retry_failed = true;
    rig.go();
    CHECK(rig.asked > 0);
  }
}
