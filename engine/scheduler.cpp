#include "engine/scheduler.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <map>
#include <stdexcept>
#include <utility>

#include "engine/holdings.h"
#include "engine/share_rows.h"
#include "engine/submission.h"
#include "engine/timeline.h"
#include "engine/waiting_room.h"

namespace engine {

namespace {

int32_t pages_in(const SchedulerOptions& options, const Stepper::Limits& limits) {
  if (options.running_max < 1 || options.rows_max < 1 || options.waiting_max < 1)
    throw std::invalid_argument("running_max, rows_max and waiting_max must be at least 1");
  const int64_t pages = std::min<int64_t>(options.cache_bytes / limits.page_bytes,
                                          std::numeric_limits<int32_t>::max());
  const int64_t needed = pages_for(limits.context_max);
  if (pages < needed)
    throw model::Refused("a cache of " + std::to_string(options.cache_bytes) +
                         " bytes does not hold one context of " +
                         std::to_string(limits.context_max) + " tokens, which takes " +
                         std::to_string(needed * limits.page_bytes));
  return int32_t(pages);
}

}  // namespace

class Scheduler::Impl {
 public:
  Impl(Stepper& stepper, const model::Tokenizer& tokenizer, const SchedulerOptions& options);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Id submit(SampleRequest request, Done done, Progress progress);
  void cancel(Id id);
  bool step();
  void forget_prefixes() { holdings_.forget_all(); }
  SchedulerFigures figures() const;

 private:
  using PerLane = std::array<int64_t, kLanes>;
  struct Part {  // of a step
    Id id = 0;
    int32_t rows = 0;
    bool asks = false;  // for logits
  };

  // Before a step.
  void grow_decoding();
  void put_back(Timeline& timeline);
  void admit_waiting();
  std::optional<Id> next_waiting(const PerLane& running, const PerLane& filling, int64_t rows);
  bool admit(Timeline& timeline);

  // The step.
  std::vector<Part> lay_out();
  void compute(const std::vector<Part>& parts);
  void want_draws(const std::vector<Part>& parts);
  void keep_experts(Timeline& timeline, int64_t first, int32_t rows);
  void advance(Timeline& timeline, int32_t rows);

  // After it.
  void make_token(Timeline& timeline, DrawOutcome outcome);
  std::optional<Ended> end_of(Timeline& timeline, int32_t token);
  void stop_leading(Timeline& timeline);
  std::unique_ptr<Timeline> take_out(Id id);
  void fail(Id id, SampleFailure failure);
  void lose(const std::string& why);

  Stepper& stepper_;
  const model::Tokenizer& tokenizer_;
  const SchedulerOptions options_;
  const Stepper::Limits limits_;
  const int32_t rows_max_;
  const int32_t running_max_;

  Holdings holdings_;
  WaitingRoom waiting_;
  std::map<Id, std::unique_ptr<Timeline>> timelines_;  // waiting and running
  std::map<Id, Timeline*> running_;                    // oldest first
  Id last_id_ = 0;
  int turn_ = 0;  // the lane that goes first among equals
  bool closing_ = false;
  std::string lost_;  // why nothing can be computed any more
  SchedulerFigures figures_;

