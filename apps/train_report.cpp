#include "apps/train_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/measured_plots.h"
#include "apps/output.h"
#include "storage/metrics.h"
#include "training/plot.h"

namespace apps {
namespace {

using Json = nlohmann::ordered_json;

// Steps are noisy: more points than these hide the line.
constexpr std::size_t kPointsShown = 200;

struct ReportFlags {
  std::filesystem::path run;
  std::filesystem::path out;
  bool json = false;
};

struct Drawing {
  const char* file;
  const char* title;
  const char* unit;
  struct Line {
    const char* metric;
    const char* name;  // in the legend
  };
  std::vector<Line> lines;
};

// As training/supervised.cpp and training/reinforce.cpp name them.
const std::vector<Drawing>& drawings() {
  static const std::vector<Drawing> all = {
      {"loss",
       "Loss",
       "nats a token",
       {{"loss", "all"},
        {"loss.prove", "prove"},
        {"loss.verify", "verify"},
        {"loss.judge", "judge"},
        {"loss.refine", "refine"},
        {"loss.calculate", "calculate"}}},
      {"indexer", "Loss of the indexer", "nats", {{"indexer", ""}}},
      {"gradient_norm", "Norm of the gradient", "", {{"gradient_norm", ""}}},
      {"rate", "Learning rate", "share of the stage's", {{"rate", ""}}},
      {"reward",
       "Reward",
       "mean of the answers",
       {{"reward.prove", "prove"},
        {"reward.verify", "verify"},
        {"reward.judge", "judge"},
        {"reward.refine", "refine"}}},
      {"score",
       "Score by the exact checker",
       "mean of the answers",
       {{"score.prove", "prove"}, {"score.refine", "refine"}}},
      {"format",
       "Well-formed answers",
       "share",
       {{"format.prove", "prove"},
        {"format.verify", "verify"},
        {"format.judge", "judge"},
        {"format.refine", "refine"}}},
      {"verifier",
       "Errors of the verifier",
       "share",
       {{"accepts_wrong", "accepts wrong proofs"}, {"rejects_right", "rejects right proofs"}}},
      {"groups", "Groups that were trained on", "share", {{"groups_used", ""}}},
      {"divergence", "KL divergence from the reference", "nats a token", {{"divergence", ""}}},
      {"ratio", "Probability by the policy to that when sampled", "", {{"ratio", ""}}},
      {"masks",
       "What was left out of the gradient",
       "share",
       {{"clipped", "clipped"}, {"masked", "masked"}}},
      {"entropy", "Entropy", "nats a token", {{"entropy", ""}}},
      {"answer_tokens", "Length of the answers", "tokens", {{"answer_tokens", ""}}},
  };
  return all;
}

enum class Axis { Tokens, Steps };

std::vector<training::PlotPoint> points_of(const std::vector<storage::MetricPoint>& series,
                                           Axis axis) {
  std::vector<training::PlotPoint> points;
  for (const storage::MetricPoint& point : series)
    points.push_back(
        {.x = axis == Axis::Tokens ? double(point.tokens) : double(point.step), .y = point.value});
  return points;
}

// Means over `size` neighbours at most, in groups alike in size: the mean of a short last one would
// stand out. A group without a finite number stays a gap.
std::vector<training::PlotPoint> in_groups(const std::vector<training::PlotPoint>& points,
                                           std::size_t size) {
  const std::size_t groups = (points.size() + size - 1) / size;
  std::vector<training::PlotPoint> means;
  for (std::size_t group = 0; group < groups; ++group) {
    const std::size_t first = group * points.size() / groups;
    const std::size_t last = (group + 1) * points.size() / groups;
    training::PlotPoint sum;
    int finite = 0;
    for (std::size_t i = first; i < last; ++i) {
      sum.x += points[i].x / double(last - first);
      if (!std::isfinite(points[i].y)) continue;
      sum.y += points[i].y;
      ++finite;
    }
    means.push_back({.x = sum.x, .y = finite > 0 ? sum.y / finite : training::kNoNumber});
  }
  return means;
}

class Report {
 public:
  explicit Report(const ReportFlags& flags)
      : flags_(flags),
        file_(flags.run / "metrics.sqlite"),
        out_(flags.out.empty() ? flags.run / "plots" : flags.out),
        metrics_(file_, storage::Database::Access::Read) {}

