#include "training/lessons.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "training/calculation.h"

namespace training {
namespace {

using prompts::Part;
using theorems::Random;

constexpr int kDrawsMax = 1000;
constexpr int kCalculations = 24;  // on a sheet
constexpr int kRiddledMax = 5;     // times that a proof is spoilt

// A place, chosen by its share.
template <class Shares>
std::size_t choose(const Shares& shares, Random& random) {
  const double total = std::accumulate(shares.begin(), shares.end(), 0.0);
  double left = double(random.next() >> 11) * 0x1p-53 * total;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    left -= shares[i];
    if (left < 0) return i;
  }
  return shares.size() - 1;
}

std::vector<Passage> generation(const std::string& proof, float proof_weight,
                                const std::string& evaluation) {
  return {{solution_heading() + proof, proof_weight},
          {self_evaluation_heading() + evaluation, 1.0F}};
}

// What the pipeline shows and compares: a proof without the blanks around it.
std::string shown(std::string_view proof) {
  while (!proof.empty() && (proof.back() == '\n' || proof.back() == ' ')) proof.remove_suffix(1);
  return std::string(proof);
}

}  // namespace

std::string_view to_text(Role role) {
  constexpr std::string_view kTexts[] = {"prove", "verify", "judge", "refine"};
  return kTexts[int(role)];
}

std::string_view to_text(Lesson::Kind kind) {
  return kind == Lesson::Kind::Calculate ? "calculate" : to_text(Role(kind));
}

Lessons::Lessons(LessonPlan plan, const DocumentWriter& writer, uint64_t seed,
                 std::vector<OwnWork> own)
    : plan_(std::move(plan)), writer_(writer), seed_(seed), own_(std::move(own)) {
  if (plan_.families.empty()) throw std::invalid_argument("a lesson plan names no family");
  for (std::size_t i = 0; i < own_.size(); ++i)
    if (!own_[i].evaluation.empty()) evaluated_.push_back(i);
}

Lesson Lessons::at(uint64_t index, double progress) const {
  Random random(theorems::seed_of(seed_, index));
  const std::array<double, Lesson::kKinds> shares = {plan_.prove, plan_.verify, plan_.judge,
                                                     plan_.refine, plan_.calculate};
  for (int draw = 0; draw < kDrawsMax; ++draw) {
    Lesson lesson;
    lesson.kind = Lesson::Kind(choose(shares, random));
    switch (lesson.kind) {
      case Lesson::Kind::Prove:
        lesson.document = prove(random, progress);
        break;
      case Lesson::Kind::Verify:
        lesson.document = verify(random, progress);
        break;
      case Lesson::Kind::Judge:
        lesson.document = judge(random, progress);
        break;
      case Lesson::Kind::Refine:
        lesson.document = refine(random, progress);
        break;
      case Lesson::Kind::Calculate:
        lesson.document = calculate(random);
        break;
    }
    if (lesson.document.tokens.size() <= plan_.tokens_max) return lesson;
  }
  throw std::runtime_error("hardly any document is as short as tokens_max asks");
}

theorems::Statement Lessons::statement(Random& random, double progress) const {
  std::vector<double> shares;
  for (const auto& family : plan_.families) shares.push_back(family.share);
  const auto& family = plan_.families[choose(shares, random)];
  const double along = plan_.ramp > 0 ? std::min(1.0, progress / plan_.ramp) : 1.0;
  std::array<double, 4> levels{};
  for (std::size_t i = 0; i < levels.size(); ++i)
    levels[i] = (1 - along) * family.first[i] + along * family.last[i];
  const int level = int(choose(levels, random)) + 1;
  return theorems::sample(family.family, level, theorems::Split::Train, random);
}

std::string Lessons::sound_proof(const theorems::Statement& statement, Random& random) const {
  const auto proof = theorems::rules_of(statement.family).prove(statement.text, random);
  if (!proof) throw std::logic_error("a sampled statement has no proof: " + statement.text);
  return shown(to_text(*proof));
}

std::string Lessons::spoilt(const theorems::Statement& statement, const std::string& sound,
                            Random& random) const {
  const theorems::FamilyRules& rules = theorems::rules_of(statement.family);
  const bool riddled = plan_.riddled > 0 && random.chance(plan_.riddled);
  const int64_t times = riddled ? random.between(2, kRiddledMax) : 1;
  auto proof = std::get<theorems::Proof>(theorems::read_proof(sound + "\n"));
  for (int64_t i = 0; i < times; ++i) proof = rules.spoil(statement.text, proof, random).proof;
  return shown(to_text(proof));
}

Lessons::Flaw Lessons::flaw(Random& random, double progress) const {
  theorems::Statement drawn = statement(random, progress);
  const std::string sound = sound_proof(drawn, random);
  Judged proof;
  for (int draw = 0; draw < kDrawsMax; ++draw) {
    proof = judged(drawn, spoilt(drawn, sound, random));
    if (proof.report.halves < 2) break;
  }
  return {std::move(proof), sound};
}

