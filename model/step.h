#pragma once

#include <span>
#include <vector>

#include "model/work.h"

namespace model {

// What kernels are told of a step's rows. It is made up on the processor and written to the device
// at once; where each part stands depends on the numbers of rows alone, so that a recorded step
// finds it again.
class StepInputs {
 public:
  // How many scores a row has room for on a device: a power of two from here on, so that few
  // recordings serve all positions.
  static constexpr int64_t kScoreWidthLeast = 1024;

  StepInputs(const Config& config, const NetworkOptions& options, Memory& memory);

  // Those of a step. REQUIRES: as Network::forward.
  void write(std::span<const Row> rows);

  View<const int32_t, 1> token() const;
  Step all(View<float, 2> x) const;     // the rows of all layers but the last
  Step wanted(View<float, 2> x) const;  // those whose logits are asked for
  View<const int32_t, 1> wanted_rows() const;

  int64_t rows() const { return int64_t(shape_.rows); }
  // Which rows ask for logits.
  std::span<const int32_t> asking() const { return asking_; }
  int64_t score_width() const { return shape_.score_width; }
  // What the rows found, layer by layer: [layers, rows]; the last layer has those that ask alone.
  // Waits. REQUIRES: score_width() > 0.
  std::span<const int32_t> read_found();

  // The most that is written for a step.
  static int64_t bytes_max(const Config& config, const NetworkOptions& options,
                           Memory::Reach reach);

 private:
  // Where the parts stand, in bytes from the begin.
  struct RowsAt {
    int64_t position = 0, slot = 0, candidates = 0, page = 0, seen = 0, sparse_seen = 0;
  };
  struct Shape {
    int64_t rows = 0, asking = 0;
    int64_t layers_found = 0;  // 1: no row chooses
    int64_t score_width = 0;
    int64_t token = 0, asking_at = 0, found = 0, tables = 0;
    RowsAt all = {}, wanted = {};
  };
  static Shape shape_of(int64_t rows, int64_t asking, int64_t layers_found);

  bool chooses(const Row& row) const { return sparse_ && row.position >= top_k_; }
  int64_t width_of(std::span<const Row> rows) const;
  void find_tables(std::span<const Row> rows);
  void place_rows(const RowsAt& at, std::span<const Row> rows, std::span<const int32_t> which);
  Step step(const RowsAt& at, int64_t count, View<float, 2> x) const;
  template <class T>
  T* here(int64_t at);  // on the processor
  template <class T>
  T* there(int64_t at) const;  // on the device

  Memory& memory_;
  const bool in_place_;  // kernels may follow the rows' own lists of pages
  const bool sparse_;
  const int32_t top_k_;
  const int64_t layers_, context_max_;
  Buffer<unsigned char> block_;
  unsigned char* device_;
  std::vector<unsigned char> staged_;
  Shape shape_;
  std::vector<int32_t> asking_, everyone_, found_;
  // One for each list of pages that the rows name: rows of a sequence stand together.
  struct Table {
    unsigned char* const* pages = nullptr;
    int64_t count = 0;
    int64_t at = 0;  // in bytes
  };
  std::vector<Table> tables_;
  std::vector<std::size_t> table_of_;  // [rows]
};

}  // namespace model
