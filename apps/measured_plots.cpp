#include "apps/measured_plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "apps/output.h"
#include "training/evaluation.h"
#include "training/plot.h"

namespace apps {
namespace {

using Json = nlohmann::json;
using training::Share;

constexpr std::size_t kMeasurementsMax = 10'000;  // lines of a file

// Success on the ISL 2024 with at most 1 ... 8 iterations (DeepSeekMath-V2, section 3.3): of one
// attempt, and of the best of 32 by self score.
constexpr std::array kPublishedSingle = {0.15, 0.18, 0.21, 0.22, 0.24, 0.24, 0.26, 0.27};
constexpr std::array kPublishedBest = {0.26, 0.29, 0.33, 0.39, 0.39, 0.40, 0.40, 0.42};

Share share_of(const Json& json) {
  return {json.at("hits").get<int64_t>(), json.at("of").get<int64_t>()};
}

constexpr training::PlotBar kNoBar{.value = training::kNoNumber};

// A share of nothing is no share of 0.
training::PlotBar bar_of(const Share& share) {
  if (share.of <= 0) return kNoBar;
  return {share.value(), share.low(), share.high()};
}

training::PlotPoint point_of(std::size_t x, const Share& share) {
  if (share.of <= 0) return {.x = double(x), .y = training::kNoNumber};
  return {.x = double(x), .y = share.value(), .low = share.low(), .high = share.high()};
}

// What cannot be drawn together, in the words that end its sentence.
struct Unlike : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Measured {
 public:
  void add(const Json& row) {
    if (row.contains("solved"))
      add_proofs(row);
    else if (row.contains("refined"))
      add_loop(row);
    else if (row.contains("kept"))
      add_reading(row);
  }

  std::vector<std::filesystem::path> draw(const std::filesystem::path& out) const {
    std::vector<std::filesystem::path> files;
    const auto write = [&](const char* name, const std::string& svg) {
      files.push_back(out / name);
      write_whole_file(files.back(), svg);
    };
    if (!refined_.empty()) write("refinements.svg", training::to_svg(refinements()));
    if (!solved_by_kept_.points.empty()) write("attention.svg", training::to_svg(reading()));
    if (!proofs_.categories.empty()) {
      write("proofs.svg", training::to_svg(proofs()));
      write("verdicts.svg", training::to_svg(verdicts_));
    }
    return files;
  }

 private:
  static std::string category_of(const Json& row) {
    return fmt::format("{} {}", row.at("family").get<std::string>(), row.at("level").get<int>());
  }

  void add_proofs(const Json& row) {
    if (proofs_.categories.size() == training::kPlotCategoriesMax)
      throw Unlike(
          fmt::format("these are more than {} families and levels, which have no room in "
                      "one plot",
                      training::kPlotCategoriesMax));
    proofs_.categories.push_back(category_of(row));
    verdicts_.categories.push_back(category_of(row));
    proofs_.series[0].bars.push_back(bar_of(share_of(row.at("solved"))));
    const Json& verifier = row.at("verifier");
    verdicts_.series[0].bars.push_back(bar_of(share_of(verifier.at("wrong_accepted"))));
    verdicts_.series[1].bars.push_back(bar_of(share_of(verifier.at("right_refused"))));
  }

  // Shares of one curve are added up, so they must have been measured in one way. One chain may
  // stand beside several: it alone has fresh attempts to compare with.
  void require_alike(const std::string& feedback, std::size_t rounds, int chains) const {
    if (refined_.empty()) return;
    if (feedback != feedback_)
      throw Unlike(
          fmt::format("its feedback is {}, but that of lines before is {}", feedback, feedback_));
    if (rounds != refined_.size())
      throw Unlike("it has another number of refinements than lines before");
    if (chains > 1 && chains_ > 1 && chains != chains_)
      throw Unlike(fmt::format("it has {} chains, but lines before have {}", chains, chains_));
  }

  void add_loop(const Json& row) {
    const auto feedback = row.at("feedback").get<std::string>();
    const int chains = row.at("chains").get<int>();
    require_alike(feedback, row.at("refined").size(), chains);
    feedback_ = feedback;
    add_rounds(row.at("refined"), refined_);
    chains_ = std::max(chains_, chains);
    if (chains > 1) {
      add_rounds(row.at("best_by_self"), by_self_);
      add_rounds(row.at("best_by_verifier"), by_verifier_);
      return;
    }
    const Share resampled = share_of(row.at("resampled"));
    resampled_.hits += resampled.hits;
    resampled_.of += resampled.of;
    if (proofs_.categories.empty() || proofs_.categories.back() != category_of(row)) return;
    add_bar(proofs_.series[1], share_of(row.at("refined").back()));
    add_bar(proofs_.series[2], resampled);
  }

  // Where all is read there is no number of tokens: a level line.
  void add_reading(const Json& row) {
    const Share share = share_of(row.at("attempts"));
    const double recall = row.at("recall").get<double>();
    if (row.at("kept").is_string()) {
      solved_of_all_ = share;
      return;
    }
    const auto kept = row.at("kept").get<std::size_t>();
    solved_by_kept_.points.push_back(point_of(kept, share));
    recall_.points.push_back({.x = double(kept), .y = recall});
  }

