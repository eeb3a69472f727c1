#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "training/documents.h"

namespace training {

// What is taught: which statements, which roles, how often. Shares need not sum to 1.
struct LessonPlan {
  struct FamilyShare {
    theorems::Family family = theorems::Family::Congruence;
    double share = 1;
    std::array<double, 4> first = {0.70, 0.25, 0.05, 0};    // of levels 1 to 4, at the beginning
    std::array<double, 4> last = {0.15, 0.25, 0.35, 0.25};  // and once `ramp` of the run is over
  };
  std::vector<FamilyShare> families = {};
  double prove = 0.45, verify = 0.30, judge = 0.10, refine = 0.15, calculate = 0;
  double ramp = 0.4;
  // Of the generations: with a flawed proof, of which only the honest self evaluation is trained.
  double flawed = 0.25;
  // Of the others: that end with the proof, which leaves room for more of them.
  double brief = 0;
  // Of verified proofs: with no flaw. The rest is spoilt.
  double sound = 0.34;
  // Of refinements: of a sound proof with an evaluation that errs, where the proof is to be kept.
  double misled = 0.15;
  // Of the spoilt: spoilt in many places, so that each line asks anew to be read and not believed.
  double riddled = 0;
  double second_candidate = 0.15;
  // Of verified, judged and refined texts: the model's own, if there are any.
  double own = 0.5;
  std::size_t tokens_max = 1024;  // longer documents are left out
};

// A proof that the model wrote, and perhaps an evaluation that it gave.
struct OwnWork {
  theorems::Statement statement;
  std::string proof;
  std::string evaluation;  // "": none
};

enum class Role { Prove, Verify, Judge, Refine };
std::string_view to_text(Role role);  // "prove", ...

// What a document teaches: a role, or to calculate.
struct Lesson {
  enum class Kind { Prove, Verify, Judge, Refine, Calculate };
  static constexpr std::size_t kKinds = 5;
  Kind kind = Kind::Prove;
  Document document;
};
std::string_view to_text(Lesson::Kind kind);

// An endless supply: the document of each index depends on (seed, index, progress) and the own work
// alone. Statements are of the training split.
class Lessons {
 public:
  // `writer` outlives it.
  Lessons(LessonPlan plan, const DocumentWriter& writer, uint64_t seed, std::vector<OwnWork> own);

  // `progress` of the run, 0 to 1.
  Lesson at(uint64_t index, double progress) const;

 private:
  struct Flaw {
    Judged proof;
    std::string sound;  // a proof of the same statement that earns 1
  };

  theorems::Statement statement(theorems::Random& random, double progress) const;
  std::string sound_proof(const theorems::Statement& statement, theorems::Random& random) const;
  std::string spoilt(const theorems::Statement& statement, const std::string& sound,
                     theorems::Random& random) const;
  Flaw flaw(theorems::Random& random, double progress) const;
  const OwnWork* own_work(theorems::Random& random, bool with_evaluation) const;
  Document calculate(theorems::Random& random) const;
  Document prove(theorems::Random& random, double progress) const;
  Document verify(theorems::Random& random, double progress) const;
  Document judge(theorems::Random& random, double progress) const;
  Document refine(theorems::Random& random, double progress) const;

  LessonPlan plan_;
  const DocumentWriter& writer_;
  uint64_t seed_;
  std::vector<OwnWork> own_;
  std::vector<std::size_t> evaluated_;  // places in own_ with an evaluation
};

}  // namespace training
