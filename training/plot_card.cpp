#include "training/plot_card.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "text/utf8.h"

namespace training {

namespace {

constexpr double kDrawableMax = 1e300;
constexpr int kTicksMax = 64;
constexpr int kYTicks = 6;
constexpr double kLetter = 7.2;  // mean width of one at 12 px, on the safe side

// Okabe and Ito 2008: told apart by colour-blind readers too, dark enough on white.
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                    "#b58900", "#56b4e9", "#555555", "#8c2d04",
                                    "#542788", "#1b7837", "#c51b7d", "#2166ac"};
static_assert(std::size(kColours) == kPlotSeriesMax);

std::string decimals(double value, double step) {
  const int digits = std::clamp(int(-std::floor(std::log10(step) + 1e-9)), 0, 12);
  std::string text = fmt::format("{:.{}f}", value, digits);
  return text.find_first_not_of("-0.") == std::string::npos ? "0" : text;  // no "-0"
}

double width_of(std::string_view text) {
  const std::string sound = text::repair_utf8(text.substr(0, kPlotTextBytesMax));
  int characters = 0;
  for (std::size_t at = 0; at < sound.size(); ++characters) text::next_character(sound, at);
  return kLetter * characters;
}

}  // namespace

Ticks nice_ticks(const PlotRange& range, int count) {
  const double rough = (range.high - range.low) / std::max(1, count);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough * 0.99) {
      step = factor * power;
      break;
    }
  Ticks ticks{.at = {}, .step = step};
  const double slack = 1e-9 * (range.high - range.low);
  const double first = std::ceil((range.low - slack) / step);
  for (int i = 0; i < kTicksMax; ++i) {
    const double value = (first + i) * step;
    if (!(value <= range.high + slack)) break;
    ticks.at.push_back(value);
  }
  return ticks;
}

std::vector<double> log_ticks(const PlotRange& range) {
  std::vector<double> ticks;
  const double low = std::log10(range.low), high = std::log10(range.high);
  const bool all = high - low < 3;
  const int every = std::max(1, int(std::ceil((high - low) / 10)));
  for (int power = int(std::floor(low)); power <= high + 1e-9; power += every)
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double value = factor * std::pow(10, power);
      const bool inside = value >= range.low * (1 - 1e-9) && value <= range.high * (1 + 1e-9);
      if (inside && (factor == 1 || all)) ticks.push_back(value);
    }
  return ticks;
}

std::string tick_text(double value, double step) {
  const double size = std::abs(value);
  if (size >= 1e15 || (size > 0 && size < 1e-6)) return fmt::format("{:.3g}", value);
  for (const auto& [unit, letter] : {std::pair{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}})
    if (size >= unit && (unit > 1e3 || size >= 1e4))
      return decimals(value / unit, step / unit) + letter;
  std::string text = decimals(value, step);
  if (size >= 1e3 && text.find('.') == std::string::npos) text.insert(text.size() - 3, ",");
  return text;
}

std::string xml_text(std::string_view text) {
  const std::string sound = text::repair_utf8(text.substr(0, kPlotTextBytesMax));
  std::string escaped;
  for (std::size_t at = 0; at < sound.size();) {
    const char32_t c = text::next_character(sound, at);
    if (c == '&')
      escaped += "&amp;";
    else if (c == '<')
      escaped += "&lt;";
    else if (c == '>')
      escaped += "&gt;";
    else if (c == '"')
      escaped += "&quot;";
    else if (c < 0x20 || c == 0x7F || c == 0xFFFE || c == 0xFFFF)  // XML 1.0 has no such characters
      escaped += ' ';
    else
      text::append_character(escaped, c);
  }
  return escaped;
}

bool is_drawable(double value) { return std::abs(value) <= kDrawableMax; }

PlotRange range_of(std::span<const double> values) {
  PlotRange range{kDrawableMax, -kDrawableMax};
  for (const double value : values) {
    if (!is_drawable(value)) continue;
    range.low = std::min(range.low, value);
    range.high = std::max(range.high, value);
  }
  if (range.low > range.high) return {0, 1};
  // Differences near the last place of a double cannot be told apart on paper.
  const double least = std::max(std::abs(range.low), std::abs(range.high)) * 1e-9;
  if (range.high - range.low > std::max(least, 1e-300)) return range;
  const double reach = std::abs(range.low) < 1e-290 ? 0.5 : std::abs(range.low) * 0.1;
  return {range.low - reach, range.high + reach};
}

const char* series_colour(std::size_t series) { return kColours[series % std::size(kColours)]; }

