#include <doctest/doctest.h>

#include "tests/engine/scheduler_kit.h"

using namespace engine_kit;

// Random arrivals, forks, cancellations and page budgets: whatever happens around a sample, it is
// what it is alone.

namespace {

class Mixture {
 public:
  explicit Mixture(uint64_t seed) : dice_(seed), shape_(shape()), bench_(shape_) {}

  void run() {
    const int samples = dice_.between(1, 16);
    int submitted = 0;
    while (submitted < samples || bench_.scheduler.figures().running > 0 ||
           bench_.scheduler.figures().waiting > 0) {
      if (submitted < samples && dice_.chance(0.4)) {
        submitted += submit_forks(samples - submitted);
      } else if (dice_.chance(cancel_rate_)) {
        bench_.scheduler.cancel(uint64_t(dice_.between(1, samples)));
      } else {
        bench_.scheduler.step();
      }
    }
    check();
  }

  int64_t preemptions() const { return preemptions_; }
  int64_t compared() const { return compared_; }

 private:
  Bench::Shape shape() {
    const int64_t context = dice_.between(2, 300);
    const int least = int(context + 63) / 64;
    const int rows[] = {1, 2, 7, 64, 512};
    return {.rows_max = rows[dice_.below(5)],
            .context_max = context,
            .pages = dice_.between(least, least + dice_.below(3 * least + 4)),
            .running_max = dice_.between(1, 12)};
  }

  // A few beginnings that part at random places.
  std::shared_ptr<const Tokens> prompt() {
    const int longest = int(std::min<int64_t>(shape_.context_max - 1, 220));
    Tokens tokens = *prompt_of(dice_.between(1, longest), uint64_t(dice_.below(2)));
    if (dice_.chance(0.5)) {
      const int from = dice_.below(int(tokens.size()));
      for (std::size_t i = std::size_t(from); i < tokens.size(); ++i)
        tokens[i] = (tokens[i] + 1) % 256;
    }
    return std::make_shared<const Tokens>(std::move(tokens));
  }

  int submit_forks(int most) {
    const int count = std::min(most, dice_.chance(0.5) ? 1 : dice_.between(2, 6));
    const auto shared = prompt();
    const auto lane = engine::Lane(dice_.below(3));
    for (int i = 0; i < count; ++i) {
      SampleRequest request{.prompt = shared,
                            .sampling = {.temperature = dice_.chance(0.2) ? 0 : 0.7,
                                         .top_k = dice_.chance(0.3) ? 20 : 0,
                                         .top_p = dice_.chance(0.5) ? 0.9 : 1},
                            .seed = uint64_t(dice_.below(3)),
                            .sample = uint64_t(i),
                            .tokens_max = dice_.between(1, 60),
                            .lane = lane};
      if (dice_.chance(0.3)) request.end_tokens = {'c', 256};
      if (dice_.chance(0.3)) request.stops = {"ab", "hg"};
      if (dice_.chance(0.3)) request.keep_sets = engine::KeepSets::Yes;
      requests_.push_back(copy_of(request));
      Scheduler::Progress progress;
      if (dice_.chance(cancel_rate_)) {
        const int target = dice_.between(1, 16), at = dice_.below(20);
        progress = [this, target, at, told = 0](int32_t) mutable {
          if (told++ == at) bench_.scheduler.cancel(uint64_t(target));
        };
      }
      bench_.submit(std::move(request), std::move(progress));
    }
    return count;
  }

  void check() {
    preemptions_ = bench_.scheduler.figures().preemptions;
    REQUIRE(bench_.outcomes.size() == requests_.size());
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      REQUIRE(bench_.done_calls[i] == 1);
      if (const auto* failure = std::get_if<SampleFailure>(&bench_.outcomes[i])) {
        REQUIRE(failure->kind == SampleFailure::Kind::Cancelled);
        continue;
      }
      REQUIRE(same(bench_.sample(i), alone(requests_[i], shape_.context_max)));
      ++compared_;
    }
    REQUIRE(bench_.nothing_leaks());
  }

  Dice dice_;
  Bench::Shape shape_;
  double cancel_rate_ = dice_.chance(0.5) ? 0 : 0.05;
  std::vector<SampleRequest> requests_;
  int64_t preemptions_ = 0;
  int64_t compared_ = 0;
  Bench bench_;
};

void run_mixtures(uint64_t first, uint64_t count) {
  int64_t preemptions = 0, compared = 0;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    CAPTURE(seed);
    Mixture mixture(seed);
    mixture.run();
    preemptions += mixture.preemptions();
    compared += mixture.compared();
  }
  // The mixtures are hard enough to mean something.
  CHECK(preemptions > int64_t(count) / 10);
  CHECK(compared > int64_t(count) * 4);
  MESSAGE(compared << " samples compared, " << preemptions << " preemptions");
}

}  // namespace

TEST_SUITE("engine/scheduler_mixture") {
  TEST_CASE("whatever happens around a sample, it is what it is alone") { run_mixtures(1, 300); }
}

TEST_SUITE("slow/engine/scheduler_mixture") {
  TEST_CASE("whatever happens around a sample, it is what it is alone, 10,000 times") {
    run_mixtures(1000, 10000);
  }
}
