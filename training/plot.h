#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace training {

// Plots as SVG text: a white card of kPlotWidth x kPlotHeight that can be read on light and dark
// pages. Equal plots give equal bytes. Numbers that are not finite are left out: a line has a gap
// there. Throws std::length_error beyond the limits.

inline constexpr int kPlotWidth = 760, kPlotHeight = 420;
inline constexpr std::size_t kPlotSeriesMax = 12;
inline constexpr std::size_t kPlotPointsMax = 1 << 20;  // of a line
inline constexpr std::size_t kPlotPointsDrawn = 600;    // of a line; more are averaged in groups
inline constexpr std::size_t kPlotCategoriesMax = 40;
inline constexpr std::size_t kPlotTextBytesMax = 200;  // of a title or a name

inline constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

struct PlotRange {
  double low = 0, high = 1;
};

struct PlotPoint {
  double x = 0, y = 0;
  double low = kNoNumber, high = kNoNumber;  // of a confidence band
};

struct PlotLine {
  std::string name;
  std::vector<PlotPoint> points;  // in the order of x
};

struct LinePlot {
  std::string title = {};
  std::string x_label = {}, y_label = {};
  std::vector<PlotLine> lines = {};
  enum class Scale { Linear, Log } x_scale = Scale::Linear;  // Log leaves out x <= 0
  std::optional<PlotRange> y = {};                           // nothing: what the lines need
};

struct PlotBar {
  double value = 0;
  double low = kNoNumber, high = kNoNumber;  // of a whisker
};

struct BarSeries {
  std::string name;
  std::vector<PlotBar> bars;  // one for each category; missing ones are left out
};

struct BarPlot {
  std::string title = {};
  std::string y_label = {};
  std::vector<std::string> categories = {};
  std::vector<BarSeries> series = {};
  std::optional<PlotRange> y = {};  // nothing: what the bars need, 0 included
};

std::string to_svg(const LinePlot& plot);
std::string to_svg(const BarPlot& plot);

}  // namespace training
