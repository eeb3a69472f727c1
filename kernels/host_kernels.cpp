#include "kernels/kernels.h"

// Which version of each kernel runs. The fast ones exist on x86-64 only; elsewhere nothing names
// them, so that nothing has to be linked.

namespace {

// Calls plain(), or fast<level>().
template <class Plain, class Fast>
void pick(Instructions level, const Plain& plain, [[maybe_unused]] const Fast& fast) {
  switch (level) {
#if defined(__x86_64__)
    case Instructions::Avx2:
      return fast.template operator()<Instructions::Avx2>();
    case Instructions::Avx512:
      return fast.template operator()<Instructions::Avx512>();
#endif
    default:
      return plain();
  }
}

}  // namespace

HostKernels::HostKernels(Instructions level, int threads) : level_(level), threads_(threads) {}

void HostKernels::linear(const Linear& args) {
  pick(
      level_, [&] { cpu::linear(args); },
      [&]<Instructions level>() { simd::linear<level>(args, threads_); });
}

void HostKernels::grouped_linear(const GroupedLinear& args) {
  pick(
      level_, [&] { cpu::grouped_linear(args); },
      [&]<Instructions level>() { simd::grouped_linear<level>(args, threads_); });
}

void HostKernels::absorb_query(const AbsorbQuery& args) {
  pick(
      level_, [&] { cpu::absorb_query(args); },
      [&]<Instructions level>() { simd::absorb_query<level>(args, threads_); });
}

void HostKernels::expand_value(const ExpandValue& args) {
  pick(
      level_, [&] { cpu::expand_value(args); },
      [&]<Instructions level>() { simd::expand_value<level>(args, threads_); });
}

void HostKernels::rms_norm(const RmsNorm& args) {
  pick(
      level_, [&] { cpu::rms_norm(args); },
      [&]<Instructions level>() { simd::rms_norm<level>(args, threads_); });
}

void HostKernels::layer_norm(const LayerNorm& args) {
  pick(
      level_, [&] { cpu::layer_norm(args); },
      [&]<Instructions level>() { simd::layer_norm<level>(args, threads_); });
}

void HostKernels::rope(const Rope& args) {
  pick(
      level_, [&] { cpu::rope(args); },
      [&]<Instructions level>() { simd::rope<level>(args, threads_); });
}

void HostKernels::hadamard(const Hadamard& args) {
  pick(
      level_, [&] { cpu::hadamard(args); },
      [&]<Instructions level>() { simd::hadamard<level>(args, threads_); });
}

void HostKernels::simulate_float8(const SimulateFloat8& args) {
  pick(
      level_, [&] { cpu::simulate_float8(args); },
      [&]<Instructions level>() { simd::simulate_float8<level>(args, threads_); });
}

void HostKernels::round_to_bfloat16(const RoundToBfloat16& args) {
  pick(
      level_, [&] { cpu::round_to_bfloat16(args); },
      [&]<Instructions level>() { simd::round_to_bfloat16<level>(args, threads_); });
}

void HostKernels::store_latent(const StoreRows& args) {
  pick(
      level_, [&] { cpu::store_latent(args); },
      [&]<Instructions level>() { simd::store_latent<level>(args, threads_); });
}

void HostKernels::store_index_key(const StoreRows& args) {
  pick(
      level_, [&] { cpu::store_index_key(args); },
      [&]<Instructions level>() { simd::store_index_key<level>(args, threads_); });
}

void HostKernels::indexer_scores(const IndexerScores& args) {
  pick(
      level_, [&] { cpu::indexer_scores(args); },
      [&]<Instructions level>() { simd::indexer_scores<level>(args, threads_); });
}

void HostKernels::top_k(const TopK& args) {
  pick(
      level_, [&] { cpu::top_k(args); },
      [&]<Instructions level>() { simd::top_k<level>(args, threads_); });
}

void HostKernels::draw(const Draw& args) { cpu::draw(args); }

void HostKernels::latent_attention(const LatentAttention& args) {
  pick(
      level_, [&] { cpu::latent_attention(args); },
      [&]<Instructions level>() { simd::latent_attention<level>(args, threads_); });
}

void HostKernels::router(const Router& args) {
  pick(
      level_, [&] { cpu::router(args); },
      [&]<Instructions level>() { simd::router<level>(args, threads_); });
}

void HostKernels::group_pairs(const GroupPairs& args) { cpu::group_pairs(args); }

void HostKernels::gather_rows(const GatherRows& args) {
  pick(
      level_, [&] { cpu::gather_rows(args); },
      [&]<Instructions level>() { simd::gather_rows<level>(args, threads_); });
}

void HostKernels::combine_experts(const CombineExperts& args) {
  pick(
      level_, [&] { cpu::combine_experts(args); },
      [&]<Instructions level>() { simd::combine_experts<level>(args, threads_); });
}

void HostKernels::swiglu(const SwiGlu& args) {
  pick(
      level_, [&] { cpu::swiglu(args); },
      [&]<Instructions level>() { simd::swiglu<level>(args, threads_); });
}

void HostKernels::add(const Add& args) {
  pick(
      level_, [&] { cpu::add(args); },
      [&]<Instructions level>() { simd::add<level>(args, threads_); });
}

void HostKernels::embed(const Embed& args) { cpu::embed(args); }
