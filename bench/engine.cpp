// A whole model's speed, in tokens a second, beside what the memory could give. Usage:
//   bench_engine DIR [--threads N] [--weights as-is|bf16|q8] CASE...
// with the cases prefill:TOKENS, decode:DEPTH, batch:SAMPLES:DEPTH and
// verify:SAMPLES:PROMPT:ANSWER. What stands before DEPTH is random numbers in the cache, which
// costs to read what real numbers cost. `verify` lets the scheduler make SAMPLES answers to one
// prompt, and then a few of them one after the other, each with nothing known.
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "bench/ceilings.h"
#include "engine/network_stepper.h"
#include "engine/scheduler.h"

namespace {

constexpr int64_t kRowsMax = 512;
constexpr int64_t kDecodeSteps = 16;
constexpr int64_t kAloneMost = 4;  // samples of `verify` that are made one after the other

struct Options {
  std::string directory;
  int threads = usable_cores();
  model::WeightFormat weights = model::WeightFormat::AsIs;
  std::vector<std::string> cases;
};

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--threads" && i + 1 < argc)
      options.threads = std::atoi(argv[++i]);
    else if (word == "--weights" && i + 1 < argc)
      options.weights = std::strcmp(argv[++i], "q8") == 0   ? model::WeightFormat::Int8
                        : std::strcmp(argv[i], "bf16") == 0 ? model::WeightFormat::Bfloat16
                                                            : model::WeightFormat::AsIs;
    else if (options.directory.empty())
      options.directory = word;
    else
      options.cases.push_back(word);
  }
  return options;
}

// The pages of one sequence, full of small random numbers.
class Sequence {
 public:
  Sequence(const model::CacheFormat& format, int64_t tokens) {
    uint64_t state = 88172645463325252u;
    for (int64_t i = 0; i * kPageTokens < tokens; ++i) {
      memory_.emplace_back(std::size_t(format.page_bytes() / 2));
      for (uint16_t& number : memory_.back()) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        number = uint16_t(0x3C00 + (state & 0x83FF));  // a bfloat16 of size 2^-7 ... 2^0, any sign
      }
      pages_.push_back(reinterpret_cast<unsigned char*>(memory_.back().data()));
    }
  }
  unsigned char* const* pages() const { return pages_.data(); }

 private:
  std::vector<std::vector<uint16_t>> memory_;
  std::vector<unsigned char*> pages_;
};

class Bench {
 public:
  Bench(const Options& options, const model::Weights& weights, HostKernels& kernels)
      : network_(weights, kernels, {.rows_max = kRowsMax}),
        logits_(std::size_t(kRowsMax * weights.config.vocabulary)),
        threads_(options.threads) {}

  // TOKENS prompt tokens at once, logits of the last: tokens a second.
  void prefill(int64_t tokens) {
    const Sequence sequence(network_.cache(), tokens);
    report("prefill", tokens, 0, double(tokens), bench::measure([&] {
             for (int64_t at = 0; at < tokens; at += kRowsMax) {
               std::vector<model::Row> rows;
               for (int64_t i = at; i < std::min(at + kRowsMax, tokens); ++i)
                 rows.push_back(row(sequence, i, i + 1 == tokens));
               forward(rows, rows.back().logits == model::Row::Logits::Yes ? 1 : 0);
             }
           }));
  }

