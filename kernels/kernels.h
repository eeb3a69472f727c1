#pragma once

#include "kernels/attention.h"
#include "kernels/copy.h"
#include "kernels/draw.h"
#include "kernels/elementwise.h"
#include "kernels/front.h"
#include "kernels/indexer.h"
#include "kernels/instructions.h"
#include "kernels/linear.h"
#include "kernels/memory.h"
#include "kernels/norm.h"
#include "kernels/pages.h"
#include "kernels/quantise.h"
#include "kernels/rope.h"
#include "kernels/router.h"
#include "kernels/threads.h"
#include "kernels/top_k.h"

// One device's kernels, so that the network is written once. Views point into the device's memory,
// as do the arrays and pages that they lead to; the structs themselves are read by the processor. A
// call may return before its work is done; `finish` waits.
class Kernels {
 public:
  virtual ~Kernels() = default;

  virtual Memory& memory() = 0;

  virtual void linear(const Linear& args) = 0;
  virtual void grouped_linear(const GroupedLinear& args) = 0;
  virtual void absorb_query(const AbsorbQuery& args) = 0;
  virtual void expand_value(const ExpandValue& args) = 0;
  virtual void rms_norm(const RmsNorm& args) = 0;
  virtual void layer_norm(const LayerNorm& args) = 0;
  virtual void rope(const Rope& args) = 0;
  virtual void hadamard(const Hadamard& args) = 0;
  virtual void simulate_float8(const SimulateFloat8& args) = 0;
  virtual void round_to_bfloat16(const RoundToBfloat16& args) = 0;
  virtual void store_latent(const StoreRows& args) = 0;
  virtual void store_index_key(const StoreRows& args) = 0;
  virtual void index_key_front(const IndexKeyFront& args) = 0;
  virtual void index_query_front(const IndexQueryFront& args) = 0;
  virtual void latent_front(const LatentFront& args) = 0;
  virtual void indexer_scores(const IndexerScores& args) = 0;
  virtual void top_k(const TopK& args) = 0;
  virtual void draw(const Draw& args) = 0;
  virtual void latent_attention(const LatentAttention& args) = 0;
  virtual void router(const Router& args) = 0;
  virtual void group_pairs(const GroupPairs& args) = 0;
  virtual void gather_rows(const GatherRows& args) = 0;
  virtual void combine_experts(const CombineExperts& args) = 0;
  virtual void swiglu(const SwiGlu& args) = 0;
  virtual void add(const Add& args) = 0;
  virtual void embed(const Embed& args) = 0;
  virtual void copy_columns(const CopyColumns& args) = 0;
  virtual void scale(const Scale& args) = 0;

  virtual void finish() = 0;

  // Records the calls from begin_recording to end_recording under a key, and starts them again.
  // What is recorded: pointers and extents as they were; the memory that they point to may change
  // in between. A device that cannot says false, and the calls are made each time.
  virtual bool replay(uint64_t /*key*/) { return false; }  // true: the recorded work was started
  virtual void begin_recording(uint64_t /*key*/) {}
  virtual void end_recording() {}  // starts it for the first time
};

// The processor's: the fast versions if the level has them, else the defining twins. REQUIRES: the
// processor has the level's instructions.
class HostKernels final : public Kernels {
 public:
  HostKernels(Instructions level, int threads);

  Memory& memory() override { return memory_; }
  void linear(const Linear& args) override;
  void grouped_linear(const GroupedLinear& args) override;
  void absorb_query(const AbsorbQuery& args) override;
  void expand_value(const ExpandValue& args) override;
  void rms_norm(const RmsNorm& args) override;
  void layer_norm(const LayerNorm& args) override;
  void rope(const Rope& args) override;
  void hadamard(const Hadamard& args) override;
  void simulate_float8(const SimulateFloat8& args) override;
  void round_to_bfloat16(const RoundToBfloat16& args) override;
  void store_latent(const StoreRows& args) override;
  void store_index_key(const StoreRows& args) override;
  void index_key_front(const IndexKeyFront& args) override;
  void index_query_front(const IndexQueryFront& args) override;
  void latent_front(const LatentFront& args) override;
  void indexer_scores(const IndexerScores& args) override;
  void top_k(const TopK& args) override;
  void draw(const Draw& args) override;
  void latent_attention(const LatentAttention& args) override;
  void router(const Router& args) override;
  void group_pairs(const GroupPairs& args) override;
  void gather_rows(const GatherRows& args) override;
  void combine_experts(const CombineExperts& args) override;
  void swiglu(const SwiGlu& args) override;
  void add(const Add& args) override;
  void embed(const Embed& args) override;
  void copy_columns(const CopyColumns& args) override;
  void scale(const Scale& args) override;
  void finish() override {}

  Instructions level() const { return level_; }

 private:
  Instructions level_;
  Threads threads_;
  HostMemory memory_;
};
