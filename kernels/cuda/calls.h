#pragma once

#include "kernels/kernels.h"

// The device's version of every kernel: starts the work on a stream and returns. The .cu files are
// compiled twice: by nvcc, and by the C++ compiler against the emulation of tests/emulation. Each
// gives its own names, so that one program may hold both.
#ifdef CUDA_EMULATION
namespace emulation {
class Stream;
}
namespace cuda {
inline namespace emulated {
using Stream = emulation::Stream*;
#else
struct CUstream_st;  // what cudaStream_t points to: who only calls needs no CUDA headers
namespace cuda {
inline namespace compiled {
using Stream = CUstream_st*;
#endif

void linear(const Linear& args, Stream stream);
void grouped_linear(const GroupedLinear& args, Stream stream);
void absorb_query(const AbsorbQuery& args, Stream stream);
void expand_value(const ExpandValue& args, Stream stream);
void rms_norm(const RmsNorm& args, Stream stream);
void layer_norm(const LayerNorm& args, Stream stream);
void rope(const Rope& args, Stream stream);
void hadamard(const Hadamard& args, Stream stream);
void simulate_float8(const SimulateFloat8& args, Stream stream);
void round_to_bfloat16(const RoundToBfloat16& args, Stream stream);
void store_latent(const StoreRows& args, Stream stream);
void store_index_key(const StoreRows& args, Stream stream);
void index_key_front(const IndexKeyFront& args, Stream stream);
void index_query_front(const IndexQueryFront& args, Stream stream);
void latent_front(const LatentFront& args, Stream stream);
void indexer_scores(const IndexerScores& args, Stream stream);
void top_k(const TopK& args, Stream stream);
void draw(const Draw& args, Stream stream);
void latent_attention(const LatentAttention& args, Stream stream);
void router(const Router& args, Stream stream);
void group_pairs(const GroupPairs& args, Stream stream);
void gather_rows(const GatherRows& args, Stream stream);
void combine_experts(const CombineExperts& args, Stream stream);
void swiglu(const SwiGlu& args, Stream stream);
void add(const Add& args, Stream stream);
void embed(const Embed& args, Stream stream);
void copy_columns(const CopyColumns& args, Stream stream);
void scale(const Scale& args, Stream stream);

}  // namespace compiled or emulated
}  // namespace cuda