  // Answers to one prompt, all at once and one after the other: seconds and prompt tokens computed.
  void verify(int64_t samples, int64_t prompt, int64_t answer, const model::Tokenizer& tokenizer) {
    const auto stepper = engine::stepper_of(network_);
    const int64_t tokens = prompt + samples * (answer + 2 * kPageTokens);
    engine::SchedulerOptions options;
    options.running_max = int32_t(samples);
    options.rows_max = int32_t(kRowsMax);
    options.cache_bytes =
        std::max(tokens, network_.context_max()) / kPageTokens * stepper->limits().page_bytes;
    auto text = std::make_shared<engine::Tokens>();
    for (int64_t i = 0; i < prompt; ++i)
      text->push_back(int32_t(7919 * i % network_.config().vocabulary));
    const auto make = [&](engine::Scheduler& scheduler, int64_t first, int64_t count) {
      for (int64_t i = first; i < first + count; ++i) {
        engine::SampleRequest request;
        request.prompt = text;
        request.sample = uint64_t(i);
        request.tokens_max = int32_t(answer);
        scheduler.submit(std::move(request), [](const engine::SampleOutcome&) {}, {});
      }
      const auto begin = std::chrono::steady_clock::now();
      while (scheduler.step()) {
      }
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    engine::Scheduler together(*stepper, tokenizer, options);
    const double all = make(together, 0, samples);
    engine::Scheduler scheduler(*stepper, tokenizer, options);
    double alone = 0;
    const int64_t few = std::min(samples, kAloneMost);
    for (int64_t i = 0; i < few; ++i) {
      alone += make(scheduler, i, 1);
      scheduler.forget_prefixes();
    }
    std::printf(
        "{\"case\":\"verify\",\"samples\":%lld,\"prompt\":%lld,\"answer\":%lld,\"threads\":%d,"
        "\"seconds\":%.2f,\"prompt_rows\":%lld,\"seconds_of_one_alone\":%.2f}\n",
        static_cast<long long>(samples), static_cast<long long>(prompt),
        static_cast<long long>(answer), threads_, all,
        static_cast<long long>(together.figures().prompt_rows), alone / double(few));
    std::fflush(stdout);
  }

  // One more token for each of `samples` sequences of `depth` tokens: tokens a second of all.
  void decode(int64_t samples, int64_t depth) {
    std::vector<Sequence> sequences;
    for (int64_t s = 0; s < samples; ++s)
      sequences.emplace_back(network_.cache(), depth + kDecodeSteps);
    report("decode", samples, depth, double(samples * kDecodeSteps), bench::measure([&] {
             for (int64_t step = 0; step < kDecodeSteps; ++step) {
               std::vector<model::Row> rows;
               for (const Sequence& sequence : sequences)
                 rows.push_back(row(sequence, depth + step, true));
               forward(rows, samples);
             }
           }));
  }

 private:
  model::Row row(const Sequence& sequence, int64_t position, bool logits) {
    token_ = (token_ * 1103515245 + 12345) % 2147483648;
    return {.token = int32_t(token_ % network_.config().vocabulary),
            .position = int32_t(position),
            .pages = sequence.pages(),
            .logits = logits ? model::Row::Logits::Yes : model::Row::Logits::No};
  }

  void forward(const std::vector<model::Row>& rows, int64_t wanted) {
    network_.forward(rows,
                     {.data = logits_.data(), .extent = {wanted, network_.config().vocabulary}});
  }

  void report(const char* name, int64_t count, int64_t depth, double tokens,
              const bench::Spread& time) const {
    const bench::Spread speed = bench::rate(tokens, time);
    std::printf(
        "{\"case\":\"%s\",\"count\":%lld,\"depth\":%lld,\"threads\":%d,\"tokens_per_second\":%.1f,"
        "\"best\":%.1f,\"worst\":%.1f}\n",
        name, static_cast<long long>(count), static_cast<long long>(depth), threads_, speed.median,
        speed.best, speed.worst);
    std::fflush(stdout);
  }

  model::Network network_;
  std::vector<float> logits_;
  int threads_;
  int64_t token_ = 1;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  if (options.cases.empty()) {
    std::fprintf(stderr,
                 "usage: bench_engine DIR [--threads N] [--weights as-is|bf16|q8] "
                 "prefill:512 decode:0 batch:16:0 ...\n");
    return 2;
  }
  try {
    const model::Config config = model::read_config(options.directory);
    const model::Weights weights =
        model::load_weights(config, model::Checkpoint::open(options.directory), options.weights);
    HostKernels kernels(best_instructions(), options.threads);
    {
      Threads threads(options.threads);
      const std::vector<unsigned char> memory(std::size_t(512) << 20, 1);
      const bench::Spread read =
          bench::read_bandwidth(threads, memory.data(), int64_t(memory.size()));
      std::printf("{\"case\":\"read bandwidth\",\"gigabytes_per_second\":%.2f,\"best\":%.2f}\n",
                  read.median / 1e9, read.best / 1e9);
    }
    std::printf("{\"case\":\"bytes read for a token without context\",\"megabytes\":%.1f}\n",
                double(model::active_parameters(config)) * 2 / 1e6);
    Bench bench(options, weights, kernels);
    for (const std::string& word : options.cases) {
      const std::size_t first = word.find(':'), second = word.find(':', first + 1);
      const std::string name = word.substr(0, first);
      const int64_t a = std::atoll(word.c_str() + first + 1);
      if (name == "verify") {
        const std::size_t third = word.find(':', second + 1);
        bench.verify(a, std::atoll(word.c_str() + second + 1), std::atoll(word.c_str() + third + 1),
                     model::Tokenizer::load(SOURCE_DIR "/model/tiny"));
      } else if (name == "prefill")
        bench.prefill(a);
      else if (name == "decode")
        bench.decode(1, a);
      else if (name == "batch" && second != std::string::npos)
        bench.decode(a, std::atoll(word.c_str() + second + 1));
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_engine: %s\n", error.what());
    return 2;
  }
}
