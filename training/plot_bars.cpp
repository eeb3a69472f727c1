#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "training/plot_card.h"

// Tested in tests/training/plot_test.cpp.

namespace training {

namespace {

constexpr std::size_t kLabelled = 16;  // bars that leave room for their value above them

bool has_whisker(const PlotBar& bar) { return is_drawable(bar.low) && is_drawable(bar.high); }

PlotRange y_range(const BarPlot& plot) {
  std::vector<double> values = {0};
  for (const BarSeries& series : plot.series)
    for (const PlotBar& bar : series.bars) {
      values.push_back(bar.value);
      if (has_whisker(bar)) values.insert(values.end(), {bar.low, bar.high});
    }
  const PlotRange tight = range_of(values);
  const double air = 0.08 * (tight.high - tight.low);  // for the values above the bars
  return {tight.low < 0 ? tight.low - air : tight.low, tight.high > 0 ? tight.high + air : 0.0};
}

struct Place {
  double x = 0, width = 0;
};

void draw_bar(PlotCard& card, const PlotRange& y, const PlotBar& bar, const Place& place,
              const char* colour) {
  const double zero = card.y_of(std::clamp(0.0, y.low, y.high)), end = card.y_of(bar.value);
  card.draw(fmt::format(R"(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="{}")"
                        R"( fill-opacity="0.85"/>)"
                        "\n",
                        place.x, std::min(zero, end), place.width, std::abs(zero - end), colour));
  if (!has_whisker(bar)) return;
  const double middle = place.x + place.width / 2, reach = std::min(5.0, place.width / 3);
  const double low = card.y_of(bar.low), high = card.y_of(bar.high);
  card.draw(
      fmt::format(R"(<path d="M{0:.1f} {1:.1f}V{2:.1f}M{3:.1f} {1:.1f}h{4:.1f}M{3:.1f} {2:.1f})"
                  R"(h{4:.1f}" stroke="#1f2328" stroke-width="1.3" fill="none"/>)"
                  "\n",
                  middle, low, high, middle - reach, 2 * reach));
}

// Above what is drawn of the bar; below if it hangs.
void draw_value(PlotCard& card, const PlotBar& bar, const Place& place, double step) {
  const double reach = !has_whisker(bar) ? bar.value
                       : bar.value < 0   ? std::min(bar.low, bar.value)
                                         : std::max(bar.high, bar.value);
  const double y =
      std::clamp(card.y_of(reach) + (bar.value < 0 ? 14 : -5), card.area().top, card.area().bottom);
  card.draw(
      fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle" font-size="11">{}</text>)",
                  place.x + place.width / 2, y, tick_text(bar.value, step / 10)) +
      "\n");
}

}  // namespace

std::string to_svg(const BarPlot& plot) {
  if (plot.categories.size() > kPlotCategoriesMax)
    throw std::length_error(fmt::format("a plot of {} categories; at most {} have room",
                                        plot.categories.size(), kPlotCategoriesMax));
  std::vector<std::string> names;
  for (const BarSeries& series : plot.series) names.push_back(series.name);
  PlotCard card(plot.title, names, PlotCard::Swatch::Box);
  const PlotRange wanted = plot.y ? *plot.y : y_range(plot);
  const PlotRange y = range_of(std::vector{wanted.low, wanted.high});
  const std::size_t groups = std::max<std::size_t>(1, plot.categories.size());
  card.fit_x_ticks(plot.categories, (card.area().right - card.area().left) / double(groups));
  card.draw_y_axis(y, plot.y_label);

  const std::size_t series = std::max<std::size_t>(1, plot.series.size());
  const PlotArea& area = card.area();
  const double group = (area.right - area.left) / double(groups);
  const double width = std::min(64.0, group * 0.76 / double(series));
  const double step = nice_ticks(y, 6).step;
  const auto place_of = [&](std::size_t category, std::size_t s) {
    const double middle = area.left + (double(category) + 0.5) * group;
    const double left = middle + (double(s) - double(series) / 2) * width;
    return Place{left + 0.04 * width, 0.92 * width};
  };
  const auto each_bar = [&](const auto& visit) {
    for (std::size_t s = 0; s < plot.series.size(); ++s)
      for (std::size_t c = 0; c < std::min(plot.categories.size(), plot.series[s].bars.size()); ++c)
        if (const PlotBar& bar = plot.series[s].bars[c]; is_drawable(bar.value))
          visit(bar, place_of(c, s), series_colour(s));
  };

  for (std::size_t c = 0; c < plot.categories.size(); ++c)
    card.draw_x_tick(area.left + (double(c) + 0.5) * group, plot.categories[c]);
  card.begin_data();
  each_bar([&](const PlotBar& bar, const Place& place, const char* colour) {
    draw_bar(card, y, bar, place, colour);
  });
  if (y.low < 0 && y.high > 0)
    card.draw(fmt::format(R"(<path d="M{:.1f} {:.1f}H{:.1f}" stroke="#8c959f"/>)", area.left,
                          card.y_of(0), area.right) +
              "\n");
  card.end_data();
  if (groups * series <= kLabelled)
    each_bar([&](const PlotBar& bar, const Place& place, const char*) {
      draw_value(card, bar, place, step);
    });
  card.draw_x_axis("");
  return card.finish();
}

}  // namespace training