PlotCard::PlotCard(std::string_view title, const std::vector<std::string>& names, Swatch swatch) {
  if (names.size() > kPlotSeriesMax)
    throw std::length_error(fmt::format("a plot of {} series; at most {} can be told apart",
                                        names.size(), kPlotSeriesMax));
  svg_ = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}")"
      R"( font-family="sans-serif" font-size="12" fill="#57606a" role="img">)"
      "\n<title>{2}</title>\n"
      R"(<rect x="0.5" y="0.5" width="{3}" height="{4}" rx="8" fill="#ffffff" stroke="#d0d7de"/>)"
      "\n"
      R"(<text x="20" y="30" font-size="16" font-weight="bold" fill="#1f2328">{2}</text>)"
      "\n",
      kPlotWidth, kPlotHeight, xml_text(title), kPlotWidth - 1, kPlotHeight - 1);

  constexpr double kFirst = 20, kRow = 20;
  double x = kFirst, y = 54;
  const bool legend = names.size() > 1 || (names.size() == 1 && !names[0].empty());
  for (std::size_t i = 0; legend && i < names.size(); ++i) {
    const std::string name = xml_text(names[i]);
    const double width = 24 + width_of(names[i]) + 18;
    if (x > kFirst && x + width > kPlotWidth - kFirst) x = kFirst, y += kRow;
    svg_ += swatch == Swatch::Line
                ? fmt::format(R"(<path d="M{:.1f} {:.1f}h18" stroke="{}" stroke-width="2.5"/>)", x,
                              y - 4, series_colour(i))
                : fmt::format(
                      R"(<rect x="{:.1f}" y="{:.1f}" width="12" height="12" rx="2" fill="{}"/>)",
                      x + 4, y - 10, series_colour(i));
    svg_ += fmt::format(R"(<text x="{:.1f}" y="{:.1f}">{}</text>)", x + 24, y, name) + "\n";
    x += width;
  }
  area_.top = legend ? y + 20 : 50;
}

double PlotCard::y_of(double value) const {
  return area_.bottom - (value - y_.low) / (y_.high - y_.low) * (area_.bottom - area_.top);
}

void PlotCard::draw_y_axis(const PlotRange& range, std::string_view label) {
  y_ = range;
  const Ticks ticks = nice_ticks(range, kYTicks);
  for (const double value : ticks.at) {
    const double y = y_of(value);
    svg_ += fmt::format(R"(<path d="M{:.1f} {:.1f}H{:.1f}" stroke="#e4e7eb"/>)", area_.left, y,
                        area_.right);
    svg_ += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>)",
                        area_.left - 8, y + 4, tick_text(value, ticks.step)) +
            "\n";
  }
  svg_ += fmt::format(
      R"svg(<text transform="translate(20 {:.1f}) rotate(-90)" text-anchor="middle">)svg"
      "{}</text>\n",
      (area_.top + area_.bottom) / 2, xml_text(label));
}

void PlotCard::fit_x_ticks(const std::vector<std::string>& texts, double width) {
  constexpr double kHeightMax = 140;  // a third of the card: what is longer still is cut off
  double widest = 0;
  for (const std::string& text : texts) widest = std::max(widest, width_of(text));
  if (widest <= width) return;
  tick_texts_ = TickTexts::Slanted;
  const double height = 22 + widest * 0.64;  // sin 40 degrees
  area_.bottom = std::min(area_.bottom, kPlotHeight - std::min(height, kHeightMax));
}

void PlotCard::draw_x_tick(double x, std::string_view text) {
  svg_ += fmt::format(R"(<path d="M{:.1f} {:.1f}v4" stroke="#8c959f"/>)", x, area_.bottom);
  if (tick_texts_ == TickTexts::Slanted)
    svg_ += fmt::format(R"svg(<text x="{0:.1f}" y="{1:.1f}" text-anchor="end")svg"
                        R"svg( transform="rotate(-40 {0:.1f} {1:.1f})">{2}</text>)svg",
                        x + 4, area_.bottom + 15, xml_text(text)) +
            "\n";
  else
    svg_ += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)", x,
                        area_.bottom + 18, xml_text(text)) +
            "\n";
}

void PlotCard::draw_x_axis(std::string_view label) {
  svg_ += fmt::format(R"(<path d="M{:.1f} {:.1f}H{:.1f}" stroke="#8c959f"/>)", area_.left,
                      area_.bottom, area_.right);
  svg_ += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)",
                      (area_.left + area_.right) / 2, area_.bottom + 38, xml_text(label)) +
          "\n";
}

// An inner document clips by itself; a clip path would need a name that is unique on a whole page.
void PlotCard::begin_data() {
  svg_ += fmt::format(R"(<svg x="{0:.1f}" y="{1:.1f}" width="{2:.1f}" height="{3:.1f}")"
                      R"( viewBox="{0:.1f} {1:.1f} {2:.1f} {3:.1f}">)"
                      "\n",
                      area_.left, area_.top - 2, area_.right - area_.left + 4,
                      area_.bottom - area_.top + 2);
}

void PlotCard::end_data() { svg_ += "</svg>\n"; }

std::string PlotCard::finish() { return svg_ + "</svg>\n"; }

}  // namespace training