  // Kept between steps for their memory.
  std::vector<model::Row> rows_;
  std::vector<ToDraw> wanted_;
};

Scheduler::Impl::Impl(Stepper& stepper, const model::Tokenizer& tokenizer,
                      const SchedulerOptions& options)
    : stepper_(stepper),
      tokenizer_(tokenizer),
      options_(options),
      limits_(stepper.limits()),
      rows_max_(int32_t(std::min<int64_t>(options.rows_max, limits_.rows_max))),
      running_max_(std::min(options.running_max, rows_max_)),
      holdings_(limits_.page_bytes, pages_in(options, limits_), stepper.memory()) {}

Scheduler::Impl::~Impl() {
  closing_ = true;
  while (!timelines_.empty()) cancel(timelines_.begin()->first);
}

Scheduler::Id Scheduler::Impl::submit(SampleRequest request, Done done, Progress progress) {
  const Id id = ++last_id_;
  if (!lost_.empty()) {
    done(SampleFailure{.kind = SampleFailure::Kind::Lost, .message = lost_});
    return id;
  }
  auto reason = refusal(request, limits_, options_);
  if (!reason && closing_) reason = "the engine is closing";
  if (!reason && waiting_.size() >= std::size_t(options_.waiting_max))
    reason = std::to_string(options_.waiting_max) + " samples are waiting already";
  if (reason) {
    done(SampleFailure{.kind = SampleFailure::Kind::Refused, .message = *reason});
    return id;
  }

  const uint64_t key = prompt_key(*request.prompt);
  waiting_.add(id, request.lane, key);
  auto stops = StopFinder(request.stops);
  Sample sample{.prompt_tokens = int32_t(request.prompt->size())};
  timelines_[id] = std::make_unique<Timeline>(Timeline{.id = id,
                                                       .request = std::move(request),
                                                       .done = std::move(done),
                                                       .progress = std::move(progress),
                                                       .prompt_key = key,
                                                       .stops = std::move(stops),
                                                       .sample = std::move(sample)});
  return id;
}

void Scheduler::Impl::cancel(Id id) {
  if (timelines_.contains(id))
    fail(id, {.kind = SampleFailure::Kind::Cancelled, .message = "cancelled"});
}

bool Scheduler::Impl::step() {
  if (!lost_.empty()) return false;
  try {
    grow_decoding();
    admit_waiting();
    if (running_.empty()) {
      assert(waiting_.size() == 0);
      return false;
    }
    compute(lay_out());
  } catch (const std::exception& error) {
    lose(error.what());
  }
  turn_ = (turn_ + 1) % kLanes;
  return true;
}

// Callbacks may submit: these are answered at once.
void Scheduler::Impl::lose(const std::string& why) {
  lost_ = "the engine can be used no more: " + why;
  while (!timelines_.empty())
    fail(timelines_.begin()->first, {.kind = SampleFailure::Kind::Lost, .message = lost_});
}

// Oldest first, and the youngest gives way: the oldest always goes on, so that all come to an end.
void Scheduler::Impl::grow_decoding() {
  for (auto at = running_.begin(); at != running_.end();) {
    Timeline& timeline = *at->second;
    const Id id = timeline.id;
    while (running_.contains(id) && !holdings_.extend(timeline))
      put_back(*running_.rbegin()->second);
    at = running_.upper_bound(id);
  }
}

void Scheduler::Impl::put_back(Timeline& timeline) {
  ++figures_.preemptions;
  holdings_.remember(timeline, timeline.computed);
  stop_leading(timeline);
  holdings_.release(timeline);
  timeline.tokens = {};
  running_.erase(timeline.id);
  waiting_.add(timeline.id, timeline.request.lane, timeline.prompt_key);
}

void Scheduler::Impl::admit_waiting() {
  PerLane running{};
  PerLane filling{};  // rows wanted by those that want more than one
  int64_t rows = rows_max_;
  const auto count = [&](const Timeline& timeline) {
    const auto lane = std::size_t(timeline.request.lane);
    ++running[lane];
    if (timeline.to_compute() > 1)
      filling[lane] += timeline.to_compute();
    else
      --rows;
  };
  for (const auto& [id, timeline] : running_) count(*timeline);

  while (running_.size() < std::size_t(running_max_)) {
    const auto id = next_waiting(running, filling, rows);
    if (!id) break;
    Timeline& timeline = *timelines_.at(*id);
    // The one whose turn it is is not overtaken by those that need less: it would wait forever.
    if (!admit(timeline)) break;
    count(timeline);
  }
}

// Of the lanes that could use rows of this step, the one with fewest running samples.
std::optional<Scheduler::Id> Scheduler::Impl::next_waiting(const PerLane& running,
                                                           const PerLane& filling, int64_t rows) {
  std::optional<Id> best;
  int64_t fewest = std::numeric_limits<int64_t>::max();
  for (int i = 0; i < kLanes; ++i) {
    const auto lane = std::size_t((turn_ + i) % kLanes);
    if (filling[lane] >= rows || running[lane] >= fewest) continue;
    if (const auto id = waiting_.first(Lane(lane))) {
      best = id;
      fewest = running[lane];
    }
  }
  return best;
}

bool Scheduler::Impl::admit(Timeline& timeline) {
  timeline.tokens = *timeline.request.prompt;
  const Tokens& made = timeline.sample.tokens;
  timeline.tokens.insert(timeline.tokens.end(), made.begin(), made.end());
  if (!holdings_.settle(timeline)) {
    timeline.tokens = {};
    return false;
  }

  timeline.filling = true;
  if (made.empty()) {
    timeline.sample.cached_tokens = timeline.computed;
    figures_.cached_tokens += timeline.computed;
  }
  if (timeline.computed + 1 < timeline.prompt_size()) {
    timeline.leads = true;
    waiting_.begin_prompt(timeline.prompt_key);
  }
  waiting_.remove(timeline.id);
  running_[timeline.id] = &timeline;
  return true;
}

std::vector<Scheduler::Impl::Part> Scheduler::Impl::lay_out() {
  std::vector<Wanting> wanting;
  wanting.reserve(running_.size());
  for (const auto& [id, timeline] : running_)
    wanting.push_back({.lane = timeline->request.lane, .rows = timeline->to_compute()});
  const auto shares = share_rows(wanting, rows_max_, Lane(turn_));

  rows_.clear();
  std::vector<Part> parts;
  std::size_t i = 0;
  for (const auto& [id, timeline] : running_) {
    const int32_t share = shares[i++];
    if (share == 0) continue;
    const bool asks = share == timeline->to_compute();
    for (int32_t r = 0; r < share; ++r) {
      const int32_t position = timeline->computed + r;
      rows_.push_back({.token = timeline->tokens[std::size_t(position)],
                       .position = position,
                       .pages = timeline->addresses.data()});
    }
    if (asks) rows_.back().logits = model::Row::Logits::Yes;
    parts.push_back({.id = id, .rows = share, .asks = asks});
  }
  return parts;
}

void Scheduler::Impl::compute(const std::vector<Part>& parts) {
  want_draws(parts);
  ++figures_.steps;
  std::vector<DrawOutcome> outcomes;
  try {
    outcomes = stepper_.draw(rows_, wanted_);
  } catch (const model::Broken& error) {
    const std::string message = error.what();
    for (const Part& part : parts)
      fail(part.id, {.kind = SampleFailure::Kind::Broken, .message = message});
    return;
  }

  // All are brought forward before the first callback, which may cancel any of them.
  int64_t first = 0;
  for (const Part& part : parts) {
    Timeline& timeline = *running_.at(part.id);
    keep_experts(timeline, first, part.rows);
    advance(timeline, part.rows);
    first += part.rows;
  }
  auto outcome = outcomes.begin();
  for (const Part& part : parts) {
    if (!part.asks) continue;
    DrawOutcome& drawn = *outcome++;
    const auto at = running_.find(part.id);
    if (at != running_.end()) make_token(*at->second, std::move(drawn));
  }
}

// What a sample draws next depends on what it drew before alone, so that it is known before the
// step.
void Scheduler::Impl::want_draws(const std::vector<Part>& parts) {
  wanted_.clear();
  for (const Part& part : parts) {
    if (!part.asks) continue;
    const Timeline& timeline = *running_.at(part.id);
    const SampleRequest& request = timeline.request;
    wanted_.push_back({.sampling = request.sampling,
                       .at = uniform(request.seed, request.sample, timeline.tokens.size()),
                       .keep = request.keep_sets,
                       .allowed = request.grammar ? request.grammar->allowed() : nullptr});
  }
}

// `first` of the timeline's rows in the step. What is known already stays: a row that is computed
// again after it was put back may ask for no logits this time, and then skips the last layer.
void Scheduler::Impl::keep_experts(Timeline& timeline, int64_t first, int32_t rows) {
  const auto width = std::size_t(limits_.experts_of_row);
  if (timeline.request.keep_experts == KeepExperts::No || width == 0) return;
  std::vector<int32_t>& kept = timeline.sample.experts;
  const std::size_t begin = std::size_t(timeline.computed) * width;
  const std::size_t count = std::size_t(rows) * width;
  kept.resize(std::max(kept.size(), begin + count), -1);
  const auto made = stepper_.experts().subspan(std::size_t(first) * width, count);
  for (std::size_t i = 0; i < count; ++i)
    if (made[i] >= 0) kept[begin + i] = made[i];
}

void Scheduler::Impl::advance(Timeline& timeline, int32_t rows) {
  const int32_t prompt_rows = std::clamp(timeline.prompt_size() - timeline.computed, 0, rows);
  figures_.prompt_rows += prompt_rows;
  figures_.decode_rows += rows - prompt_rows;
  timeline.computed += rows;

  if (timeline.computed >= timeline.prompt_size()) stop_leading(timeline);
  if (!timeline.filling) return;
  timeline.filling = timeline.to_compute() > 0;
  // Full pages only while it goes on: a partial one would soon be replaced by its continuation.
  holdings_.remember(timeline, timeline.filling
                                   ? timeline.computed / int32_t(kPageTokens) * int32_t(kPageTokens)
                                   : timeline.computed);
}

void Scheduler::Impl::make_token(Timeline& timeline, DrawOutcome outcome) {
  const SampleRequest& request = timeline.request;
  const Id id = timeline.id;
  if (const std::string* why = std::get_if<std::string>(&outcome)) {
    fail(id, {.kind = SampleFailure::Kind::Broken,
              .message = "position " + std::to_string(timeline.computed - 1) + ": " + *why});
    return;
  }

  Drawn& drawn = std::get<Drawn>(outcome);
  timeline.tokens.push_back(drawn.token);
  timeline.sample.tokens.push_back(drawn.token);
  timeline.sample.log_probability.push_back(drawn.log_probability);
  if (request.keep_sets == KeepSets::Yes) {
    timeline.sample.kept.push_back(std::move(drawn.kept));
    timeline.sample.log_kept.push_back(drawn.log_kept);
  }
  if (request.grammar) request.grammar->accept(drawn.token);
  const auto ended = end_of(timeline, drawn.token);

  if (timeline.progress) {
    // Held here: it may cancel its own sample, and must not go away while it runs.
    auto progress = std::move(timeline.progress);
    progress(drawn.token);
    if (!running_.contains(id)) return;
    timeline.progress = std::move(progress);
  }
  if (!ended) return;
  timeline.sample.ended = *ended;
  holdings_.remember(timeline, timeline.computed);
  const auto out = take_out(id);
  out->done(std::move(out->sample));
}

std::optional<Ended> Scheduler::Impl::end_of(Timeline& timeline, int32_t token) {
  const SampleRequest& request = timeline.request;
  const auto stop = timeline.stops.add(tokenizer_.bytes(token));
  if (std::ranges::find(request.end_tokens, token) != request.end_tokens.end())
    return Ended::EndToken;
  if (stop) {
    timeline.sample.stop_index = *stop;
    return Ended::StopText;
  }
  if (timeline.sample.tokens.size() >= std::size_t(request.tokens_max)) return Ended::Length;
  if (int64_t(timeline.tokens.size()) >= limits_.context_max) return Ended::ContextFull;
  return std::nullopt;
}

void Scheduler::Impl::stop_leading(Timeline& timeline) {
  if (timeline.leads) waiting_.end_prompt(timeline.prompt_key);
  timeline.leads = false;
}

std::unique_ptr<Timeline> Scheduler::Impl::take_out(Id id) {
  auto timeline = std::move(timelines_.at(id));
  timelines_.erase(id);
  if (running_.erase(id)) {
    stop_leading(*timeline);
    holdings_.release(*timeline);
  } else {
    waiting_.remove(id);
  }
  return timeline;
}

void Scheduler::Impl::fail(Id id, SampleFailure failure) {
  if (!timelines_.contains(id)) return;  // cancelled by an earlier callback
  const auto out = take_out(id);
  out->done(std::move(failure));
}

SchedulerFigures Scheduler::Impl::figures() const {
  SchedulerFigures figures = figures_;
  figures.running = int32_t(running_.size());
  figures.waiting = int32_t(waiting_.size());
  figures.pages = holdings_.pool().pages_max();
  figures.pages_free = holdings_.pool().free_pages();
  figures.pages_known = holdings_.tree().pages();
  return figures;
}

Scheduler::Scheduler(Stepper& stepper, const model::Tokenizer& tokenizer,
                     const SchedulerOptions& options)
    : impl_(std::make_unique<Impl>(stepper, tokenizer, options)) {}
Scheduler::~Scheduler() = default;

Scheduler::Id Scheduler::submit(SampleRequest request, Done done, Progress progress) {
  return impl_->submit(std::move(request), std::move(done), std::move(progress));
}
void Scheduler::cancel(Id id) { impl_->cancel(id); }
bool Scheduler::step() { return impl_->step(); }
void Scheduler::forget_prefixes() { impl_->forget_prefixes(); }
SchedulerFigures Scheduler::figures() const { return impl_->figures(); }

}  // namespace engine
