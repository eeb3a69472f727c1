// elenchus estimate: what a run may take, before anything is sent.
#include "apps/estimate.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "apps/conduct.h"
#include "apps/inputs.h"
#include "apps/output.h"
#include "apps/role_models.h"
#include "apps/view_text.h"

namespace apps {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kIdWidth = 32;

struct EstimateFlags {
  bool grade = false;
  bool json = false;
  std::optional<double> accept;
  std::optional<double> negative;
  std::string output_tokens;
  std::optional<double> tokens_per_second;
};

AssumedByHand assumed_by_hand(const EstimateFlags& flags) {
  const auto check_share = [](const std::optional<double>& share, const char* flag) {
    if (share && !(*share >= 0 && *share <= 1))
      throw Exit(ExitCode::Usage,
                 fmt::format("{} is {}, but must be a share from 0 to 1", flag, *share));
    return share;
  };
  AssumedByHand by_hand;
  by_hand.accept = check_share(flags.accept, "--assume-accept");
  by_hand.negative = check_share(flags.negative, "--assume-negative");
  by_hand.tokens_per_second = flags.tokens_per_second;
  if (by_hand.tokens_per_second && !(*by_hand.tokens_per_second > 0))
    throw Exit(ExitCode::Usage, "--assume-tokens-per-second must be above 0");
  if (flags.output_tokens.empty()) return by_hand;
  const auto tokens = read_count(flags.output_tokens);
  if (!tokens || *tokens < 1)
    throw Exit(ExitCode::Usage,
               fmt::format("--assume-output-tokens is '{}', but must be a count such as 12000 or "
                           "12k",
                           flags.output_tokens));
  by_hand.output_tokens = double(*tokens);
  return by_hand;
}

// Calls of the same models in the ledger, if there is one. One that cannot be read is no reason
// not to estimate.
History history_of(const Settings& settings, const Config& config) {
  std::array<std::string, pipeline::kRoles> models;
  for (std::size_t i = 0; i < models.size(); ++i) {
    const std::string own = std::string(to_text(static_cast<pipeline::Role>(i))) + ".model";
    models[i] = settings.word(settings.is_set(own) ? own : "model");
  }
  std::error_code ignored;
  if (!std::filesystem::exists(config.ledger, ignored)) return {};
  try {
    return read_history(storage::LedgerReader(config.ledger), models);
  } catch (const std::exception& error) {
    fmt::print(stderr, "the ledger is not used for this estimate: {}\n", error.what());
    return {};
  }
}

// The assumptions with a name each, in the order in which they are told.
std::vector<std::pair<std::string, Assumption>> named(const Assumptions& assumptions,
                                                      const std::vector<pipeline::Role>& roles) {
  std::vector<std::pair<std::string, Assumption>> list;
  if (roles.front() == pipeline::Role::Generator)
    list.emplace_back("share of proofs accepted", assumptions.accept);
  list.emplace_back("share of votes below 1", assumptions.negative);
  for (const pipeline::Role role : roles) {
    const auto i = static_cast<std::size_t>(role);
    list.emplace_back(fmt::format("output tokens of a {} call", to_text(role)),
                      assumptions.output[i]);
    if (role != pipeline::Role::MetaVerifier)
      list.emplace_back(fmt::format("of these, the {}'s answer", to_text(role)),
                        assumptions.answer[i]);
  }
  list.emplace_back("output tokens per second of a call", assumptions.speed);
  return list;
}

Json estimate_json(const Estimate& estimate) {
  return {{"calls",
           {{"generator", estimate.calls.generator},
            {"verifier", estimate.calls.verifier},
            {"meta_verifier", estimate.calls.meta_verifier},
            {"total", estimate.calls.total()}}},
          {"tokens_prompt", estimate.tokens_prompt},
          {"tokens_output", estimate.tokens_output},
          {"cost", estimate.cost},
          {"seconds", estimate.seconds}};
}

Json item_json(const ItemEstimate& item) {
  return {{"id", item.id},
          {"ceiling", estimate_json(item.ceiling)},
          {"expected", estimate_json(item.expected)}};
}

std::vector<std::string> row_of(const ItemEstimate& item) {
  std::vector<std::string> row{shortened(printable(item.id), kIdWidth)};
  for (const Estimate* e : {&item.ceiling, &item.expected}) {
    row.push_back(fmt::format("{:.0f}", e->calls.total()));
    row.push_back(short_count(e->tokens_prompt));
    row.push_back(short_count(e->tokens_output));
    row.push_back(fmt::format("{:.2f}", e->cost));
    row.push_back(short_time(e->seconds));
  }
  return row;
}

// Which limits of the run the expectation or the ceiling passes.
std::vector<std::string> budget_words(const ItemEstimate& total, const Config& config) {
  std::vector<std::string> words;
  const auto compare = [&](const char* name, double limit, double expected, double ceiling) {
    if (expected > limit)
      words.push_back(fmt::format("--budget-{} is expected to stop this run before its end", name));
    else if (ceiling > limit)
      words.push_back(fmt::format("--budget-{} could stop this run before its end", name));
    else
      words.push_back(fmt::format("--budget-{} cannot stop this run", name));
  };
  const Estimate& e = total.expected;
  const Estimate& c = total.ceiling;
  if (config.budget.calls)
    compare("calls", double(*config.budget.calls), e.calls.total(), c.calls.total());
  if (config.budget.tokens)
    compare("tokens", double(*config.budget.tokens), e.tokens_prompt + e.tokens_output,
            c.tokens_prompt + c.tokens_output);
  if (config.budget.cost) compare("cost", *config.budget.cost, e.cost, c.cost);
  if (config.limits.time)
    compare("time", double(config.limits.time->count()) / 1000, e.seconds, c.seconds);
  return words;
}

void print_text(const std::vector<ItemEstimate>& items, const ItemEstimate& total,
                const std::vector<std::pair<std::string, Assumption>>& assumptions,
                const Config& config) {
  std::vector<std::vector<std::string>> rows;
  rows.reserve(items.size() + 1);
  for (const ItemEstimate& item : items) rows.push_back(row_of(item));
  rows.push_back(row_of(total));
  const Align right = Align::Right;
  std::string text = table({{""},
                            {"ceiling: calls", right},
                            {"prompt", right},
                            {"output", right},
                            {"cost", right},
                            {"time", right},
                            {"expected: calls", right},
                            {"prompt", right},
                            {"output", right},
                            {"cost", right},
                            {"time", right}},
                           rows);
  text +=
      "\nThe ceiling cannot be exceeded in calls and output tokens; its time, and all that is "
      "expected,\nrest on these:\n";
  std::vector<std::vector<std::string>> lines;
  lines.reserve(assumptions.size() + 1);
  for (const auto& [name, assumption] : assumptions)
    lines.push_back({"  " + name,
                     fmt::format("{:.{}f}", assumption.value, assumption.value < 10 ? 2 : 0),
                     assumption.source});
  lines.push_back({"  calls in flight", std::to_string(config.in_flight), "--in-flight"});
  text += table({{"  assumption"}, {"value", right}, {"from"}}, lines);
  const std::vector<std::string> budget = budget_words(total, config);
  if (!budget.empty()) text += '\n';
  for (const std::string& words : budget) text += words + '\n';
  write_stdout(text);
}

ExitCode estimate(const EstimateFlags& flags, const InputFlags& input, const SettingFlags& given,
                  const Environment& environment) {
  const Settings settings = resolve(given, environment);
  const Config config = make_config(settings, environment);
  const AssumedByHand by_hand = assumed_by_hand(flags);
  const Inputs inputs =
      read_inputs(input, flags.grade ? formats::Need::Proof : formats::Need::Statement,
                  choose_spelling(settings, OutsideDomain::Ask));
  for (const std::string& note : inputs.notes) fmt::print(stderr, "{}\n", printable(note));
  for (const std::string& row : inputs.unusable)
    fmt::print(stderr, "left out: {}\n", printable(row));

  const prompts::TemplateSet templates = load_templates(config);
  const Assumptions assumptions =
      assumptions_of(by_hand, history_of(settings, config), config.roles);
  std::vector<ItemEstimate> items;
  for (const pipeline::Item& item : inputs.job.items)
    items.push_back(estimate_item(item, config, templates, assumptions));
  const ItemEstimate total = total_of(items, config, assumptions);
  std::vector<pipeline::Role> roles{pipeline::Role::Generator, pipeline::Role::Verifier,
                                    pipeline::Role::MetaVerifier};
  if (flags.grade) roles.erase(roles.begin());
  if (config.effort.votes.meta == 0) roles.pop_back();
  const auto list = named(assumptions, roles);
  if (!flags.json) {
    print_text(items, total, list, config);
    return ExitCode::Done;
  }
  Json json{{"kind", inputs.job.kind}, {"items", Json::array()}, {"total", item_json(total)}};
  for (const ItemEstimate& item : items) json["items"].push_back(item_json(item));
  for (const auto& [name, assumption] : list)
    json["assumptions"].push_back(
        {{"name", name}, {"value", assumption.value}, {"from", assumption.source}});
  json["in_flight"] = config.in_flight;
  json["budget"] = budget_words(total, config);
  write_stdout(json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n');
  return ExitCode::Done;
}

}  // namespace

void add_estimate(CLI::App& app, Invocation& invocation) {
  CLI::App& command =
      add_command(app, "estimate", "calls, tokens, cost and time of a run, before it is started",
                  "elenchus estimate problems.jsonl --effort heavy --price-output 2.19");
  auto input = add_input_flags(command, formats::Need::Statement);
  command.remove_option(command.get_option("--resume"));
  auto flags = std::make_shared<EstimateFlags>();
  command.add_flag("--grade", flags->grade, "the files hold proofs that are to be graded");
  command.add_flag("--json", flags->json, "one JSON document on standard output");
  const auto assume = [&](const char* name, auto& value, const char* metavar, const char* help) {
    command.add_option(name, value, help)->type_name(metavar)->group("Assumptions");
  };
  assume("--assume-accept", flags->accept, "SHARE", "share of proofs that will be accepted");
  assume("--assume-negative", flags->negative, "SHARE", "share of votes that will be below 1");
  assume("--assume-output-tokens", flags->output_tokens, "N",
         "tokens of an answer, reasoning included");
  assume("--assume-tokens-per-second", flags->tokens_per_second, "X",
         "output tokens per second of one call");
  auto settings =
      add_setting_flags(command, {"Model", "Sampling", "Engine", "Loop", "Limits", "Storage"});
  command.callback([&invocation, flags, input, settings] {
    invocation.run = [&invocation, flags, input, settings] {
      return estimate(*flags, *input, *settings, invocation.environment);
    };
  });
}

}  // namespace apps
