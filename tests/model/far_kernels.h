#pragma once

#include <sys/mman.h>

#include <cstring>
#include <functional>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

#include "kernels/kernels.h"

// A device that is none: the processor's kernels on memory that nothing else can reach. It computes
// the processor's bits, so that a network on it can be held against one on the processor.
namespace far {

// Whoever follows a pointer into it outside of a kernel's call or a copy faults. What is taken
// holds NaN.
class FarMemory final : public Memory {
 public:
  static constexpr int64_t kReserved = int64_t(8) << 30;  // of address space

  explicit FarMemory(int64_t bytes_max)
      : bytes_max_(bytes_max),
        base_(
            static_cast<unsigned char*>(mmap(nullptr, std::size_t(kReserved), PROT_NONE,
                                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
    if (base_ == MAP_FAILED || bytes_max > kReserved) throw std::bad_alloc();
  }
  ~FarMemory() override { munmap(base_, std::size_t(kReserved)); }
  FarMemory(const FarMemory&) = delete;
  FarMemory& operator=(const FarMemory&) = delete;

  Reach reach() const override { return Reach::Device; }
  void* take(int64_t bytes) override {
    const int64_t whole = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    if (whole > bytes_max_ - reached_)
      throw OutOfMemory("the far device has no " + std::to_string(bytes) + " bytes");
    unsigned char* memory = base_ + reached_;
    reached_ += whole;
    ++taken_;
    const Open open(*this);
    std::memset(memory, 0xFF, std::size_t(whole));
    return memory;
  }
  void give(void* memory) noexcept override {
    if (memory != nullptr && --taken_ == 0) reached_ = 0;
  }
  void write(void* to, const void* from, int64_t bytes) override { move(to, from, bytes); }
  void read(void* to, const void* from, int64_t bytes) override {
    move(to, from, bytes);
    bytes_read += bytes;
  }
  void copy(void* to, const void* from, int64_t bytes) override { move(to, from, bytes); }

  int64_t bytes_read = 0;  // by the processor
  int64_t taken() const { return taken_; }
  void close_to_copies(bool closed) { closed_ = closed; }

  // While it lives the memory can be reached.
  class Open {
   public:
    explicit Open(FarMemory& memory) : memory_(memory) { memory_.allow(PROT_READ | PROT_WRITE); }
    ~Open() { memory_.allow(PROT_NONE); }
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;

   private:
    FarMemory& memory_;
  };

 private:
  void allow(int protection) {
    if (reached_ > 0) mprotect(base_, std::size_t(reached_), protection);
  }
  void move(void* to, const void* from, int64_t bytes) {
    if (closed_) throw std::logic_error("a copy within a recording");
    const Open open(*this);
    if (bytes > 0) std::memcpy(to, from, std::size_t(bytes));
  }

  int64_t bytes_max_;
  unsigned char* base_;
  int64_t reached_ = 0, taken_ = 0;
  bool closed_ = false;
};

class FarKernels final : public Kernels {
 public:
  explicit FarKernels(Instructions level, int threads = 1, int64_t bytes_max = FarMemory::kReserved)
      : host_(level, threads), memory_(bytes_max) {}

  FarMemory& memory() override { return memory_; }
  void linear(const Linear& args) override { call(&Kernels::linear, args); }
  void grouped_linear(const GroupedLinear& args) override { call(&Kernels::grouped_linear, args); }
  void absorb_query(const AbsorbQuery& args) override { call(&Kernels::absorb_query, args); }
  void expand_value(const ExpandValue& args) override { call(&Kernels::expand_value, args); }
  void rms_norm(const RmsNorm& args) override { call(&Kernels::rms_norm, args); }
  void layer_norm(const LayerNorm& args) override { call(&Kernels::layer_norm, args); }
  void rope(const Rope& args) override { call(&Kernels::rope, args); }
  void hadamard(const Hadamard& args) override { call(&Kernels::hadamard, args); }
  void simulate_float8(const SimulateFloat8& args) override {
    call(&Kernels::simulate_float8, args);
  }
  void round_to_bfloat16(const RoundToBfloat16& args) override {
    call(&Kernels::round_to_bfloat16, args);
  }
  void store_latent(const StoreRows& args) override { call(&Kernels::store_latent, args); }
  void store_index_key(const StoreRows& args) override { call(&Kernels::store_index_key, args); }
  void index_key_front(const IndexKeyFront& args) override {
    call(&Kernels::index_key_front, args);
  }
  void index_query_front(const IndexQueryFront& args) override {
    call(&Kernels::index_query_front, args);
  }
  void latent_front(const LatentFront& args) override { call(&Kernels::latent_front, args); }
  void indexer_scores(const IndexerScores& args) override { call(&Kernels::indexer_scores, args); }
  void top_k(const TopK& args) override { call(&Kernels::top_k, args); }
  void draw(const Draw& args) override { call(&Kernels::draw, args); }
  void latent_attention(const LatentAttention& args) override {
    call(&Kernels::latent_attention, args);
  }
  void router(const Router& args) override { call(&Kernels::router, args); }
  void group_pairs(const GroupPairs& args) override { call(&Kernels::group_pairs, args); }
  void gather_rows(const GatherRows& args) override { call(&Kernels::gather_rows, args); }
  void combine_experts(const CombineExperts& args) override {
    call(&Kernels::combine_experts, args);
  }
  void swiglu(const SwiGlu& args) override { call(&Kernels::swiglu, args); }
  void add(const Add& args) override { call(&Kernels::add, args); }
  void embed(const Embed& args) override { call(&Kernels::embed, args); }
  void copy_columns(const CopyColumns& args) override { call(&Kernels::copy_columns, args); }
  void scale(const Scale& args) override { call(&Kernels::scale, args); }
  void finish() override { throw std::logic_error("only the last reading waits"); }

  bool replay(uint64_t key) override {
    const auto found = recorded_.find(key);
    if (found == recorded_.end()) return false;
    ++replays;
    run(found->second);
    return true;
  }
  void begin_recording(uint64_t key) override {
    memory_.close_to_copies(true);
    recording_ = &recorded_[key];
    recording_->clear();
  }
  void end_recording() override {
    memory_.close_to_copies(false);
    run(*std::exchange(recording_, nullptr));
  }

  int64_t recordings() const { return int64_t(recorded_.size()); }
  int64_t replays = 0;
  int64_t calls = 0;             // started by the one who computes
  int64_t lost_after_calls = 0;  // then the device fails; 0: never

 private:
  using Calls = std::vector<std::function<void()>>;

  template <class Args>
  void call(void (Kernels::*kernel)(const Args&), const Args& args) {
    ++calls;
    if (lost_after_calls > 0 && calls > lost_after_calls)
      throw std::runtime_error("the far device fell silent");
    std::function<void()> work = [this, kernel, args] { (host_.*kernel)(args); };
    if (recording_ != nullptr) {
      recording_->push_back(std::move(work));
      return;
    }
    const FarMemory::Open open(memory_);
    work();
  }
  void run(const Calls& work) {
    const FarMemory::Open open(memory_);
    for (const auto& one : work) one();
  }

  HostKernels host_;
  FarMemory memory_;
  std::map<uint64_t, Calls> recorded_;
  Calls* recording_ = nullptr;
};

}  // namespace far
