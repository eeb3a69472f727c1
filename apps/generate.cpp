// elenchus generate: one prompt to a model of this machine, to see it speak.
#include <fmt/format.h>
#include <future>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "apps/local.h"
#include "apps/model_sampling.h"
#include "apps/output.h"
#include "text/utf8.h"

namespace apps {
namespace {

constexpr std::size_t kPromptBytesMax = 16 << 20;

struct GenerateFlags {
  std::string directory;
  std::string prompt;
  int64_t samples = 1;
  bool raw = false;
  bool json = false;
  std::shared_ptr<SettingFlags> settings;
};

std::string read_prompt(const GenerateFlags& flags) {
  std::string prompt = flags.prompt;
  if (prompt.empty()) {
    prompt.assign(std::istreambuf_iterator<char>(std::cin), {});
    while (prompt.ends_with('\n')) prompt.pop_back();
  }
  if (prompt.empty())
    throw Exit(ExitCode::Usage, "the prompt is empty: give --prompt TEXT, or write it to stdin");
  if (prompt.size() > kPromptBytesMax)
    throw Exit(ExitCode::Usage, fmt::format("the prompt has {} bytes; the most is {}",
                                            prompt.size(), kPromptBytesMax));
  return prompt;
}

std::string_view to_text(engine::Ended ended) {
  switch (ended) {
    case engine::Ended::EndToken:
      return "end token";
    case engine::Ended::StopText:
      return "stop text";
    case engine::Ended::Length:
      return "length";
    case engine::Ended::ContextFull:
      return "context full";
  }
  return "";
}

nlohmann::ordered_json to_json(int64_t index, const engine::Sample& sample,
                               const model::Answer& answer) {
  nlohmann::ordered_json json;
  json["sample"] = index;
  json["text"] = text::repair_utf8(answer.content);
  json["reasoning"] = text::repair_utf8(answer.reasoning);
  json["ended"] = to_text(sample.ended);
  json["prompt_tokens"] = sample.prompt_tokens;
  json["cached_tokens"] = sample.cached_tokens;
  json["tokens"] = sample.tokens;
  json["log_probabilities"] = sample.log_probability;
  return json;
}

// Writes text to the terminal as the tokens come.
class Printer {
 public:
  explicit Printer(const model::Tokenizer& tokenizer) : stream_(tokenizer) {}
  void add(int32_t token) { write_stdout(stream_.add(token)); }
  void finish() { write_stdout(stream_.finish() + "\n"); }

 private:
  model::TextStream stream_;
};

std::shared_ptr<const engine::Tokens> prompt_tokens(const GenerateFlags& flags,
                                                    const engine::LocalModel& model,
                                                    model::Thinking thinking) {
  const std::string prompt = read_prompt(flags);
  return std::make_shared<const engine::Tokens>(
      flags.raw ? model.tokenizer().encode(prompt, model::Trust::Trusted)
                : model.chat().encode({{.role = model::Turn::Role::User,
                                        .content = {{prompt, model::Trust::Untrusted}},
                                        .reasoning = {}}},
                                      thinking));
}

engine::SampleRequest make_request(const Settings& settings, const engine::LocalModel& model,
                                   std::shared_ptr<const engine::Tokens> prompt, int64_t sample) {
  engine::SampleRequest request;
  request.prompt = std::move(prompt);
  request.sampling.temperature = settings.real("temperature", 0, 10);
  request.sampling.top_p = settings.real("top-p", 0, 1);
  request.seed = uint64_t(settings.integer("seed", 0, int64_t{1} << 53));
  request.sample = uint64_t(sample);
  request.tokens_max = int32_t(settings.integer("max-tokens", 1, 1 << 26));
  request.end_tokens = model.config().end_tokens;
  return request;
}

// Sets one sample off; its outcome comes through the future.
std::future<engine::SampleOutcome> start(engine::LocalModel& model, engine::SampleRequest request,
                                         const std::shared_ptr<Printer>& printer) {
  const auto promise = std::make_shared<std::promise<engine::SampleOutcome>>();
  engine::Scheduler::Progress progress;
  if (printer) progress = [printer](int32_t token) { printer->add(token); };
  model.engine().submit(
      std::move(request),
      [promise](engine::SampleOutcome outcome) { promise->set_value(std::move(outcome)); },
      std::move(progress));
  return promise->get_future();
}

ExitCode code_of(const engine::SampleFailure& failure) {
  using Kind = engine::SampleFailure::Kind;
  if (failure.kind == Kind::Refused) return ExitCode::Usage;
  return failure.kind == Kind::Lost ? ExitCode::Backend : ExitCode::ItemFailed;
}

ExitCode generate(const GenerateFlags& flags, const Environment& environment) {
  Settings settings = resolve(*flags.settings, environment);
  const LocalChoice choice = local_choice(settings, flags.directory);
  take_advice(choice.directory, "", settings);
  const auto model = load_local(choice);
  const model::Thinking thinking = flags.raw ? model::Thinking::Off : thinking_of(choice, *model);
  const bool live = !flags.json && flags.samples == 1;
  const auto printer = live ? std::make_shared<Printer>(model->tokenizer()) : nullptr;

  const auto prompt = prompt_tokens(flags, *model, thinking);
  std::vector<std::future<engine::SampleOutcome>> outcomes;
  for (int64_t i = 0; i < flags.samples; ++i)
    outcomes.push_back(start(*model, make_request(settings, *model, prompt, i), printer));
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const engine::SampleOutcome outcome = outcomes[i].get();
    if (const auto* failure = std::get_if<engine::SampleFailure>(&outcome))
      throw Exit(code_of(*failure), failure->message);
    const auto& sample = std::get<engine::Sample>(outcome);
    const model::Answer answer = model::read_answer(model->tokenizer(), sample.tokens, thinking);
    if (printer) printer->finish();
    if (flags.json)
      write_stdout(to_json(int64_t(i), sample, answer).dump() + "\n");
    else if (!live)
      write_stdout(fmt::format("--- sample {} ({})\n{}{}{}\n", i, to_text(sample.ended),
                               text::repair_utf8(answer.reasoning),
                               answer.reasoning.empty() ? "" : "\n---\n",
                               text::repair_utf8(answer.content)));
    fmt::print(stderr, "sample {}: {} prompt tokens ({} cached), {} made, ended by {}\n", i,
               sample.prompt_tokens, sample.cached_tokens, sample.tokens.size(),
               to_text(sample.ended));
  }
  return ExitCode::Done;
}

}  // namespace

void add_generate(CLI::App& app, Invocation& invocation) {
  auto flags = std::make_shared<GenerateFlags>();
  CLI::App& command =
      add_command(app, "generate", "let a model of this machine answer one prompt",
                  "elenchus generate models/tiny --prompt 'Prove that 2 + 2 = 4.' --max-tokens 64");
  command.add_option("directory", flags->directory, "the model's directory")
      ->required()
      ->type_name("DIR");
  command.add_option("--prompt", flags->prompt, "the prompt; else it is read from stdin")
      ->type_name("TEXT");
  command.add_option("-n,--samples", flags->samples, "so many answers from one reading [1]")
      ->check(CLI::Range(1, 4096));
  command.add_flag("--raw", flags->raw,
                   "the prompt as it stands, control tokens included, without the chat's frame");
  command.add_flag("--json", flags->json, "a JSON line for each answer, with its tokens");
  flags->settings = add_setting_flags(command, {"Engine", "Sampling"});
  command.callback([flags, &invocation] {
    invocation.run = [flags, &invocation] { return generate(*flags, invocation.environment); };
  });
}

}  // namespace apps
