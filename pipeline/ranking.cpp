#include "pipeline/ranking.h"

#include <algorithm>
#include <numeric>

#include "text/sha256.h"

namespace pipeline {

std::string to_text(const Place& place) {
  std::string text = "r" + std::to_string(place.round);
  for (const int64_t step : place.way) text += '.' + std::to_string(step);
  return text;
}

Place refinement_of(const Place& parent, int64_t round, int64_t number) {
  Place place = parent;
  place.round = round;
  place.way.push_back(round);
  place.way.push_back(number);
  return place;
}

bool better(const Ranked& a, const Ranked& b) {
  if (a.complete != b.complete) return a.complete;
  // a.halves / a.counted > b.halves / b.counted; no counted vote is a mean of 0.
  const int64_t left = a.halves * std::max<int64_t>(b.counted, 1);
  const int64_t right = b.halves * std::max<int64_t>(a.counted, 1);
  if (left != right) return left > right;
  if (a.self_halves != b.self_halves) return a.self_halves > b.self_halves;
  if (a.lot != b.lot) return a.lot > b.lot;
  return a.place < b.place;
}

std::vector<std::size_t> sure_members(const std::vector<Ranked>& judged, int64_t unjudged,
                                      int64_t best) {
  std::vector<std::size_t> order(judged.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return better(judged[a], judged[b]); });
  // The proof at rank i stays inside if even all the unjudged ones overtake it.
  const auto sure = static_cast<std::size_t>(std::max<int64_t>(0, best - unjudged));
  if (order.size() > sure) order.resize(sure);
  return order;
}

std::vector<std::size_t> worst_first(const std::vector<int64_t>& halves, uint64_t lot) {
  std::vector<uint64_t> lots(halves.size());
  for (std::size_t i = 0; i < lots.size(); ++i)
    lots[i] = draw(static_cast<int64_t>(lot), std::to_string(i));
  std::vector<std::size_t> order(halves.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (halves[a] != halves[b]) return halves[a] < halves[b];
    if (lots[a] != lots[b]) return lots[a] < lots[b];
    return a < b;
  });
  return order;
}

uint64_t draw(int64_t seed, const std::string& name) {
  return text::leading_number(text::sha256(std::to_string(seed) + '|' + name));
}

}  // namespace pipeline
