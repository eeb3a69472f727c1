#include "model/step.h"

#include <bit>
#include <cstring>
#include <numeric>
#include <unordered_map>

namespace model {
namespace {

constexpr int64_t kPartAlignment = 16;

// Parts one after the other, each where its numbers may stand.
class Layout {
 public:
  template <class T>
  int64_t place(int64_t count) {
    const int64_t at = bytes_;
    bytes_ += (count * int64_t(sizeof(T)) + kPartAlignment - 1) / kPartAlignment * kPartAlignment;
    return at;
  }
  int64_t bytes() const { return bytes_; }

 private:
  int64_t bytes_ = 0;
};

int64_t pages_of(int64_t tokens) { return (tokens + kPageTokens - 1) / kPageTokens; }

}  // namespace

StepInputs::StepInputs(const Config& config, const NetworkOptions& options, Memory& memory)
    : memory_(memory),
      in_place_(memory.reach() == Memory::Reach::Processor),
      sparse_(config.sparse()),
      top_k_(config.index_top_k),
      layers_(config.layers),
      context_max_(options.context_max),
      block_(memory, bytes_max(config, options, memory.reach())),
      device_(block_.view(1).data),
      everyone_(std::size_t(options.rows_max)) {
  std::iota(everyone_.begin(), everyone_.end(), 0);
}

StepInputs::Shape StepInputs::shape_of(int64_t rows, int64_t asking, int64_t layers_found) {
  Shape shape{.rows = rows, .asking = asking, .layers_found = layers_found};
  Layout layout;
  const auto place_rows = [&layout](int64_t count) {
    return RowsAt{.position = layout.place<int32_t>(count),
                  .slot = layout.place<int32_t>(count),
                  .candidates = layout.place<int32_t>(count),
                  .page = layout.place<unsigned char*>(count),
                  .seen = layout.place<SeenPages>(count),
                  .sparse_seen = layout.place<SeenPages>(count)};
  };
  shape.token = layout.place<int32_t>(rows);
  shape.all = place_rows(rows);
  shape.asking_at = layout.place<int32_t>(asking);
  shape.wanted = asking == rows ? shape.all : place_rows(asking);
  shape.found = layout.place<int32_t>(layers_found * rows);
  shape.tables = layout.bytes();
  return shape;
}

int64_t StepInputs::bytes_max(const Config& config, const NetworkOptions& options,
                              Memory::Reach reach) {
  const int64_t rows = options.rows_max;
  const Shape most = shape_of(rows, std::max(rows - 1, int64_t(1)), config.layers);
  const Shape equal = shape_of(rows, rows, config.layers);
  const int64_t tables = reach == Memory::Reach::Processor
                             ? 0
                             : rows * pages_of(options.context_max) * int64_t(sizeof(void*));
  return std::max(most.tables, equal.tables) + tables;
}

template <class T>
T* StepInputs::here(int64_t at) {
  return reinterpret_cast<T*>(staged_.data() + at);
}
template <class T>
T* StepInputs::there(int64_t at) const {
  return reinterpret_cast<T*>(device_ + at);
}

void StepInputs::write(std::span<const Row> rows) {
  asking_.clear();
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i].logits == Row::Logits::Yes) asking_.push_back(int32_t(i));
  const int64_t width = width_of(rows);
  shape_ = shape_of(int64_t(rows.size()), int64_t(asking_.size()), width > 0 ? layers_ : 1);
  shape_.score_width = width;
  staged_.resize(std::size_t(shape_.tables));
  if (!in_place_) find_tables(rows);

  for (std::size_t i = 0; i < rows.size(); ++i) here<int32_t>(shape_.token)[i] = rows[i].token;
  place_rows(shape_.all, rows, std::span(everyone_).first(rows.size()));
  std::copy(asking_.begin(), asking_.end(), here<int32_t>(shape_.asking_at));
  if (asking_.size() < rows.size()) place_rows(shape_.wanted, rows, asking_);
  std::fill_n(here<int32_t>(shape_.found), shape_.layers_found * shape_.rows,
              LatentAttention::kAll);
  memory_.write(device_, staged_.data(), int64_t(staged_.size()));
}

