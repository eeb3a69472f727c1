#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "training/plot.h"

// What line plots and bar plots share: the card, its texts, axes and legend. For plot*.cpp and
// tests.
namespace training {

// Multiples of 1, 2 or 5 times a power of ten that lie in the range, about `count` of them.
// REQUIRES: the range is finite, low < high.
struct Ticks {
  std::vector<double> at;
  double step = 1;
};
Ticks nice_ticks(const PlotRange& range, int count);

// Powers of ten in the range, with their doubles and fives if there are few. REQUIRES: low > 0.
std::vector<double> log_ticks(const PlotRange& range);

// "0.25", "1,500", "20k", "3.5M": as many digits as steps of `step` need.
std::string tick_text(double value, double step);

// As XML needs it: markup escaped, control characters made spaces, cut to kPlotTextBytesMax.
std::string xml_text(std::string_view text);

// Numbers that could be drawn: finite, and small enough that differences are finite too.
bool is_drawable(double value);

// The least range that holds all of `values`, widened if it is a single value. Nothing: [0, 1].
PlotRange range_of(std::span<const double> values);

const char* series_colour(std::size_t series);

// Where the data are drawn, in pixels of the card.
struct PlotArea {
  double left = 76, right = kPlotWidth - 24, top = 0, bottom = kPlotHeight - 52;
};

class PlotCard {
 public:
  enum class Swatch { Line, Box };

  // The card with its title and legend; a single series without a name has no legend.
  PlotCard(std::string_view title, const std::vector<std::string>& names, Swatch swatch);

  const PlotArea& area() const { return area_; }
  double y_of(double value) const;  // of the range that draw_y_axis was given

  // Before any axis: ticks with these texts stand `width` apart. Texts that are wider are slanted,
  // and the area leaves them room.
  void fit_x_ticks(const std::vector<std::string>& texts, double width);

  void draw_y_axis(const PlotRange& range, std::string_view label);
  void draw_x_tick(double x, std::string_view text);
  void draw_x_axis(std::string_view label);
  void draw(std::string_view svg) { svg_ += svg; }

  // What is drawn between these two is clipped to the area.
  void begin_data();
  void end_data();

  std::string finish();  // the whole document

 private:
  PlotArea area_;
  PlotRange y_;
  enum class TickTexts { Level, Slanted } tick_texts_ = TickTexts::Level;
  std::string svg_;
};

}  // namespace training