const OwnWork* Lessons::own_work(Random& random, bool with_evaluation) const {
  if (own_.empty() || !random.chance(plan_.own)) return nullptr;
  if (!with_evaluation) return &own_[std::size_t(random.below(int64_t(own_.size())))];
  return evaluated_.empty() ? nullptr : &own_[random.pick(evaluated_)];
}

Document Lessons::calculate(Random& random) const {
  std::vector<Passage> sheet;
  for (int i = 0; i < kCalculations; ++i) {
    Calculation drawn = calculation(random);
    sheet.push_back({std::move(drawn.asked), 0});
    sheet.push_back({drawn.answer + "\n", 1});
  }
  return writer_.sheet(sheet);
}

Document Lessons::prove(Random& random, double progress) const {
  if (random.chance(plan_.flawed)) {
    Judged proof;
    if (const OwnWork* own = own_work(random, false))
      proof = judged(own->statement, shown(own->proof));
    else
      proof = flaw(random, progress).proof;
    return writer_.write("generate", {{"problem", proof.statement.text}},
                         generation(proof.proof + "\n", 0, evaluation_of(proof)));
  }
  const theorems::Statement drawn = statement(random, progress);
  if (random.chance(plan_.brief))
    return writer_.write_open("generate", {{"problem", drawn.text}},
                              {{solution_heading() + sound_proof(drawn, random) + "\n", 1}});
  const Judged proof = judged(drawn, sound_proof(drawn, random));
  return writer_.write("generate", {{"problem", drawn.text}},
                       generation(proof.proof + "\n", 1, evaluation_of(proof)));
}

Document Lessons::verify(Random& random, double progress) const {
  Judged proof;
  if (const OwnWork* own = own_work(random, false)) {
    proof = judged(own->statement, shown(own->proof));
  } else if (random.chance(plan_.sound)) {
    const theorems::Statement drawn = statement(random, progress);
    proof = judged(drawn, sound_proof(drawn, random));
  } else {
    proof = flaw(random, progress).proof;
  }
  return writer_.write("verify", {{"problem", proof.statement.text}, {"proof", proof.proof}},
                       {{evaluation_of(proof), 1.0F}});
}

Document Lessons::judge(Random& random, double progress) const {
  Judged proof;
  std::string evaluation;
  if (const OwnWork* own = own_work(random, true)) {
    proof = judged(own->statement, shown(own->proof));
    evaluation = own->evaluation;
  } else {
    if (random.chance(0.3)) {
      const theorems::Statement drawn = statement(random, progress);
      proof = judged(drawn, sound_proof(drawn, random));
    } else {
      proof = flaw(random, progress).proof;
    }
    evaluation = random.chance(0.4) ? evaluation_of(proof) : spoilt_evaluation(proof, random);
  }
  const auto read = prompts::read_verification(evaluation);
  // An evaluation that cannot be read is never judged by the loop: teach another one.
  if (!std::holds_alternative<prompts::Verification>(read)) evaluation = evaluation_of(proof);
  const auto verification = std::get<prompts::Verification>(prompts::read_verification(evaluation));
  return writer_.write(
      "meta_verify",
      {{"problem", proof.statement.text}, {"proof", proof.proof}, {"evaluation", evaluation}},
      {{judgement_of(proof, verification), 1.0F}});
}

Document Lessons::refine(Random& random, double progress) const {
  std::vector<Part> parts;
  std::string sound;
  const auto add = [&](const Judged& proof, std::size_t number, const std::string& evaluation) {
    const std::string name = "candidate." + std::to_string(number) + ".";
    parts.push_back({name + "proof", proof.proof});
    parts.push_back({name + "analysis.1", evaluation});
  };
  theorems::Statement drawn;
  if (const OwnWork* own = own_work(random, false)) {
    const Judged proof = judged(own->statement, shown(own->proof));
    drawn = own->statement;
    sound = proof.report.halves == 2 ? proof.proof : sound_proof(drawn, random);
    const bool misled = proof.report.halves == 2;
    add(proof, 1, misled ? spoilt_evaluation(proof, random) : evaluation_of(proof));
  } else if (random.chance(plan_.misled)) {
    drawn = statement(random, progress);
    sound = sound_proof(drawn, random);
    const Judged proof = judged(drawn, sound);
    add(proof, 1, spoilt_evaluation(proof, random));
  } else {
    Flaw flawed = flaw(random, progress);
    drawn = flawed.proof.statement;
    sound = flawed.sound;
    add(flawed.proof, 1, evaluation_of(flawed.proof));
    if (random.chance(plan_.second_candidate)) {
      const auto right = std::get<theorems::Proof>(theorems::read_proof(sound + "\n"));
      const Judged second = judged(
          drawn,
          shown(to_text(theorems::rules_of(drawn.family).spoil(drawn.text, right, random).proof)));
      if (second.report.halves < 2) add(second, 2, evaluation_of(second));
    }
  }
  parts.push_back({"problem", drawn.text});
  const Judged proof = judged(drawn, sound);
  return writer_.write("refine", parts, generation(sound + "\n", 1, evaluation_of(proof)));
}

}  // namespace training
