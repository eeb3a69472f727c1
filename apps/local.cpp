#include "apps/local.h"

#include <fmt/format.h>
#include <cstdio>
#include <new>
#include <stdexcept>
#include <utility>

#include "apps/exit.h"
#include "kernels/cuda/device.h"

namespace apps {
namespace {

constexpr int64_t kCacheBytesMost = int64_t{1} << 42;
constexpr int64_t kContextMost = int64_t{1} << 24;

template <class T>
T one_of(const Settings& settings, const std::string& name,
         std::initializer_list<std::pair<std::string_view, T>> choices) {
  const std::string word = settings.word(name);
  std::string known;
  for (const auto& [text, value] : choices) {
    if (word == text) return value;
    known += (known.empty() ? "" : ", ") + std::string(text);
  }
  throw Exit(ExitCode::Usage, fmt::format("{}: {} is '{}', but must be one of {}",
                                          settings.at(name).origin, name, word, known));
}

engine::LocalOptions local_options(const Settings& settings) {
  engine::LocalOptions options;
  options.weights = one_of<model::WeightFormat>(settings, "weights",
                                                {{"as-is", model::WeightFormat::AsIs},
                                                 {"bf16", model::WeightFormat::Bfloat16},
                                                 {"q8", model::WeightFormat::Int8}});
  options.latents = one_of<model::LatentFormat>(
      settings, "latents",
      {{"as-is", model::LatentFormat::AsIs}, {"fp8", model::LatentFormat::Float8}});
  options.device = one_of<engine::DeviceChoice>(settings, "device",
                                                {{"auto", engine::DeviceChoice::Auto},
                                                 {"cpu", engine::DeviceChoice::Cpu},
                                                 {"cuda", engine::DeviceChoice::Cuda}});
  options.numerics = one_of<model::CacheNumerics>(
      settings, "numerics",
      {{"plain", model::CacheNumerics::Plain}, {"published", model::CacheNumerics::Published}});
  if (settings.is_set("threads"))
    options.threads = int(settings.integer("threads", 1, Threads::kMost));
  if (settings.is_set("context"))
    options.context_max = settings.integer("context", 2, kContextMost);
  if (settings.is_set("cache"))
    options.cache_bytes = settings.integer("cache", 1 << 20, kCacheBytesMost);
  options.running_max = settings.integer("running", 1, 4096);
  return options;
}

}  // namespace

pipeline::JudgeGrammar grammar_of(const Settings& settings) {
  return one_of<pipeline::JudgeGrammar>(
      settings, "grammar",
      {{"off", pipeline::JudgeGrammar::Off}, {"verdict", pipeline::JudgeGrammar::Verdict}});
}

LocalChoice local_choice(const Settings& settings, const std::string& directory) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(directory, ignored))
    throw Exit(
        ExitCode::Usage,
        fmt::format("{}: there is no such directory; a model is a directory with config.json, "
                    "*.safetensors and tokenizer.json",
                    directory));
  LocalChoice choice;
  choice.directory = directory;
  choice.options = local_options(settings);
  choice.grammar = grammar_of(settings);
  if (settings.is_set("thinking"))
    choice.thinking = settings.boolean("thinking") ? model::Thinking::On : model::Thinking::Off;
  return choice;
}

std::unique_ptr<engine::LocalModel> load_local(const LocalChoice& choice) {
  try {
    return engine::LocalModel::load(choice.directory, choice.options, [](const std::string& line) {
      fmt::print(stderr, "{}\n", line);
    });
  } catch (const engine::NoDevice& error) {
    throw Exit(ExitCode::Backend, error.what());
  } catch (const engine::NotEnoughMemory& error) {
    throw Exit(ExitCode::Backend, error.what());
  } catch (const OutOfMemory& error) {
    throw Exit(ExitCode::Backend,
               fmt::format("{}; a smaller --cache or --context needs less", error.what()));
  } catch (const DeviceLost& error) {
    throw Exit(ExitCode::Backend, error.what());
  } catch (const model::Refused& error) {
    throw Exit(ExitCode::Usage, error.what());
  } catch (const std::bad_alloc&) {
    throw Exit(ExitCode::Backend,
               "the system gave no more memory while the model was loaded; a smaller --cache or "
               "--context needs less");
  }
}

model::Thinking thinking_of(const LocalChoice& choice, const engine::LocalModel& model) {
  const bool can = model.chat().can_think();
  if (choice.thinking == model::Thinking::On && !can)
    throw Exit(ExitCode::Usage,
               "--thinking yes: this model's tokenizer has no <think> and </think> tokens");
  return choice.thinking.value_or(can ? model::Thinking::On : model::Thinking::Off);
}

std::unique_ptr<pipeline::EngineChat> engine_chat(const LocalChoice& choice,
                                                  engine::LocalModel& model,
                                                  boost::asio::any_io_executor executor) {
  const model::Thinking thinking = thinking_of(choice, model);
  try {
    return std::make_unique<pipeline::EngineChat>(std::move(executor), model, thinking,
                                                  choice.grammar);
  } catch (const std::invalid_argument& error) {
    throw Exit(ExitCode::Usage, fmt::format("--grammar verdict: {}", error.what()));
  }
}

}  // namespace apps
