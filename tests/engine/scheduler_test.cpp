#include "engine/scheduler.h"

#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>

#include "tests/engine/scheduler_kit.h"

using namespace engine_kit;
using engine::Ended;
using engine::KeepSets;
using engine::Lane;
using engine::Sampling;
using Kind = SampleFailure::Kind;

namespace {

SampleRequest request(int32_t prompt_tokens, uint64_t sample = 0, int32_t tokens_max = 40) {
  return {.prompt = prompt_of(prompt_tokens),
          .sampling = {.temperature = 0.8, .top_p = 0.95},
          .seed = 7,
          .sample = sample,
          .tokens_max = tokens_max,
          .keep_sets = KeepSets::Yes};
}

}  // namespace

TEST_SUITE("engine/scheduler") {
  TEST_CASE("a sample is what the model says alone") {
    Bench bench({});

    bench.submit(request(100));
    bench.finish();

    const Sample expected = alone(request(100), 4096);
    CHECK(expected.tokens.size() == 40);
    CHECK(same(bench.sample(0), expected));
    CHECK(bench.sample(0).cached_tokens == 0);
    CHECK(bench.nothing_leaks());
  }

  TEST_CASE("how the prompt is cut into steps changes nothing") {
    for (const int64_t rows_max : {1, 7, 64, 4096}) {
      CAPTURE(rows_max);
      Bench bench({.rows_max = rows_max});

      bench.submit(request(500));
      bench.finish();

      CHECK(same(bench.sample(0), alone(request(500), 4096)));
      CHECK(int64_t(bench.stepper.largest_step()) == std::min<int64_t>(rows_max, 500));
    }
  }

  TEST_CASE("a batch of 64 changes nothing") {
    Bench bench({.rows_max = 100});

    for (int i = 0; i < 64; ++i) {
      auto one = request(20 + 3 * i, uint64_t(i));
      one.prompt = prompt_of(20 + 3 * i, uint64_t(i));
      bench.submit(std::move(one));
    }
    bench.finish();

    for (int i = 0; i < 64; ++i) {
      auto one = request(20 + 3 * i, uint64_t(i));
      one.prompt = prompt_of(20 + 3 * i, uint64_t(i));
      CHECK(same(bench.sample(std::size_t(i)), alone(one, 4096)));
    }
    CHECK(bench.nothing_leaks());
  }

  TEST_CASE("a prompt found in the prefix tree changes nothing") {
    for (const int32_t known : {1, 63, 64, 65, 127, 128, 129, 199, 200}) {
      CAPTURE(known);
      Bench bench({});
      bench.submit(request(known, 0, 1));
      bench.finish();

      bench.submit(request(200));
      bench.finish();

      CHECK(same(bench.sample(1), alone(request(200), 4096)));
      CHECK(bench.sample(1).cached_tokens == std::min(known, 199));
    }
  }

  TEST_CASE("the same request 20 times gives the same sample 20 times") {
    Bench bench({.rows_max = 50});

    for (int i = 0; i < 20; ++i) bench.submit(request(150));
    bench.finish();

    for (std::size_t i = 0; i < 20; ++i) CHECK(same(bench.sample(i), alone(request(150), 4096)));
  }

  TEST_CASE("64 samples of a prompt read it once") {
    Bench bench({});

    for (uint64_t i = 0; i < 64; ++i) bench.submit(request(2000, i));
    bench.finish();

    const auto figures = bench.scheduler.figures();
    CHECK(figures.prompt_rows == 2000 + 63);  // of each fork the last token, for its logits
    CHECK(figures.prompt_rows <= 2100);
    CHECK(figures.cached_tokens == 63 * 1999);
    CHECK(figures.decode_rows == 64 * 39);
    CHECK(figures.preemptions == 0);
    for (uint64_t i = 0; i < 64; ++i) CHECK(same(bench.sample(i), alone(request(2000, i), 4096)));
    CHECK(bench.sample(5).cached_tokens == 1999);
    CHECK(bench.sample(5).tokens != bench.sample(6).tokens);
    // 32 pages of prompt, of which the last is each fork's own; 2,039 tokens fill no 33rd.
    CHECK(figures.pages_known == 31 + 64);
    CHECK(bench.nothing_leaks());
  }

  TEST_CASE("an answer is found again as the beginning of the next prompt") {
    Bench bench({});
    bench.submit(request(100));
    bench.finish();
    auto longer = std::make_shared<Tokens>(*prompt_of(100));
    const Tokens& made = bench.sample(0).tokens;
    longer->insert(longer->end(), made.begin(), made.end());
    longer->push_back(65);
    auto next = request(0);
    next.prompt = longer;

    bench.submit(copy_of(next));
    bench.finish();

    CHECK(bench.sample(1).cached_tokens == 139);  // the last token made was never computed
    CHECK(same(bench.sample(1), alone(next, 4096)));
  }

  TEST_CASE("samples of a prompt whose reader is cancelled find another one") {
    Bench bench({.rows_max = 64});
    const auto leader = bench.submit(request(500, 0));
    for (uint64_t i = 1; i < 5; ++i) bench.submit(request(500, i));
    CHECK(bench.scheduler.step());
    CHECK(bench.scheduler.figures().running == 1);

    bench.scheduler.cancel(leader);
    bench.finish();

    CHECK(bench.failure(0).kind == Kind::Cancelled);
    for (uint64_t i = 1; i < 5; ++i) CHECK(same(bench.sample(i), alone(request(500, i), 4096)));
    CHECK(bench.scheduler.figures().prompt_rows == 500 + 3);
    CHECK(bench.nothing_leaks());
  }

  TEST_CASE("too few pages for all put the youngest back, to the same bits") {
    // Five pages: two samples of 60 + 100 tokens need three each.
    Bench bench({.context_max = 256, .pages = 5});
    for (uint64_t i = 0; i < 2; ++i) {
      auto one = request(60, i, 100);
      one.prompt = prompt_of(60, i);
      bench.submit(std::move(one));
    }

    bench.finish();

    CHECK(bench.scheduler.figures().preemptions > 0);
    CHECK(bench.order == std::vector<std::size_t>{0, 1});
    for (uint64_t i = 0; i < 2; ++i) {
      auto one = request(60, i, 100);
      one.prompt = prompt_of(60, i);
      CHECK(same(bench.sample(i), alone(one, 256)));
    }
    CHECK(bench.nothing_leaks());
  }

  TEST_CASE("unused prefixes give way before running samples do") {
    Bench bench({.context_max = 256, .pages = 6});
    for (uint64_t i = 0; i < 10; ++i) {
      auto one = request(128, 0, 20);
      one.prompt = prompt_of(128, i);
      bench.submit(std::move(one));
      bench.finish();
    }

    CHECK(bench.scheduler.figures().preemptions == 0);
    for (uint64_t i = 0; i < 10; ++i) CHECK(std::holds_alternative<Sample>(bench.outcomes[i]));
    CHECK(bench.nothing_leaks());
  }

  TEST_CASE("a cache of just one context serves it to its last token") {
    Bench bench({.context_max = 256, .pages = 4});
    bench.submit(request(100, 0, 1000));
    bench.submit(request(100, 1, 1000));
    bench.finish();

    for (uint64_t i = 0; i < 2; ++i) {
      CHECK(bench.sample(i).ended == Ended::ContextFull);
      CHECK(bench.sample(i).tokens.size() == 156);
      CHECK(same(bench.sample(i), alone(request(100, i, 1000), 256)));
    }
    CHECK(bench.nothing_leaks());
  }

  TEST_CASE("a sample ends with an end token, which it keeps") {
    Bench bench({});
    auto one = request(50, 0, 1000);
    one.end_tokens = {'a', 'b'};
    bench.submit(copy_of(one));
    bench.finish();

    CHECK(bench.sample(0).ended == Ended::EndToken);
    CHECK((bench.sample(0).tokens.back() == 'a' || bench.sample(0).tokens.back() == 'b'));
    CHECK(same(bench.sample(0), alone(one, 4096)));
  }

  TEST_CASE("a stop text is found across tokens") {
    auto one = request(50, 0, 1000);
    one.stops = {"nowhere to be found", "da", "bc"};
    Bench bench({});
    bench.submit(copy_of(one));
    bench.finish();

    const Sample& sample = bench.sample(0);
    CHECK(sample.ended == Ended::StopText);
    CHECK(sample.stop_index > 0);
    CHECK(same(sample, alone(one, 4096)));
  }

  TEST_CASE("tokens are told as they are made") {
    Bench bench({});
    Tokens told;
    bench.submit(request(50), [&](int32_t token) { told.push_back(token); });

    bench.finish();

    CHECK(told == bench.sample(0).tokens);
  }

  TEST_CASE("kept sets hold the token made, and come only if asked for") {
    Bench bench({});
    bench.submit(request(50));
    auto without = request(50);
    without.keep_sets = KeepSets::No;
    bench.submit(std::move(without));
    bench.finish();

    const Sample& with = bench.sample(0);
    REQUIRE(with.kept.size() == with.tokens.size());
    for (std::size_t i = 0; i < with.tokens.size(); ++i)
      CHECK(std::ranges::binary_search(with.kept[i], with.tokens[i]));
    CHECK(bench.sample(1).kept.empty());
    CHECK(bench.sample(1).tokens == with.tokens);
  }
}

