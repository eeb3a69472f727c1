#include "training/plot.h"

#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>

#include "training/plot_card.h"

using namespace training;

namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

bool holds(const std::string& text, const std::string& part) { return count(text, part) > 0; }

LinePlot of_line(std::vector<PlotPoint> points) {
  return {.title = "t", .lines = {{"l", std::move(points)}}};
}

// Opened and closed in order, and nothing that a number cannot be.
void check_sound(const std::string& svg) {
  CHECK(svg.starts_with("<svg xmlns"));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(count(svg, "<svg") == count(svg, "</svg>"));
  CHECK(count(svg, "<text") == count(svg, "</text>"));
  CHECK(!holds(svg, "nan"));
  CHECK(!holds(svg, "inf"));
}

}  // namespace

TEST_SUITE("training/plot_card") {
  TEST_CASE("ticks are round numbers inside the range") {
    CHECK(nice_ticks({0, 1}, 5).at.size() == 6);
    CHECK(nice_ticks({0, 1}, 5).step == doctest::Approx(0.2));
    const Ticks ticks = nice_ticks({-3, 12}, 6);
    CHECK(ticks.step == 5);
    CHECK(ticks.at == std::vector<double>{0, 5, 10});
    CHECK(nice_ticks({1e9, 1e9 + 10}, 5).at.front() == 1e9);
  }

  TEST_CASE("ticks of a logarithm are powers of ten, and more if these are few") {
    CHECK(log_ticks({1, 10000}) == std::vector<double>{1, 10, 100, 1000, 10000});
    CHECK(log_ticks({3, 30}) == std::vector<double>{5, 10, 20});
    CHECK(log_ticks({1e-300, 1e300}).size() <= 12);
  }

  TEST_CASE("a tick has the digits that its neighbours make necessary") {
    CHECK(tick_text(0.25, 0.05) == "0.25");
    CHECK(tick_text(0.5, 0.5) == "0.5");
    CHECK(tick_text(-0.0, 0.5) == "0");
    CHECK(tick_text(1500, 500) == "1,500");
    CHECK(tick_text(-1500, 500) == "-1,500");
    CHECK(tick_text(20000, 10000) == "20k");
    CHECK(tick_text(2.5e6, 5e5) == "2.5M");
    CHECK(tick_text(1e-9, 1e-9) == "1e-09");
  }

  TEST_CASE("a range holds all numbers, and is never empty") {
    const auto range = [](std::vector<double> values) { return range_of(values); };
    CHECK(range({3, 1, 2}).low == 1);
    CHECK(range({3, NAN, INFINITY, 2}).high == 3);
    CHECK(range({}).high == 1);
    CHECK(range({5}).low < 5);
    CHECK(range({0, 0}).high > 0);
    CHECK(range({1e15, 1e15 + 0.125}).high > 1e15 + 1);
  }

  TEST_CASE("texts cannot become markup") {
    CHECK(xml_text("a<b> & \"c\"") == "a&lt;b&gt; &amp; &quot;c&quot;");
    CHECK(xml_text(std::string("a\0b\n", 4)) == "a b ");
    CHECK(xml_text("\xff") == "\xEF\xBF\xBD");
    CHECK(xml_text(std::string(1000, 'x')).size() == kPlotTextBytesMax);
  }
}