// The processor's kernels take the width that is needed.
int64_t StepInputs::width_of(std::span<const Row> rows) const {
  int64_t width = 0;
  for (const Row& row : rows)
    if (chooses(row)) width = std::max<int64_t>(width, row.position + 1);
  if (width == 0 || in_place_) return width;
  const auto bucket = int64_t(std::bit_ceil(uint64_t(std::max(width, kScoreWidthLeast))));
  return std::min(bucket, context_max_);
}

void StepInputs::find_tables(std::span<const Row> rows) {
  tables_.clear();
  table_of_.clear();
  std::unordered_map<unsigned char* const*, std::size_t> known;
  for (const Row& row : rows) {
    if (tables_.empty() || tables_.back().pages != row.pages) {
      const auto [place, is_new] = known.try_emplace(row.pages, tables_.size());
      if (is_new) tables_.push_back({.pages = row.pages});
      table_of_.push_back(place->second);
    } else {
      table_of_.push_back(tables_.size() - 1);
    }
    Table& table = tables_[table_of_.back()];
    table.count = std::max(table.count, pages_of(row.position + 1));
  }
  for (Table& table : tables_) {
    table.at = int64_t(staged_.size());
    const auto* bytes = reinterpret_cast<const unsigned char*>(table.pages);
    staged_.insert(staged_.end(), bytes, bytes + table.count * int64_t(sizeof(*table.pages)));
  }
}

void StepInputs::place_rows(const RowsAt& at, std::span<const Row> rows,
                            std::span<const int32_t> which) {
  for (std::size_t i = 0; i < which.size(); ++i) {
    const auto number = std::size_t(which[i]);
    const Row& row = rows[number];
    const unsigned char* const* pages = row.pages;
    if (!in_place_) pages = there<const unsigned char* const>(tables_[table_of_[number]].at);
    const int32_t visible = row.position + 1, candidates = chooses(row) ? visible : 0;
    here<int32_t>(at.position)[i] = row.position;
    here<int32_t>(at.slot)[i] = int32_t(row.position % kPageTokens);
    here<int32_t>(at.candidates)[i] = candidates;
    here<unsigned char*>(at.page)[i] = row.pages[row.position / kPageTokens];
    here<SeenPages>(at.seen)[i] = {.page = pages, .visible = visible};
    here<SeenPages>(at.sparse_seen)[i] = {.page = pages, .visible = candidates};
  }
}

View<const int32_t, 1> StepInputs::token() const {
  return {.data = there<int32_t>(shape_.token), .extent = {shape_.rows}};
}
View<const int32_t, 1> StepInputs::wanted_rows() const {
  return {.data = there<int32_t>(shape_.asking_at), .extent = {shape_.asking}};
}

Step StepInputs::step(const RowsAt& at, int64_t count, View<float, 2> x) const {
  return {
      .rows = count,
      .rows_before = shape_.rows,
      .x = x,
      .position = {.data = there<int32_t>(at.position), .extent = {count}},
      .seen = {.data = there<SeenPages>(at.seen), .extent = {count}},
      .page = {.data = there<unsigned char*>(at.page), .extent = {count}},
      .slot = {.data = there<int32_t>(at.slot), .extent = {count}},
      .candidates = {.data = there<int32_t>(at.candidates), .extent = {count}},
      .sparse_seen = {.data = there<SeenPages>(at.sparse_seen), .extent = {count}},
      .found = {.data = there<int32_t>(shape_.found), .extent = {shape_.layers_found, shape_.rows}},
      .score_width = shape_.score_width};
}
Step StepInputs::all(View<float, 2> x) const { return step(shape_.all, shape_.rows, x); }
Step StepInputs::wanted(View<float, 2> x) const { return step(shape_.wanted, shape_.asking, x); }

std::span<const int32_t> StepInputs::read_found() {
  found_.resize(std::size_t(shape_.layers_found * shape_.rows));
  memory_.read(found_.data(), there<int32_t>(shape_.found),
               int64_t(found_.size() * sizeof(int32_t)));
  return std::span(found_).first(
      std::size_t((shape_.layers_found - 1) * shape_.rows + shape_.asking));
}

}  // namespace model
