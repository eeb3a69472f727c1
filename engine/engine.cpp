#include "engine/engine.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace engine {

class Engine::Impl {
 public:
  Impl(std::unique_ptr<Stepper> stepper, const model::Tokenizer& tokenizer,
       const SchedulerOptions& options)
      : stepper_(std::move(stepper)),
        room_(std::size_t(options.waiting_max)),
        scheduler_(std::make_unique<Scheduler>(*stepper_, tokenizer, options)),
        figures_(scheduler_->figures()),
        thread_([this] { run(); }) {}
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Id submit(SampleRequest request, Scheduler::Done done, Scheduler::Progress progress);
  void cancel(Id id);
  SchedulerFigures figures() const;

 private:
  struct Submission {
    SampleRequest request = {};
    Scheduler::Done done = {};
    Scheduler::Progress progress = {};
  };
  // What came since the last step. Wishes to cancel are a set: asking often costs no more than
  // once.
  struct Mail {
    std::vector<Submission> submissions = {};
    std::set<Id> cancelled = {};
    bool empty() const { return submissions.empty() && cancelled.empty(); }
  };

  void run();
  std::optional<Mail> wait_for_mail(bool idle);
  void deliver(Mail mail);
  void publish();

  std::unique_ptr<Stepper> stepper_;
  const std::size_t room_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Mail mail_;
  Id last_id_ = 0;
  bool closing_ = false;

  std::unique_ptr<Scheduler> scheduler_;  // of the thread alone, once that runs
  SchedulerFigures figures_;
  std::thread thread_;
};

Engine::Impl::~Impl() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

Engine::Id Engine::Impl::submit(SampleRequest request, Scheduler::Done done,
                                Scheduler::Progress progress) {
  std::string reason;
  {
    const std::lock_guard lock(mutex_);
    if (closing_) {
      reason = "the engine is closing";
    } else if (mail_.submissions.size() >= room_) {
      reason = std::to_string(room_) + " submissions are on their way already";
    } else {
      const Id id = ++last_id_;  // the scheduler counts alike: it gets them in this order
      mail_.submissions.push_back({.request = std::move(request),
                                   .done = std::move(done),
                                   .progress = std::move(progress)});
      changed_.notify_one();
      return id;
    }
  }
  done(SampleFailure{.kind = SampleFailure::Kind::Refused, .message = reason});
  return kRefused;
}

void Engine::Impl::cancel(Id id) {
  const std::lock_guard lock(mutex_);
  if (id == kRefused || id > last_id_) return;
  mail_.cancelled.insert(id);
  changed_.notify_one();
}

SchedulerFigures Engine::Impl::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

void Engine::Impl::run() {
  bool idle = true;
  while (auto mail = wait_for_mail(idle)) {
    deliver(std::move(*mail));
    idle = !scheduler_->step();
    publish();
  }
  // What was sent before the engine closed is answered too.
  Mail last;
  {
    const std::lock_guard lock(mutex_);
    last = std::exchange(mail_, {});
  }
  deliver(std::move(last));
  scheduler_.reset();
}

// An idle engine sleeps until somebody writes. Nothing: it is closing.
std::optional<Engine::Impl::Mail> Engine::Impl::wait_for_mail(bool idle) {
  std::unique_lock lock(mutex_);
  if (idle) changed_.wait(lock, [this] { return closing_ || !mail_.empty(); });
  if (closing_) return std::nullopt;
  return std::exchange(mail_, {});
}

// A wish to cancel comes after its submission, if not in an earlier mail then in this one.
void Engine::Impl::deliver(Mail mail) {
  for (Submission& submission : mail.submissions)
    scheduler_->submit(std::move(submission.request), std::move(submission.done),
                       std::move(submission.progress));
  for (const Id id : mail.cancelled) scheduler_->cancel(id);
}

void Engine::Impl::publish() {
  const SchedulerFigures figures = scheduler_->figures();
  const std::lock_guard lock(mutex_);
  figures_ = figures;
}

Engine::Engine(std::unique_ptr<Stepper> stepper, const model::Tokenizer& tokenizer,
               const SchedulerOptions& options)
    : impl_(std::make_unique<Impl>(std::move(stepper), tokenizer, options)) {}
Engine::~Engine() = default;

Engine::Id Engine::submit(SampleRequest request, Scheduler::Done done,
                          Scheduler::Progress progress) {
  return impl_->submit(std::move(request), std::move(done), std::move(progress));
}
void Engine::cancel(Id id) { impl_->cancel(id); }
SchedulerFigures Engine::figures() const { return impl_->figures(); }

}  // namespace engine
