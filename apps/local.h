#pragma once

#include <memory>
#include <optional>
#include <string>

#include "apps/settings.h"
#include "engine/local_model.h"
#include "pipeline/engine_chat.h"

namespace apps {

// A model that this process runs itself, as the settings choose it.
struct LocalChoice {
  std::filesystem::path directory;
  engine::LocalOptions options;
  std::optional<model::Thinking> thinking;  // not set: as the model can
  pipeline::JudgeGrammar grammar = pipeline::JudgeGrammar::Off;
};

// `directory` with the settings of the engine. Throws Exit(Usage) if it is none, or one of them
// cannot be used.
LocalChoice local_choice(const Settings& settings, const std::string& directory);

// What judges of this machine are to be held to. Throws Exit(Usage) if it is not known.
pipeline::JudgeGrammar grammar_of(const Settings& settings);

// Loads it, telling on stderr what it runs on and what memory it takes. Throws Exit: Usage (2) if
// the directory cannot be used, Backend (3) if the device is not there or has not enough memory.
std::unique_ptr<engine::LocalModel> load_local(const LocalChoice& choice);

model::Thinking thinking_of(const LocalChoice& choice, const engine::LocalModel& model);

// The loaded model behind the door of all models. Throws Exit(Usage) if it cannot think or write
// as the choice wants.
std::unique_ptr<pipeline::EngineChat> engine_chat(const LocalChoice& choice,
                                                  engine::LocalModel& model,
                                                  boost::asio::any_io_executor executor);

}  // namespace apps
