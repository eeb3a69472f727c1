#include "training/player.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <variant>

namespace training {
namespace {

// Answers as they come in, on the engine's thread.
class Inbox {
 public:
  explicit Inbox(std::size_t count) : outcomes_(count), left_(count) {}

  void put(std::size_t place, engine::SampleOutcome outcome) {
    const std::lock_guard lock(mutex_);
    outcomes_[place] = std::move(outcome);
    if (--left_ == 0) done_.notify_all();
  }
  std::vector<engine::SampleOutcome> wait() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return left_ == 0; });
    return std::move(outcomes_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  std::vector<engine::SampleOutcome> outcomes_;
  std::size_t left_;
};

}  // namespace

Player::Player(engine::LocalModel& model)
    : model_(model),
      templates_(
          prompts::TemplateSet::from_directory(model.directory() / model.config().prompt_family)),
      writer_(templates_, model.tokenizer(), model.chat()) {}

std::vector<Answer> Player::ask(const std::vector<Question>& questions, int32_t tokens_max) {
  if (questions.empty()) return {};
  const auto inbox = std::make_shared<Inbox>(questions.size());
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const Question& question = questions[i];
    engine::SampleRequest request;
    request.prompt = std::make_shared<const model::Tokens>(
        writer_.prompt(question.template_name, question.parts));
    request.sampling.temperature = question.temperature;
    request.seed = question.seed;
    const int64_t room = model_.context_max() - int64_t(request.prompt->size());
    request.tokens_max = int32_t(std::clamp<int64_t>(room, 1, tokens_max));
    request.end_tokens = model_.config().end_tokens;
    model_.engine().submit(
        std::move(request),
        [inbox, i](engine::SampleOutcome outcome) { inbox->put(i, std::move(outcome)); }, {});
  }
  std::vector<Answer> answers;
  for (const engine::SampleOutcome& outcome : inbox->wait()) {
    const auto* sample = std::get_if<engine::Sample>(&outcome);
    if (sample == nullptr) {
      answers.push_back({});  // a prompt that does not fit: nothing was said
      continue;
    }
    Answer answer;
    answer.text =
        model::read_answer(model_.tokenizer(), sample->tokens, model::Thinking::Off).content;
    answer.ended = sample->ended == engine::Ended::EndToken;
    answer.tokens = int64_t(sample->tokens.size());
    tokens_ += answer.tokens;
    answers.push_back(std::move(answer));
  }
  return answers;
}

}  // namespace training