TEST_SUITE("engine/scheduler limits") {
  TEST_CASE("what can never be met is refused at once, and why") {
    Bench bench({.context_max = 128});
    const auto refused = [&](SampleRequest one) {
      const std::size_t place = bench.submitted;
      bench.submit(std::move(one));
      REQUIRE(bench.failure(place).kind == Kind::Refused);
      return bench.failure(place).message;
    };

    auto one = request(50);
    one.prompt = nullptr;
    CHECK(refused(std::move(one)) == "the prompt is empty");
    CHECK(refused(request(0)) == "the prompt is empty");
    CHECK(refused(request(128)) ==
          "the prompt has 128 tokens and leaves no room for an answer in a context of 128");
    one = request(50);
    one.prompt = std::make_shared<const Tokens>(Tokens{1, 2, kVocabulary});
    CHECK(refused(std::move(one)) ==
          "token 2 of the prompt is 300, but the model's vocabulary ends at 300");
    one = request(50);
    one.prompt = std::make_shared<const Tokens>(Tokens{-1});
    CHECK(refused(std::move(one)).find("token 0 of the prompt is -1") == 0);
    CHECK(refused(request(50, 0, 0)) == "tokens_max must be at least 1");
    one = request(50);
    one.sampling.temperature = -1;
    CHECK(refused(std::move(one)).find("temperature") == 0);
    one = request(50);
    one.stops = {"x", ""};
    CHECK(refused(std::move(one)) == "stop text 1 is empty");
    one = request(50);
    one.stops = std::vector<std::string>(17, "x");
    CHECK(refused(std::move(one)) == "17 stop texts, at most 16 are looked for");
    one = request(50);
    one.stops = {std::string(257, 'x')};
    CHECK(refused(std::move(one)) == "stop text 0 has 257 bytes, at most 256 are looked for");

    CHECK_FALSE(bench.scheduler.step());
  }

  TEST_CASE("the longest prompt gets the one token that fits") {
    Bench bench({.context_max = 128});
    bench.submit(request(127));
    bench.finish();

    CHECK(bench.sample(0).tokens.size() == 1);
    CHECK(bench.sample(0).ended == Ended::ContextFull);
  }

  TEST_CASE("more than may wait are refused") {
    Bench bench({.waiting_max = 3});
    for (int i = 0; i < 4; ++i) bench.submit(request(50));

    CHECK(bench.failure(3).message == "3 samples are waiting already");
    bench.finish();
    CHECK(std::holds_alternative<Sample>(bench.outcomes[2]));
  }

  TEST_CASE("no more run than may, nor more than a step has rows") {
    Bench few({.running_max = 3});
    Bench narrow({.rows_max = 2});
    for (uint64_t i = 0; i < 6; ++i) {
      few.submit(request(1, i));
      narrow.submit(request(1, i));
    }

    for (int i = 0; i < 3; ++i) {
      few.scheduler.step();
      narrow.scheduler.step();
    }

    CHECK(few.scheduler.figures().running == 3);
    CHECK(few.scheduler.figures().waiting == 3);
    CHECK(narrow.scheduler.figures().running == 2);
  }

  TEST_CASE("a cache that does not hold a context is refused with both sizes") {
    FakeStepper stepper(8, 256);
    const SchedulerOptions options{.cache_bytes = 4 * FakeStepper::kPageBytes - 1};
    try {
      const Scheduler scheduler(stepper, bytes_tokenizer(), options);
      FAIL("it was not refused");
    } catch (const model::Refused& refused) {
      CHECK(std::string(refused.what()) ==
            "a cache of 6143 bytes does not hold one context of 256 tokens, which takes 6144");
    }
  }

  TEST_CASE("limits that are not positive are refused") {
    FakeStepper stepper(8, 256);
    CHECK_THROWS_AS(Scheduler(stepper, bytes_tokenizer(), {.running_max = 0}),
                    std::invalid_argument);
    CHECK_THROWS_AS(Scheduler(stepper, bytes_tokenizer(), {.waiting_max = 0}),
                    std::invalid_argument);
    CHECK_THROWS_AS(Scheduler(stepper, bytes_tokenizer(), {.rows_max = 0}), std::invalid_argument);
  }
}

