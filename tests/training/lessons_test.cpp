#include "training/lessons.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "training/lexemes.h"
#include "training/model_shape.h"

using training::Lesson;

namespace {

struct Classroom {
  model::Config config = model::parse_config(training::config_json({}), "");
  model::Tokenizer tokenizer = model::Tokenizer::parse(training::tokenizer_json());
  model::ChatFormat chat{tokenizer, config};
  prompts::TemplateSet templates = prompts::TemplateSet::from_directory(
      std::filesystem::path(SOURCE_DIR) / "model/default" / training::kPromptFamily);
  training::DocumentWriter writer{templates, tokenizer, chat};

  training::LessonPlan plan() const {
    training::LessonPlan plan;
    for (const theorems::Family family : theorems::kFamilies)
      plan.families.push_back({.family = family});
    return plan;
  }
  std::string text(const Lesson& lesson) const { return tokenizer.decode(lesson.document.tokens); }
};

// What stands between two marks of a text.
std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t from = text.find(begin) + begin.size();
  return text.substr(from, text.find(end, from) - from);
}

}  // namespace

TEST_SUITE("training/lessons") {
  TEST_CASE("a document depends on seed, index and progress alone") {
    const Classroom room;
    const training::Lessons lessons(room.plan(), room.writer, 3, {});
    const training::Lessons again(room.plan(), room.writer, 3, {});
    const training::Lessons other(room.plan(), room.writer, 4, {});
    again.at(5, 0.1);
    int equal = 0;
    for (uint64_t i = 0; i < 50; ++i) {
      CHECK(lessons.at(i, 0.5).document.tokens == again.at(i, 0.5).document.tokens);
      equal += lessons.at(i, 0.5).document.tokens == other.at(i, 0.5).document.tokens ? 1 : 0;
    }
    CHECK(equal < 5);
  }

  TEST_CASE("no statement of the dev or test split is ever taught") {
    const Classroom room;
    const training::Lessons lessons(room.plan(), room.writer, 3, {});
    for (uint64_t i = 0; i < 1000; ++i) {
      const std::string text = room.text(lessons.at(i, 0.9));
      const std::string prompt = between(text, ".\n", "<｜Assistant｜>");
      const std::string statement = prompt.substr(0, prompt.find('\n'));
      CAPTURE(statement);
      const auto read = theorems::read_statement(statement);
      REQUIRE(std::holds_alternative<theorems::Statement>(read));
      CHECK(theorems::split_of(std::get<theorems::Statement>(read)) == theorems::Split::Train);
    }
  }

  TEST_CASE("prompts weigh nothing, answers one, a flawed proof's own lines nothing") {
    const Classroom room;
    training::LessonPlan plan = room.plan();
    plan.prove = 1;
    plan.verify = plan.judge = plan.refine = 0;
    plan.flawed = 1;
    const training::Lessons lessons(plan, room.writer, 3, {});
    for (uint64_t i = 0; i < 50; ++i) {
      const Lesson lesson = lessons.at(i, 0.5);
      const training::Document& document = lesson.document;
      REQUIRE(document.tokens.size() == document.weight.size());
      std::string taught;
      for (std::size_t t = 0; t < document.tokens.size(); ++t)
        if (document.weight[t] > 0) taught += room.tokenizer.bytes(document.tokens[t]);
      CHECK(taught.starts_with("## Self Evaluation\n"));
      CHECK(taught.find("VERDICT: 1") == std::string::npos);
    }
  }

  TEST_CASE("refinements end in a proof that earns 1") {
    const Classroom room;
    training::LessonPlan plan = room.plan();
    plan.refine = 1;
    plan.verify = plan.judge = plan.prove = 0;
    const training::Lessons lessons(plan, room.writer, 3, {});
    for (uint64_t i = 0; i < 200; ++i) {
      const std::string text = room.text(lessons.at(i, 0.5));
      const std::string statement = between(text, "Refine.\n", "\n");
      const std::string answer = text.substr(text.find("<｜Assistant｜>"));
      const std::string proof = between(answer, "## Solution\n", "## Self Evaluation");
      const auto read = theorems::read_statement(statement);
      REQUIRE(std::holds_alternative<theorems::Statement>(read));
      CHECK(theorems::check(std::get<theorems::Statement>(read), proof).halves == 2);
    }
  }

  TEST_CASE("the model's own work is verified, judged and refined") {
    const Classroom room;
    const training::OwnWork own{{theorems::Family::Witness, "Find x: 7*x == 3 (mod 31)"},
                                "1. take x = 26 [take]\n2. 7*26 = 182 = 5*31+27 [calc]\n"
                                "3. goal [1 2]\nQED",
                                "NO ISSUES\nVERDICT: 1"};
    training::LessonPlan plan = room.plan();
    plan.own = 1;
    plan.prove = 0;
    const training::Lessons lessons(plan, room.writer, 3, {own});
    for (uint64_t i = 0; i < 50; ++i) {
      const std::string text = room.text(lessons.at(i, 0.5));
      CHECK(text.find("7*26 = 182 = 5*31+27") != std::string::npos);
    }
  }

  TEST_CASE("a sheet asks for calculations, of which only the answers are taught") {
    const Classroom room;
    training::LessonPlan plan = room.plan();
    plan.prove = plan.verify = plan.judge = plan.refine = 0;
    plan.calculate = 1;
    const Lesson lesson = training::Lessons(plan, room.writer, 3, {}).at(0, 0.5);
    CHECK(lesson.kind == Lesson::Kind::Calculate);
    std::string taught;
    for (std::size_t t = 0; t < lesson.document.tokens.size(); ++t)
      if (lesson.document.weight[t] > 0) taught += room.tokenizer.bytes(lesson.document.tokens[t]);
    CHECK(std::count(taught.begin(), taught.end(), '\n') == 24);
    CHECK(taught.size() < room.text(lesson).size());
  }

  TEST_CASE("a brief generation ends with a proof that earns 1") {
    const Classroom room;
    training::LessonPlan plan = room.plan();
    plan.verify = plan.judge = plan.refine = plan.flawed = 0;
    plan.brief = 1;
    const training::Lessons lessons(plan, room.writer, 3, {});
    for (uint64_t i = 0; i < 50; ++i) {
      const std::string text = room.text(lessons.at(i, 0.5));
      CHECK(text.ends_with("QED\n"));
      const auto read = theorems::read_statement(between(text, "Prove.\n", "<｜Assistant｜>"));
      REQUIRE(std::holds_alternative<theorems::Statement>(read));
      const std::string proof = text.substr(text.find("## Solution\n") + 12);
      CHECK(theorems::check(std::get<theorems::Statement>(read), proof).halves == 2);
    }
  }

  TEST_CASE("a riddled proof has more flaws than one that was spoilt once") {
    const Classroom room;
    training::LessonPlan plan = room.plan();
    plan.prove = plan.judge = plan.refine = plan.sound = 0;
    const auto flaws = [&](const training::LessonPlan& of) {
      const training::Lessons lessons(of, room.writer, 3, {});
      std::size_t found = 0;
      for (uint64_t i = 0; i < 300; ++i) {
        const std::string text = room.text(lessons.at(i, 0.5));
        for (std::size_t at = text.find("\nISSUE "); at != std::string::npos;
             at = text.find("\nISSUE ", at + 1))
          ++found;
      }
      return found;
    };
    const std::size_t once = flaws(plan);
    plan.riddled = 1;
    CHECK(flaws(plan) * 2 > once * 3);
  }

  TEST_CASE("levels grow along the ramp") {
    const Classroom room;
    const training::Lessons lessons(room.plan(), room.writer, 3, {});
    std::size_t early = 0, late = 0;
    for (uint64_t i = 0; i < 300; ++i) {
      early += lessons.at(i, 0).document.tokens.size();
      late += lessons.at(i, 1).document.tokens.size();
    }
    CHECK(early * 5 < late * 4);
  }
}