  training::LinePlot reading() const {
    training::LinePlot plot{.title = "Attention to a few tokens only",
                            .x_label = "tokens that each token reads",
                            .y_label = "share",
                            .lines = {recall_, solved_by_kept_},
                            .x_scale = training::LinePlot::Scale::Log,
                            .y = training::PlotRange{0, 1}};
    if (solved_of_all_.of == 0) return plot;
    training::PlotLine all{.name = "the same, all tokens read", .points = {}};
    for (const training::PlotPoint& point : solved_by_kept_.points)
      all.points.push_back({.x = point.x, .y = solved_of_all_.value()});
    plot.lines.push_back(std::move(all));
    return plot;
  }

  // Of the newest category; none of those before it that were not refined.
  void add_bar(training::BarSeries& series, const Share& share) const {
    series.bars.resize(proofs_.categories.size() - 1, kNoBar);
    series.bars.push_back(bar_of(share));
  }

  // Without the series that nothing was measured of.
  training::BarPlot proofs() const {
    training::BarPlot plot = proofs_;
    std::erase_if(plot.series, [](const auto& series) { return series.bars.empty(); });
    return plot;
  }

  // Statements of all families and levels are taken together.
  static void add_rounds(const Json& row, std::vector<Share>& rounds) {
    rounds.resize(std::max(rounds.size(), row.size()));
    for (std::size_t r = 0; r < row.size(); ++r) {
      const Share share = share_of(row[r]);
      rounds[r].hits += share.hits;
      rounds[r].of += share.of;
    }
  }

  training::LinePlot refinements() const {
    training::LinePlot plot{.title = "Proofs that the exact checker gives 1",
                            .x_label = "refinements",
                            .y_label = "share of statements",
                            .y = training::PlotRange{0, 1}};
    const auto add = [&](std::string name, const std::vector<Share>& rounds) {
      training::PlotLine line{.name = std::move(name), .points = {}};
      for (std::size_t r = 0; r < rounds.size(); ++r) line.points.push_back(point_of(r, rounds[r]));
      if (!line.points.empty()) plot.lines.push_back(std::move(line));
    };
    add("one chain", refined_);
    add(fmt::format("best of {}, by self score", chains_), by_self_);
    add(fmt::format("best of {}, by one vote", chains_), by_verifier_);
    if (resampled_.of > 0)
      add("fresh attempts for as many tokens", std::vector<Share>(refined_.size(), resampled_));
    const auto publish = [&](std::string name, const auto& values) {
      training::PlotLine line{.name = std::move(name), .points = {}};
      for (std::size_t r = 0; r < values.size(); ++r)
        line.points.push_back({.x = double(r), .y = values[r]});
      plot.lines.push_back(std::move(line));
    };
    publish("published, ISL 2024, one chain", kPublishedSingle);
    publish("published, best of 32, by self score", kPublishedBest);
    return plot;
  }

  training::BarPlot proofs_{
      .title = "Proofs that the exact checker gives 1",
      .y_label = "share of statements",
      .series = {{"first attempt", {}}, {"refined", {}}, {"fresh attempts for as many tokens", {}}},
      .y = training::PlotRange{0, 1}};
  training::BarPlot verdicts_{.title = "Errors of one vote on the model's own proofs",
                              .y_label = "share of these proofs",
                              .series = {{"wrong ones accepted", {}}, {"right ones refused", {}}},
                              .y = training::PlotRange{0, 1}};
  std::vector<Share> refined_, by_self_, by_verifier_;  // [refinements + 1]
  Share resampled_;
  training::PlotLine solved_by_kept_{.name = "first attempts that the exact checker gives 1",
                                     .points = {}};
  training::PlotLine recall_{.name = "attention mass on what is read", .points = {}};
  Share solved_of_all_;
  std::string feedback_;
  int chains_ = 1;
};

}  // namespace

std::vector<std::filesystem::path> draw_measured(const std::filesystem::path& file,
                                                 const std::filesystem::path& out) {
  std::ifstream stream(file);
  if (!stream) throw Exit(ExitCode::Usage, file.string() + " cannot be read");
  Measured measured;
  std::string line;
  for (std::size_t number = 1; std::getline(stream, line); ++number) {
    if (number > kMeasurementsMax)
      throw Exit(ExitCode::Usage, fmt::format("{} has more than {} lines: draw it in parts",
                                              file.string(), kMeasurementsMax));
    try {
      measured.add(Json::parse(line));
    } catch (const Json::exception&) {
      throw Exit(ExitCode::Usage,
                 fmt::format("{}, line {}: this is not what `elenchus train eval --json` prints",
                             file.string(), number));
    } catch (const Unlike& unlike) {
      throw Exit(ExitCode::Usage, fmt::format("{}, line {}: {}; draw them from files of their own",
                                              file.string(), number, unlike.what()));
    }
  }
  const auto files = measured.draw(out);
  if (files.empty())
    throw Exit(ExitCode::Usage,
               file.string() +
                   " holds no measurements of proofs: give it what "
                   "`elenchus train eval --json` or `train attention --json` printed");
  return files;
}

}  // namespace apps