TEST_SUITE("engine/scheduler failures") {
  TEST_CASE("a broken step ends its samples, and the others go on") {
    Bench bench({.rows_max = 64, .running_max = 1});
    bench.stepper.break_at(299);
    auto bad = request(0);
    bad.prompt = std::make_shared<const Tokens>(Tokens{1, 299, 3});
    bench.submit(std::move(bad));
    bench.submit(request(100));
    bench.finish();

    CHECK(bench.failure(0).kind == Kind::Broken);
    CHECK(bench.failure(0).message == "NaN in layer 0");
    CHECK(same(bench.sample(1), alone(request(100), 4096)));
    CHECK(bench.nothing_leaks());
  }

  TEST_CASE("a lost device ends every sample, running, waiting or yet to come") {
    Bench bench({.rows_max = 64, .running_max = 2});
    bench.stepper.lose_at(299);
    for (int32_t i = 0; i < 3; ++i) bench.submit(request(100 + i));
    for (int i = 0; i < 3; ++i) bench.scheduler.step();
    auto bad = request(0);
    bad.prompt = std::make_shared<const Tokens>(Tokens{1, 299, 3});
    bench.submit(std::move(bad));
    while (bench.done_calls[3] == 0) bench.scheduler.step();
    bench.submit(request(104));

    CHECK_FALSE(bench.scheduler.step());
    for (const std::size_t i : {2, 3, 4}) {
      CHECK(bench.done_calls[i] == 1);
      CHECK(bench.failure(i).kind == Kind::Lost);
      CHECK(bench.failure(i).message == "the engine can be used no more: the device is gone");
    }
    CHECK(bench.scheduler.figures().running == 0);
    CHECK(bench.scheduler.figures().waiting == 0);
  }

  TEST_CASE("what a broken step has written is not found later") {
    Bench bench({.rows_max = 64});
    bench.submit(request(200));
    for (int i = 0; i < 3; ++i) bench.scheduler.step();
    bench.stepper.break_at(299);
    auto bad = request(0);
    bad.prompt = std::make_shared<const Tokens>(Tokens{299});
    bench.submit(std::move(bad));
    bench.scheduler.step();
    CHECK(bench.failure(0).kind == Kind::Broken);

    bench.submit(request(200));
    bench.finish();

    CHECK(bench.sample(2).cached_tokens == 192);
    CHECK(same(bench.sample(2), alone(request(200), 4096)));
  }

  TEST_CASE("logits that are NaN end their sample alone") {
    Bench bench({});
    bench.stepper.make_nan_at(299);
    auto bad = request(0);
    bad.prompt = std::make_shared<const Tokens>(Tokens{1, 2, 299});
    bench.submit(std::move(bad));
    bench.submit(request(100));
    bench.finish();

    CHECK(bench.failure(0).kind == Kind::Broken);
    CHECK(bench.failure(0).message == "position 2: logit 7 is NaN or infinite");
    CHECK(same(bench.sample(1), alone(request(100), 4096)));
  }

  TEST_CASE("cancelling works while waiting, reading and writing, and twice is once") {
    Bench bench({.rows_max = 32, .running_max = 2});
    const auto reading = bench.submit(request(300, 0));
    auto other = request(3, 0);
    other.lane = Lane::Generate;
    const auto writing = bench.submit(std::move(other));
    const auto waiting = bench.submit(request(300, 2));
    const auto kept = bench.submit(request(300, 3));
    bench.scheduler.step();

    for (int i = 0; i < 2; ++i)
      for (const auto id : {reading, writing, waiting}) bench.scheduler.cancel(id);
    bench.scheduler.cancel(0);
    bench.scheduler.cancel(kept + 1);
    bench.finish();

    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(bench.failure(i).kind == Kind::Cancelled);
      CHECK(bench.done_calls[i] == 1);
    }
    CHECK(same(bench.sample(3), alone(request(300, 3), 4096)));
    CHECK(bench.nothing_leaks());
  }

  TEST_CASE("callbacks may cancel their own sample and others, and submit") {
    Bench bench({});
    std::vector<Scheduler::Id> ids;
    int told = 0;
    for (uint64_t i = 0; i < 4; ++i)
      ids.push_back(bench.submit(request(100, i), [&, i](int32_t) {
        if (i != 1 || ++told != 5) return;
        for (const std::size_t other : {0, 1, 2}) bench.scheduler.cancel(ids[other]);
        bench.submit(request(100, 9));
      }));

    bench.finish();

    for (const std::size_t i : {0, 1, 2}) {
      CHECK(bench.failure(i).kind == Kind::Cancelled);
      CHECK(bench.done_calls[i] == 1);
    }
    CHECK(told == 5);
    CHECK(same(bench.sample(3), alone(request(100, 3), 4096)));
    CHECK(same(bench.sample(4), alone(request(100, 9), 4096)));
    CHECK(bench.nothing_leaks());
  }

  TEST_CASE("a scheduler that goes away cancels all, and takes nothing new") {
    std::vector<Kind> kinds;
    FakeStepper stepper(64, 256);
    {
      Scheduler scheduler(stepper, bytes_tokenizer(), {});
      const auto note = [&](engine::SampleOutcome outcome) {
        kinds.push_back(std::get<SampleFailure>(outcome).kind);
      };
      scheduler.submit(request(100),
                       [&](engine::SampleOutcome outcome) {
                         note(std::move(outcome));
                         scheduler.submit(request(100), note, {});
                       },
                       {});
      scheduler.submit(request(100, 1), note, {});
      scheduler.step();
    }
    CHECK(kinds == std::vector{Kind::Cancelled, Kind::Refused, Kind::Cancelled});
  }
}

