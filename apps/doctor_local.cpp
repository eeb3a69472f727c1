// The model of this machine that the settings name: loaded, and asked for one token.
#include <fmt/format.h>
#include <future>

#include "apps/doctor.h"
#include "apps/local.h"

namespace apps {
namespace {

using State = Check::State;

Check asked(engine::LocalModel& local, const std::string& name) {
  model::Turn turn;
  turn.content.push_back({"Say something.", model::Trust::Untrusted});
  engine::SampleRequest request;
  request.prompt = std::make_shared<const engine::Tokens>(
      local.chat().encode({std::move(turn)}, model::Thinking::Off));
  request.tokens_max = 1;
  request.end_tokens = local.config().end_tokens;
  std::promise<engine::SampleOutcome> promise;
  local.engine().submit(
      std::move(request),
      [&promise](engine::SampleOutcome outcome) { promise.set_value(std::move(outcome)); }, {});
  const engine::SampleOutcome outcome = promise.get_future().get();
  if (const auto* failure = std::get_if<engine::SampleFailure>(&outcome))
    return {"model", State::Fail, fmt::format("{}: {}", name, failure->message),
            fmt::format("`elenchus model inspect {}` says what it is made of", name)};
  return {"model", State::Ok,
          fmt::format("{}: loaded and asked for a token; contexts of up to {} tokens; {}", name,
                      local.context_max(), local.identity()),
          ""};
}

}  // namespace

Checks check_local(const LocalChoice& choice) {
  const std::string name = choice.directory.string();
  try {
    const auto local = load_local(choice);
    return {asked(*local, name)};
  } catch (const Exit& exit) {
    return {{"model", State::Fail, fmt::format("{}: {}", name, exit.what()),
             exit.code == ExitCode::Backend
                 ? std::string("free memory, or give a smaller --cache or --context")
                 : fmt::format("`elenchus model inspect {}` lists what is wrong", name)}};
  }
}

}  // namespace apps
