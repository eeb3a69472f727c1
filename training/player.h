#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/local_model.h"
#include "training/documents.h"

namespace training {

// One question to a model in one of its roles.
struct Question {
  std::string_view template_name;  // "generate", ...
  std::vector<prompts::Part> parts;
  uint64_t seed = 0;
  double temperature = 1;
};

struct Answer {
  std::string text;
  bool ended = false;  // by itself
  int64_t tokens = 0;
};

// Asks a model in this process, as many questions at a time as its engine takes. Equal questions
// get equal answers, whatever else is asked.
class Player {
 public:
  // `model` outlives it. Its prompts are those of its own directory.
  explicit Player(engine::LocalModel& model);

  std::vector<Answer> ask(const std::vector<Question>& questions, int32_t tokens_max);

  int64_t tokens() const { return tokens_; }  // of all answers so far

 private:
  engine::LocalModel& model_;
  prompts::TemplateSet templates_;
  DocumentWriter writer_;
  int64_t tokens_ = 0;
};

}  // namespace training