TEST_SUITE("engine/scheduler lanes") {
  TEST_CASE("lanes run alike, however many wait in each") {
    Bench bench({.running_max = 6});
    const auto submit = [&](Lane lane, int count) {
      for (int i = 0; i < count; ++i) {
        auto one = request(10, uint64_t(i), 10);
        one.lane = lane;
        bench.submit(std::move(one));
      }
    };
    submit(Lane::Generate, 30);
    submit(Lane::Verify, 6);
    submit(Lane::MetaVerify, 6);

    bench.finish();

    // Of the first 18 to be done each lane has a third.
    int done[3] = {};
    for (std::size_t i = 0; i < 18; ++i)
      ++done[bench.order[i] < 30 ? 0 : bench.order[i] < 36 ? 1 : 2];
    CHECK(done[0] == 6);
    CHECK(done[1] == 6);
    CHECK(done[2] == 6);
  }

  TEST_CASE("a long prompt of one lane holds up no other lane") {
    Bench bench({.rows_max = 32});
    bench.submit(request(4000, 0, 1));  // alone 125 steps
    bench.scheduler.step();
    auto one = request(40, 0, 3);
    one.lane = Lane::Generate;
    bench.submit(std::move(one));

    for (int i = 0; i < 5; ++i) bench.scheduler.step();

    CHECK(bench.order == std::vector<std::size_t>{1});
  }

  TEST_CASE("a large sample is not overtaken for ever by small ones") {
    Bench bench({.context_max = 256, .pages = 4});
    uint64_t next = 0;
    const auto submit_small = [&] {
      auto small = request(10, next++, 10);
      small.prompt = prompt_of(10, next);
      bench.submit(std::move(small));
    };
    submit_small();
    submit_small();
    bench.scheduler.step();
    bench.submit(request(250, 0, 1));  // needs all four pages

    for (int i = 0; i < 40; ++i) {
      submit_small();
      bench.scheduler.step();
    }

    CHECK(bench.outcomes.contains(2));
  }
}
