#include "model/weight_walk.h"

namespace model {
namespace {

int64_t rounded_up(int64_t bytes) {
  return (bytes + Memory::kAlignment - 1) / Memory::kAlignment * Memory::kAlignment;
}
int64_t bytes_of_numbers(const Matrix& matrix) {
  return matrix.rows * matrix.cols * bytes_of(matrix.type);
}
template <int Rank>
int64_t bytes_of_floats(const View<const float, Rank>& view) {
  return view.data == nullptr ? 0 : view.size() * int64_t(sizeof(float));
}

int64_t bytes_of_place(const WeightPlace& place) {
  if (place.role == WeightPlace::Role::Norm) return rounded_up(bytes_of_floats(*place.vector));
  return rounded_up(bytes_of_numbers(*place.matrix)) +
         rounded_up(bytes_of_floats(place.matrix->scale));
}

// Memory of a device that is given back with its last owner.
class Piece {
 public:
  Piece(Memory& memory, int64_t bytes)
      : memory_(memory), begin_(static_cast<unsigned char*>(memory.take(bytes))) {}
  ~Piece() { memory_.give(begin_); }
  Piece(const Piece&) = delete;
  Piece& operator=(const Piece&) = delete;
  unsigned char* begin() const { return begin_; }

 private:
  Memory& memory_;
  unsigned char* begin_;
};

class Mover {
 public:
  Mover(Memory& memory, unsigned char* to) : memory_(memory), to_(to) {}

  void move(const WeightPlace& place) {
    if (place.role == WeightPlace::Role::Norm) {
      move_floats(*place.vector);
      return;
    }
    Matrix& matrix = *place.matrix;
    matrix.data = move(matrix.data, bytes_of_numbers(matrix));
    move_floats(matrix.scale);
  }

 private:
  template <int Rank>
  void move_floats(View<const float, Rank>& view) {
    if (view.data != nullptr)
      view.data = static_cast<const float*>(move(view.data, bytes_of_floats(view)));
  }
  const void* move(const void* from, int64_t bytes) {
    memory_.write(to_, from, bytes);
    const void* at = to_;
    to_ += rounded_up(bytes);
    return at;
  }

  Memory& memory_;
  unsigned char* to_;
};

}  // namespace

int64_t device_bytes(const Weights& weights) {
  Weights shape = weights;
  int64_t bytes = 0;
  walk_weights(weights.config, shape,
               [&](const WeightPlace& place) { bytes += bytes_of_place(place); });
  return bytes;
}

Weights to_device(const Weights& weights, Memory& memory, const LoadProgress& progress) {
  Weights moved = weights;
  if (memory.reach() == Memory::Reach::Processor) return moved;
  const int64_t all = device_bytes(weights);
  const auto piece = std::make_shared<const Piece>(memory, all);
  Mover mover(memory, piece->begin());
  int64_t done = 0;
  walk_weights(weights.config, moved, [&](const WeightPlace& place) {
    const int64_t bytes = bytes_of_place(place);
    mover.move(place);
    done += bytes;
    progress(done, all);
  });
  if (moved.config.tied_embeddings) moved.head = moved.embedding;
  moved.checkpoint.reset();
  moved.converted = {piece};
  return moved;
}

}  // namespace model