  void run() {
    const auto runs = metrics_.runs();
    const auto names = runs.empty() ? std::vector<std::string>{} : metrics_.names(runs.back().id);
    if (names.empty())
      throw Exit(ExitCode::Usage, file_.string() +
                                      " holds no measurements: let the run take its first step, "
                                      "then ask again");
    id_ = runs.back().id;
    // A step of reinforcement is an update of the policy; its tokens are mostly the engine's.
    axis_ = std::ranges::find(names, "groups_used") != names.end() ? Axis::Steps : Axis::Tokens;
    for (const Drawing& drawing : drawings()) draw(drawing);
    if (flags_.json)
      write_stdout(
          Json{
              {"run", flags_.run.string()}, {"step", step_}, {"tokens", tokens_}, {"files", files_}}
              .dump() +
          "\n");
  }

 private:
  void draw(const Drawing& drawing) {
    training::LinePlot plot;
    std::vector<std::string> metrics;
    std::size_t longest = 0;
    for (const Drawing::Line& line : drawing.lines) {
      const auto series = metrics_.series(id_, line.metric);
      if (series.empty()) continue;
      metrics.push_back(line.metric);
      longest = std::max(longest, series.size());
      step_ = std::max(step_, series.back().step);
      tokens_ = std::max(tokens_, series.back().tokens);
      plot.lines.push_back({line.name, points_of(series, axis_)});
    }
    if (plot.lines.empty()) return;
    const std::size_t size = (longest + kPointsShown - 1) / kPointsShown;
    plot.title = drawing.title;
    if (size > 1) plot.title += fmt::format(" (means of up to {} measurements)", size);
    plot.x_label = axis_ == Axis::Tokens ? "tokens" : "steps";
    plot.y_label = drawing.unit;
    for (training::PlotLine& line : plot.lines) line.points = in_groups(line.points, size);
    const std::filesystem::path file = out_ / (std::string(drawing.file) + ".svg");
    write_whole_file(file, training::to_svg(plot));
    if (flags_.json)
      files_.push_back({{"file", file.string()}, {"metrics", metrics}});
    else
      write_stdout(fmt::format("{}  {}\n", file.string(), fmt::join(metrics, ", ")));
  }

  const ReportFlags& flags_;
  std::filesystem::path file_, out_;
  storage::Metrics metrics_;
  int64_t id_ = 0;
  Axis axis_ = Axis::Tokens;
  int64_t step_ = 0, tokens_ = 0;  // the last ones
  Json files_ = Json::array();
};

ExitCode report_measured(const ReportFlags& flags) {
  const auto files =
      draw_measured(flags.run, flags.out.empty() ? flags.run.parent_path() / "plots" : flags.out);
  Json names = Json::array();
  for (const auto& file : files) names.push_back({{"file", file.string()}});
  if (flags.json) {
    write_stdout(Json{{"run", flags.run.string()}, {"files", names}}.dump() + "\n");
    return ExitCode::Done;
  }
  for (const auto& file : files) write_stdout(file.string() + "\n");
  return ExitCode::Done;
}

ExitCode report(const ReportFlags& flags) {
  if (std::filesystem::is_regular_file(flags.run)) return report_measured(flags);
  if (!std::filesystem::exists(flags.run / "metrics.sqlite"))
    throw Exit(ExitCode::Usage,
               flags.run.string() +
                   " has no metrics.sqlite: name the folder that a run of `elenchus train sft` or "
                   "`elenchus train rl` was given as --out, or a file of what `elenchus train eval "
                   "--json` printed");
  try {
    Report(flags).run();
    return ExitCode::Done;
  } catch (const Exit&) {
    throw;
  } catch (const std::runtime_error& error) {  // a file of another program, or a damaged one
    throw Exit(ExitCode::Usage, error.what());
  }
}

}  // namespace

void add_train_report(CLI::App& train, Invocation& invocation) {
  auto flags = std::make_shared<ReportFlags>();
  CLI::App& command =
      add_command(train, "report", "plot what a run measured, also while it goes on",
                  "elenchus train report runs/mine --out plots");
  command
      .add_option("run", flags->run,
                  "the run's folder, or a file of what `train eval --json` printed")
      ->required()
      ->type_name("RUN");
  command.add_option("--out", flags->out, "where the plots go, as SVG [plots, in or beside RUN]")
      ->type_name("DIR");
  command.add_flag("--json", flags->json, "one JSON document: the files and what they show");
  command.callback([flags, &invocation] { invocation.run = [flags] { return report(*flags); }; });
}

}  // namespace apps
