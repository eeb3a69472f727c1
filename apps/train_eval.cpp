#include "apps/train_eval.h"

#include <fmt/format.h>

#include <algorithm>

#include <nlohmann/json.hpp>
#include <utility>

#include "apps/output.h"
#include "apps/train_play.h"
#include "training/labelling.h"
#include "training/refinement.h"

namespace apps {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kChainsMax = 1 << 20;  // of a family and level: all are asked at once

struct EvalFlags {
  PlayFlags play{.levels = {1, 2, 3, 4}, .statements = 64, .temperature = 0.7};
  std::string split = "dev";
  std::string feedback = "own";
  bool loop = false;
  training::LoopPlan loops;
  bool label = false;
  training::LabelPlan labels;
  bool json = false;
};

Json share_of(const training::Share& share) {
  return {{"hits", share.hits}, {"of", share.of}, {"low", share.low()}, {"high", share.high()}};
}

std::string percent(const training::Share& share) {
  return fmt::format("{:5.1f} ({:.0f}-{:.0f})", 100 * share.value(), 100 * share.low(),
                     100 * share.high());
}

Json shares_of(const std::vector<training::Share>& shares) {
  Json out = Json::array();
  for (const training::Share& share : shares) out.push_back(share_of(share));
  return out;
}

std::string percents(const std::vector<training::Share>& shares) {
  std::string line;
  for (const training::Share& share : shares) line += fmt::format("{:6.1f}", 100 * share.value());
  return line;
}

// [true halves][given halves]
training::Share right_among_accepted(const std::array<std::array<int64_t, 3>, 3>& confusion) {
  return {confusion[2][2], confusion[0][2] + confusion[1][2] + confusion[2][2]};
}

class Evaluator {
 public:
  Evaluator(const EvalFlags& flags, training::Player& player) : flags_(flags), player_(player) {
    plan_ =
        plan_of(flags.play, flags.split == "test" ? theorems::Split::Test : theorems::Split::Dev);
    loops_ = flags.loops;
    loops_.feedback = flags.feedback == "shuffled" ? training::Feedback::Shuffled
                      : flags.feedback == "exact"  ? training::Feedback::Exact
                                                   : training::Feedback::Own;
  }

  void run() {
    if (!flags_.json)
      fmt::print("{:<13}{:>2}  {:<15} {:<15} {:<15} {:<15} {:<15} {:>5}  {:<15}\n", "family", "",
                 "solved %", "readable %", "honest %", "wrong accepted", "right refused", "macro",
                 "first flaw");
    for (const theorems::Family family : families_of(flags_.play))
      for (const int level : flags_.play.levels) row(family, level);
  }

 private:
  void row(theorems::Family family, int level) {
    const auto statements = training::draw_statements(family, level, plan_);
    const auto attempts = training::attempt(player_, statements, plan_);
    const training::ProofFigures proofs = training::figures_of(attempts);
    std::vector<training::Judged> written;
    for (const training::Attempt& attempt : attempts)
      if (attempt.readable) written.push_back(attempt.proof);
    const auto votes = training::verify(player_, written, plan_.seed + 1, plan_);
    const training::VerifierFigures verifier = training::figures_of(written, votes);
    if (flags_.json)
      print_json(family, level, proofs, verifier);
    else
      fmt::print("{:<13}{:>2}  {:<15} {:<15} {:<15} {:<15} {:<15} {:5.3f}  {:<15}\n",
                 to_text(family), level, percent(proofs.solved), percent(proofs.readable),
                 percent(proofs.honest), percent(verifier.wrong_accepted),
                 percent(verifier.right_refused), verifier.macro(), percent(verifier.first_flaw));
    if (flags_.loop) loop(family, level, statements);
    if (flags_.label) label(family, level, written, verifier);
  }

  void print_json(theorems::Family family, int level, const training::ProofFigures& proofs,
                  const training::VerifierFigures& verifier) const {
    const Json json = {{"family", to_text(family)},
                       {"level", level},
                       {"solved", share_of(proofs.solved)},
                       {"readable", share_of(proofs.readable)},
                       {"claimed", share_of(proofs.claimed)},
                       {"honest", share_of(proofs.honest)},
                       {"verifier",
                        {{"readable", share_of(verifier.readable)},
                         {"confusion", verifier.confusion},
                         {"macro", verifier.macro()},
                         {"wrong_accepted", share_of(verifier.wrong_accepted)},
                         {"right_refused", share_of(verifier.right_refused)},
                         {"first_flaw", share_of(verifier.first_flaw)}}}};
    write_stdout(json.dump() + "\n");
  }

