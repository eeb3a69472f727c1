#include "kernels/cuda/machine.h"

namespace {

class CudaKernels final : public Kernels {
 public:
  explicit CudaKernels(std::unique_ptr<cuda::Machine> machine) : machine_(std::move(machine)) {}

  Memory& memory() override { return machine_->memory(); }

  void linear(const Linear& args) override { cuda::linear(args, stream()); }
  void grouped_linear(const GroupedLinear& args) override { cuda::grouped_linear(args, stream()); }
  void absorb_query(const AbsorbQuery& args) override { cuda::absorb_query(args, stream()); }
  void expand_value(const ExpandValue& args) override { cuda::expand_value(args, stream()); }
  void rms_norm(const RmsNorm& args) override { cuda::rms_norm(args, stream()); }
  void layer_norm(const LayerNorm& args) override { cuda::layer_norm(args, stream()); }
  void rope(const Rope& args) override { cuda::rope(args, stream()); }
  void hadamard(const Hadamard& args) override { cuda::hadamard(args, stream()); }
  void simulate_float8(const SimulateFloat8& args) override {
    cuda::simulate_float8(args, stream());
  }
  void round_to_bfloat16(const RoundToBfloat16& args) override {
    cuda::round_to_bfloat16(args, stream());
  }
  void store_latent(const StoreRows& args) override { cuda::store_latent(args, stream()); }
  void store_index_key(const StoreRows& args) override { cuda::store_index_key(args, stream()); }
  void index_key_front(const IndexKeyFront& args) override {
    cuda::index_key_front(args, stream());
  }
  void index_query_front(const IndexQueryFront& args) override {
    cuda::index_query_front(args, stream());
  }
  void latent_front(const LatentFront& args) override { cuda::latent_front(args, stream()); }
  void indexer_scores(const IndexerScores& args) override { cuda::indexer_scores(args, stream()); }
  void top_k(const TopK& args) override { cuda::top_k(args, stream()); }
  void draw(const Draw& args) override { cuda::draw(args, stream()); }
  void latent_attention(const LatentAttention& args) override {
    cuda::latent_attention(args, stream());
  }
  void router(const Router& args) override { cuda::router(args, stream()); }
  void group_pairs(const GroupPairs& args) override { cuda::group_pairs(args, stream()); }
  void gather_rows(const GatherRows& args) override { cuda::gather_rows(args, stream()); }
  void combine_experts(const CombineExperts& args) override {
    cuda::combine_experts(args, stream());
  }
  void swiglu(const SwiGlu& args) override { cuda::swiglu(args, stream()); }
  void add(const Add& args) override { cuda::add(args, stream()); }
  void embed(const Embed& args) override { cuda::embed(args, stream()); }
  void copy_columns(const CopyColumns& args) override { cuda::copy_columns(args, stream()); }
  void scale(const Scale& args) override { cuda::scale(args, stream()); }

  void finish() override { machine_->finish(); }
  bool replay(uint64_t key) override { return machine_->replay(key); }
  void begin_recording(uint64_t key) override { machine_->begin_recording(key); }
  void end_recording() override { machine_->end_recording(); }

 private:
  cuda::Stream stream() { return machine_->stream(); }

  std::unique_ptr<cuda::Machine> machine_;
};

}  // namespace

std::unique_ptr<Kernels> cuda::kernels_on(std::unique_ptr<cuda::Machine> machine) {
  return std::make_unique<CudaKernels>(std::move(machine));
}
