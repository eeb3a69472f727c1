#include "kernels/router.h"

#include "kernels/simd/vector.h"

namespace {

constexpr float kLeast = -__builtin_inff();

// Memory for one token. (A vector's members are shared inline functions: see vector.h.)
template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t count) : data_(new T[size_t(count)]) {}
  ~Scratch() { delete[] data_; }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() { return data_; }
  T& operator[](int64_t i) { return data_[i]; }

 private:
  T* data_;
};

// s = 1 / (1 + e^-x), written so that e^-|x| cannot overflow.
void sigmoid(const float* logits, int64_t experts, float* s) {
  for_registers(experts, [&](int64_t e, int64_t count) {
    const Floats x = load(logits + e, count);
    const Floats small = exponential((Floats)((Words)x | 0x80000000u));
    store(s + e, (x >= 0.f ? all(1) : small) / (small + 1.f), count);
  });
}

void softmax(const float* logits, int64_t experts, float* s) {
  float most = logits[0];
  for (int64_t e = 1; e < experts; ++e)
    if (logits[e] > most) most = logits[e];
  float sum = 0;
  for_registers(experts, [&](int64_t e, int64_t count) {
    store(s + e, exponential(load(logits + e, count) - most), count);
  });
  for (int64_t e = 0; e < experts; ++e) sum += s[e];
  for_registers(experts,
                [&](int64_t e, int64_t count) { store(s + e, load(s + e, count) / sum, count); });
}

// The indices of the largest values seen, in descending order; of equal ones the lower comes first,
// as long as they are offered in ascending order.
struct Best {
  const float* value = nullptr;
  int32_t* index = nullptr;  // [most]
  int64_t most = 0;
  int64_t count = 0;

  void offer(int32_t i) {
    if (count == most && (most == 0 || !(value[i] > value[index[most - 1]]))) return;
    int64_t place = count < most ? count++ : most - 1;
    for (; place > 0 && value[i] > value[index[place - 1]]; --place)
      index[place] = index[place - 1];
    index[place] = i;
  }
};

float group_score(const float* rank, int64_t size, Router::Group group) {
  float largest = kLeast, second = kLeast;
  for (int64_t e = 0; e < size; ++e) {
    if (rank[e] > largest) {
      second = largest;
      largest = rank[e];
    } else if (rank[e] > second) {
      second = rank[e];
    }
  }
  return group == Router::Group::Largest || size == 1 ? largest : largest + second;
}

// keep[g] = 1 for the groups that are kept, else 0.
void keep_groups(const Router& args, const float* rank, int64_t size, char* keep) {
  Scratch<float> score(args.groups);
  Scratch<int32_t> order(args.groups_kept);
  Best best{.value = score.data(), .index = order.data(), .most = args.groups_kept};
  for (int32_t g = 0; g < args.groups; ++g) {
    keep[g] = 0;
    score[g] = group_score(rank + g * size, size, args.group);
    best.offer(g);
  }
  for (int32_t i = 0; i < args.groups_kept; ++i) keep[order[i]] = 1;
}

void route(const Router& args, int64_t t) {
  const int64_t experts = args.logits.extent[1], chosen = args.expert.extent[1];
  const int32_t groups = args.group == Router::Group::None ? 1 : args.groups;
  const int64_t size = experts / groups;
  const float* logits = args.logits.data + t * experts;
  Scratch<float> s(experts), rank(experts);
  if (args.score == Router::Score::Sigmoid) {
    sigmoid(logits, experts, s.data());
  } else {
    softmax(logits, experts, s.data());
  }
  for (int64_t e = 0; e < experts; ++e) {
    rank[e] = args.bias.data == nullptr ? s[e] : s[e] + args.bias.data[e];
    if (!(rank[e] == rank[e])) rank[e] = kLeast;  // NaN
  }

  Scratch<char> keep(groups);
  keep[0] = 1;
  if (args.group != Router::Group::None) keep_groups(args, rank.data(), size, keep.data());
  int32_t* expert = args.expert.data + t * chosen;
  Best best{.value = rank.data(), .index = expert, .most = chosen};
  for (int32_t e = 0; e < experts; ++e)
    if (keep[e / size] != 0) best.offer(e);

  float sum = 0;
  for (int64_t j = 0; j < chosen; ++j) sum += s[expert[j]];
  for (int64_t j = 0; j < chosen; ++j)
    args.weight.data[t * chosen + j] = s[expert[j]] / (args.normalise ? sum : 1) * args.scale;
}

}  // namespace

template <>
void simd::router<KERNEL_LEVEL>(const Router& args, Threads& threads) {
  const int64_t experts = args.logits.extent[1], chosen = args.expert.extent[1];
  assert(args.groups >= 1 && experts % args.groups == 0 && args.groups_kept <= args.groups);
  assert(chosen <= (args.group == Router::Group::None
                        ? experts
                        : experts / args.groups * int64_t(args.groups_kept)));
  constexpr int64_t kWorkAnExpert = 8;
  for_rows(threads, args.logits.extent[0], experts * kWorkAnExpert,
           [&](int64_t t) { route(args, t); });
}

template <>
void simd::gather_rows<KERNEL_LEVEL>(const GatherRows& args, Threads& threads) {
  const int64_t dim = args.y.extent[1];
  for_rows(threads, args.y.extent[0], dim, [&](int64_t i) {
    const int32_t token = args.token.data[i];
    assert(0 <= token && token < args.x.extent[0]);
    __builtin_memcpy(args.y.data + i * dim, args.x.data + token * dim, size_t(dim) * 4);
  });
}

template <>
void simd::combine_experts<KERNEL_LEVEL>(const CombineExperts& args, Threads& threads) {
  const int64_t dim = args.y.extent[1], chosen = args.slot.extent[1];
  for_rows(threads, args.y.extent[0], dim * chosen, [&](int64_t t) {
    const int32_t* slot = args.slot.data + t * chosen;
    const float* weight = args.weight.data + t * chosen;
    float* y = args.y.data + t * dim;
    for_registers(dim, [&](int64_t c, int64_t count) {
      Floats sum = all(0);
      for (int64_t j = 0; j < chosen; ++j)
        sum = fused(all(weight[j]), load(args.x.data + slot[j] * dim + c, count), sum);
      store(y + c, load(y + c, count) + sum, count);
    });
  });
}
