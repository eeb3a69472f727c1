#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "training/plot_card.h"

// Tested in tests/training/plot_test.cpp.

namespace training {

namespace {

constexpr std::size_t kMarked = 30;  // points of a line that are few enough to be marked
constexpr int kXTicks = 8;

using Points = std::vector<PlotPoint>;

bool has_band(const PlotPoint& p) { return is_drawable(p.low) && is_drawable(p.high); }

// The mean of those that can be drawn; a group without any stays a gap.
PlotPoint mean_of(std::span<const PlotPoint> group) {
  PlotPoint sum{.x = 0, .y = 0, .low = 0, .high = 0};
  int count = 0, bands = 0;
  for (const PlotPoint& p : group) {
    if (!is_drawable(p.y)) continue;
    ++count;
    sum.x += p.x / double(group.size());
    sum.y += p.y / double(group.size());
    if (!has_band(p)) continue;
    ++bands;
    sum.low += p.low / double(group.size());
    sum.high += p.high / double(group.size());
  }
  if (count == 0) return {.x = group[0].x, .y = kNoNumber};
  // What was left out was left out of the divisor too.
  const double share = double(group.size()) / count;
  if (bands < count) return {.x = sum.x * share, .y = sum.y * share};
  return {sum.x * share, sum.y * share, sum.low * share, sum.high * share};
}

Points drawn_points(const PlotLine& line, LinePlot::Scale scale) {
  if (line.points.size() > kPlotPointsMax)
    throw std::length_error(fmt::format("a line of {} points; at most {} can be plotted",
                                        line.points.size(), kPlotPointsMax));
  Points points;
  for (const PlotPoint& p : line.points)
    if (is_drawable(p.x) && (scale == LinePlot::Scale::Linear || p.x > 0)) points.push_back(p);
  if (points.size() <= kPlotPointsDrawn) return points;

  Points means;
  for (std::size_t i = 0; i < kPlotPointsDrawn; ++i) {
    const std::size_t first = i * points.size() / kPlotPointsDrawn;
    const std::size_t last = (i + 1) * points.size() / kPlotPointsDrawn;
    means.push_back(mean_of(std::span(points).subspan(first, last - first)));
  }
  return means;
}

PlotRange y_range(const std::vector<Points>& lines) {
  std::vector<double> values;
  for (const Points& points : lines)
    for (const PlotPoint& p : points) {
      if (!is_drawable(p.y)) continue;
      values.push_back(p.y);
      if (has_band(p)) values.insert(values.end(), {p.low, p.high});
    }
  const PlotRange tight = range_of(values);
  // Half a tick of air at most, so that lines do not lie on the edge.
  const double air = 0.04 * (tight.high - tight.low);
  const bool from_zero = tight.low >= 0 && tight.low < 0.2 * tight.high;
  return {from_zero ? 0 : tight.low - air, tight.high + air};
}

PlotRange x_range(const std::vector<Points>& lines, LinePlot::Scale scale) {
  std::vector<double> values;
  for (const Points& points : lines)
    for (const PlotPoint& p : points) values.push_back(p.x);
  if (scale == LinePlot::Scale::Log) return values.empty() ? PlotRange{1, 10} : range_of(values);
  PlotRange range = range_of(values);
  if (range.low > 0 && range.low < 0.1 * range.high) range.low = 0;
  return range;
}

class XAxis {
 public:
  XAxis(PlotRange range, LinePlot::Scale scale, const PlotArea& area)
      : range_(range), log_(scale == LinePlot::Scale::Log), area_(area) {}

  double place(double x) const {
    const double share = log_ ? std::log(x / range_.low) / std::log(range_.high / range_.low)
                              : (x - range_.low) / (range_.high - range_.low);
    return area_.left + share * (area_.right - area_.left);
  }

  void draw(PlotCard& card) const {
    if (log_) {
      for (const double value : log_ticks(range_))
        card.draw_x_tick(place(value), tick_text(value, value));
      return;
    }
    const Ticks ticks = nice_ticks(range_, kXTicks);
    for (const double value : ticks.at)
      card.draw_x_tick(place(value), tick_text(value, ticks.step));
  }

 private:
  PlotRange range_;
  bool log_;
  PlotArea area_;
};

// Runs of neighbours for which `wanted` holds.
template <class Wanted>
std::vector<std::span<const PlotPoint>> runs_of(const Points& points, const Wanted& wanted) {
  std::vector<std::span<const PlotPoint>> runs;
  for (std::size_t i = 0; i < points.size();) {
    std::size_t end = i;
    while (end < points.size() && wanted(points[end])) ++end;
    if (end > i) runs.push_back(std::span(points).subspan(i, end - i));
    i = std::max(end, i + 1);
  }
  return runs;
}

void draw_line(PlotCard& card, const XAxis& axis, const Points& points, const char* colour) {
  const auto has_y = [](const PlotPoint& p) { return is_drawable(p.y); };
  const auto banded = [](const PlotPoint& p) { return is_drawable(p.y) && has_band(p); };
  for (const auto run : runs_of(points, banded)) {
    std::string path = "M";
    for (const PlotPoint& p : run)
      path += fmt::format("{:.1f} {:.1f} ", axis.place(p.x), card.y_of(p.high));
    for (auto p = run.rbegin(); p != run.rend(); ++p)
      path += fmt::format("{:.1f} {:.1f} ", axis.place(p->x), card.y_of(p->low));
    card.draw(fmt::format(R"(<path d="{}Z" fill="{}" fill-opacity="0.16"/>)", path, colour) + "\n");
  }
  for (const auto run : runs_of(points, has_y)) {
    std::string path = "M";
    for (const PlotPoint& p : run)
      path += fmt::format("{:.1f} {:.1f} ", axis.place(p.x), card.y_of(p.y));
    path.pop_back();
    card.draw(fmt::format(R"(<path d="{}" fill="none" stroke="{}" stroke-width="2")"
                          R"( stroke-linejoin="round"/>)"
                          "\n",
                          path, colour));
    if (points.size() > kMarked && run.size() > 1) continue;
    for (const PlotPoint& p : run)
      card.draw(fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="3" fill="{}"/>)", axis.place(p.x),
                            card.y_of(p.y), colour) +
                "\n");
  }
}

}  // namespace

std::string to_svg(const LinePlot& plot) {
  std::vector<std::string> names;
  for (const PlotLine& line : plot.lines) names.push_back(line.name);
  PlotCard card(plot.title, names, PlotCard::Swatch::Line);

  std::vector<Points> lines;
  for (const PlotLine& line : plot.lines) lines.push_back(drawn_points(line, plot.x_scale));
  const PlotRange y = plot.y ? *plot.y : y_range(lines);
  card.draw_y_axis(range_of(std::vector{y.low, y.high}), plot.y_label);
  const XAxis axis(x_range(lines, plot.x_scale), plot.x_scale, card.area());
  axis.draw(card);
  card.begin_data();
  for (std::size_t i = 0; i < lines.size(); ++i) draw_line(card, axis, lines[i], series_colour(i));
  card.end_data();
  card.draw_x_axis(plot.x_label);
  return card.finish();
}

}  // namespace training