  void loop(theorems::Family family, int level,
            const std::vector<theorems::Statement>& statements) {
    const training::LoopFigures figures = training::loop(player_, statements, loops_, plan_);
    if (flags_.json) {
      const Json json = {{"family", to_text(family)},
                         {"level", level},
                         {"feedback", flags_.feedback},
                         {"chains", loops_.chains},
                         {"refined", shares_of(figures.refined)},
                         {"accepted", shares_of(figures.accepted)},
                         {"best_by_self", shares_of(figures.best_by_self)},
                         {"best_by_verifier", shares_of(figures.best_by_verifier)},
                         {"resampled", share_of(figures.resampled)},
                         {"resampled_accepted", share_of(figures.resampled_accepted)},
                         {"refine_tokens", figures.refine_tokens},
                         {"resample_tokens", figures.resample_tokens}};
      write_stdout(json.dump() + "\n");
      return;
    }
    if (loops_.chains > 1) {
      fmt::print("   refined:             {}\n", percents(figures.refined));
      fmt::print("   best by self score:  {}\n", percents(figures.best_by_self));
      fmt::print("   best by verifier:    {}\n", percents(figures.best_by_verifier));
      return;
    }
    fmt::print(
        "   refined: {}   resampled: {} with {:.2f} of the tokens\n", percents(figures.refined),
        percent(figures.resampled),
        double(figures.resample_tokens) / double(std::max<int64_t>(figures.refine_tokens, 1)));
  }

  // How well the model's own labels of its proofs agree with the checker.
  void label(theorems::Family family, int level, const std::vector<training::Judged>& proofs,
             const training::VerifierFigures& verifier) {
    const auto labelled = training::label(player_, proofs, flags_.labels, plan_);
    const training::LabelFigures figures = training::figures_of(proofs, labelled);
    if (flags_.json) {
      const Json json = {{"family", to_text(family)},
                         {"level", level},
                         {"labelled", share_of(figures.covered)},
                         {"agreed", share_of(figures.agreed)},
                         {"confusion", figures.confusion},
                         {"undecided", figures.undecided}};
      write_stdout(json.dump() + "\n");
      return;
    }
    fmt::print("   labelled: {} of {} readable proofs, as the checker does: {}\n",
               percent(figures.covered), figures.covered.of, percent(figures.agreed));
    fmt::print("   right among those that one vote accepts: {}   that are labelled 1: {}\n",
               percent(right_among_accepted(verifier.confusion)),
               percent(right_among_accepted(figures.confusion)));
  }

  const EvalFlags& flags_;
  training::Player& player_;
  training::EvaluationPlan plan_;
  training::LoopPlan loops_;
};

ExitCode evaluate(const EvalFlags& flags) {
  if (flags.label && flags.labels.upheld_min > flags.labels.analyses)
    throw Exit(ExitCode::Usage, fmt::format("--upheld {} is more than --analyses {}: ask for fewer",
                                            flags.labels.upheld_min, flags.labels.analyses));
  if (flags.play.statements > kChainsMax / flags.loops.chains)
    throw Exit(ExitCode::Usage,
               fmt::format("--statements {} of --chains {} are more than {} chains: ask for fewer",
                           flags.play.statements, flags.loops.chains, kChainsMax));
  play(flags.play,
       [&](training::Player& player, engine::LocalModel&) { Evaluator(flags, player).run(); });
  return ExitCode::Done;
}

void add_loop_options(CLI::App& command, EvalFlags& flags) {
  auto* loop = command.add_flag(
      "--loop", flags.loop, "also refine; one chain: against fresh attempts for as many tokens");
  command.add_option("--refinements", flags.loops.refinements, "at most [7]")
      ->check(CLI::Range(1, 64))
      ->needs(loop);
  command
      .add_option("--chains", flags.loops.chains,
                  "of refinements for each statement, and the best of them; 1: none to choose [1]")
      ->check(CLI::Range(1, 1024))
      ->needs(loop);
  command.add_option("--feedback", flags.feedback, "own, shuffled or exact evaluations [own]")
      ->check(CLI::IsMember({"own", "shuffled", "exact"}))
      ->needs(loop);
}

void add_label_options(CLI::App& command, EvalFlags& flags) {
  CLI::Option* label = command.add_flag("--label", flags.label,
                                        "also let the model label its proofs, without a checker");
  command.add_option("--analyses", flags.labels.analyses, "of a proof to label [8]")
      ->check(CLI::Range(1, 256))
      ->needs(label);
  command.add_option("--judgements", flags.labels.judgements, "of an analysis below 1 [3]")
      ->check(CLI::Range(1, 256))
      ->needs(label);
  command
      .add_option("--upheld", flags.labels.upheld_min, "analyses that a label below 1 needs [2]")
      ->check(CLI::Range(1, 256))
      ->needs(label);
}

}  // namespace

void add_train_eval(CLI::App& train, Invocation& invocation) {
  auto flags = std::make_shared<EvalFlags>();
  CLI::App& command =
      add_command(train, "eval", "measure a model of the built-in domain by the exact checker",
                  "elenchus train eval runs/mine/model --statements 128 --loop");
  add_play_options(command, flags->play);
  command.add_option("--split", flags->split, "dev or test [dev]")
      ->check(CLI::IsMember({"dev", "test"}));
  add_loop_options(command, *flags);
  add_label_options(command, *flags);
  command.add_flag("--json", flags->json, "one JSON line for each measurement");
  command.callback([flags, &invocation] { invocation.run = [flags] { return evaluate(*flags); }; });
}

}  // namespace apps