TEST_SUITE("training/plot_lines") {
  TEST_CASE("a line goes from the lower left to the upper right") {
    LinePlot plot = of_line({{0, 0}, {1, 1}});
    plot.y = PlotRange{0, 1};

    const std::string svg = to_svg(plot);

    check_sound(svg);
    // The area's corners: 76 + 660 across, 74 to 368 down.
    CHECK(holds(svg, "M76.0 368.0 736.0 74.0\""));
    CHECK(to_svg(plot) == svg);
  }

  TEST_CASE("a number that is missing leaves a gap") {
    const std::string svg =
        to_svg(of_line({{0, 1}, {1, 2}, {2, NAN}, {3, 2}, {4, INFINITY}, {5, 1}}));

    check_sound(svg);
    CHECK(count(svg, "stroke-linejoin") == 3);
    CHECK(count(svg, "<circle") == 4);
  }

  TEST_CASE("a band is drawn where both of its ends are known") {
    const std::string svg =
        to_svg(of_line({{0, 1, 0.5, 1.5}, {1, 2, 1.5, 2.5}, {2, 1}, {3, 1, 0.5, 2}}));
    CHECK(count(svg, "fill-opacity=\"0.16\"") == 2);
  }

  TEST_CASE("a logarithmic axis gives each decade the same room") {
    LinePlot plot = of_line({{0, 5}, {-1, 5}, {1, 0}, {10, 0}, {100, 1}});
    plot.x_scale = LinePlot::Scale::Log;
    plot.y = PlotRange{0, 1};

    const std::string svg = to_svg(plot);

    check_sound(svg);
    CHECK(holds(svg, "M76.0 368.0 406.0 368.0 736.0 74.0\""));
  }

  TEST_CASE("many points are averaged, and their mean stays") {
    std::vector<PlotPoint> points;
    for (int i = 0; i < 60'000; ++i) points.push_back({double(i), i % 2 == 0 ? 1.0 : 3.0});
    LinePlot plot = of_line(std::move(points));
    plot.y = PlotRange{0, 4};

    const std::string svg = to_svg(plot);

    check_sound(svg);
    CHECK(svg.size() < 20'000);
    CHECK(count(svg, " 221.0") >= kPlotPointsDrawn);  // all at 2, half way between 74 and 368
  }

  TEST_CASE("empty, single, constant and huge data can be plotted") {
    check_sound(to_svg(LinePlot{}));
    check_sound(to_svg(of_line({})));
    check_sound(to_svg(of_line({{3, 7}})));
    check_sound(to_svg(of_line({{0, 7}, {1, 7}})));
    check_sound(to_svg(of_line({{NAN, NAN}, {INFINITY, 1}, {1, 1e308}})));
    check_sound(to_svg(of_line({{-1e300, -1e300}, {1e300, 1e300}})));
    check_sound(to_svg(of_line({{1e-320, 1e-320}, {2e-320, 3e-320}})));
    LinePlot log{.x_scale = LinePlot::Scale::Log};
    check_sound(to_svg(log));
    log.lines = {{"", {{0, 1}}}};
    check_sound(to_svg(log));
    LinePlot turned = of_line({{0, 1}, {1, 2}});
    turned.y = PlotRange{NAN, NAN};
    check_sound(to_svg(turned));
  }

  TEST_CASE("more series or points than the limits are refused") {
    LinePlot plot;
    plot.lines.resize(kPlotSeriesMax);
    check_sound(to_svg(plot));
    plot.lines.resize(kPlotSeriesMax + 1);
    CHECK_THROWS_AS(to_svg(plot), std::length_error);
    CHECK_THROWS_AS(to_svg(of_line(std::vector<PlotPoint>(kPlotPointsMax + 1))), std::length_error);
  }
}

TEST_SUITE("training/plot_bars") {
  TEST_CASE("a bar reaches from zero to its value and shows it, with its whisker") {
    BarPlot plot{.categories = {"a", "b"}, .series = {{"", {{0.5, 0.25, 0.75}, {1}}}}};
    plot.y = PlotRange{0, 1};

    const std::string svg = to_svg(plot);

    check_sound(svg);
    // Without a legend the area is 50 to 368 down; a half of it is 159 high.
    CHECK(holds(svg, "y=\"209.0\" width=\"58.9\" height=\"159.0\""));
    CHECK(holds(svg, "height=\"318.0\""));
    CHECK(holds(svg, "V129.5M"));  // the whisker's upper end
    CHECK(holds(svg, ">0.50</text>"));
    CHECK(count(svg, "stroke-width=\"1.3\"") == 1);
  }

  TEST_CASE("names that would run into each other are slanted, and the bars make room") {
    const auto svg = [](std::size_t categories) {
      const BarPlot plot{.categories = std::vector<std::string>(categories, "divisibility 4"),
                         .series = {{"", std::vector<PlotBar>(categories, {.value = 1})}},
                         .y = PlotRange{0, 1}};
      return to_svg(plot);
    };
    CHECK(svg(5).find("rotate(-40") == std::string::npos);
    std::size_t slanted = 0;
    const std::string many = svg(20);
    for (std::size_t at = 0; (at = many.find("rotate(-40", at)) != std::string::npos; ++at)
      ++slanted;
    CHECK(slanted == 20);
    CHECK(svg(5).find("M76.0 368.0H736.0") != std::string::npos);  // the x axis, 52 from below
    CHECK(many.find("M76.0 368.0H736.0") == std::string::npos);
  }

  TEST_CASE("bars of numbers that are missing are left out") {
    const std::string svg = to_svg(
        BarPlot{.categories = {"a", "b", "c"}, .series = {{"x", {{NAN}, {-2}}}, {"y", {{1}}}}});
    check_sound(svg);
    CHECK(count(svg, "fill-opacity=\"0.85\"") == 2);
    CHECK(count(svg, "rx=\"2\"") == 2);  // the legend has both
  }

  TEST_CASE("empty plots and hostile texts are sound, and too many categories are refused") {
    check_sound(to_svg(BarPlot{}));
    BarPlot plot{.title = "<script>", .y_label = "&", .categories = {"</svg>"}};
    plot.series = {{"\"><", {{0}}}};
    const std::string svg = to_svg(plot);
    check_sound(svg);
    CHECK(!holds(svg, "<script"));
    plot.categories.resize(kPlotCategoriesMax + 1);
    CHECK_THROWS_AS(to_svg(plot), std::length_error);
  }
}
