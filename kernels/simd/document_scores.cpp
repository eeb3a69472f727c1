// The indexer over whole documents, for training: scores of all that a token sees, with the order
// of sums of kernels/simd/indexer_float.h, and the gradients of its queries, keys and weights.
#include "kernels/documents.h"

#include "kernels/simd/document_lists.h"
#include "kernels/simd/document_softmax.h"

namespace {

struct ScoreShape {
  int64_t tokens, heads, dim, width;

  explicit ScoreShape(const View<const float, 3>& query)
      : tokens(query.extent[0]),
        heads(query.extent[1]),
        dim(query.extent[2]),
        width(rounded_up(dim, kLanes)) {}
};

struct Document {
  int64_t first, tokens;

  Document(const DocumentKeys& keys, int64_t number)
      : first(keys.first.data[number]), tokens(keys.first.data[number + 1] - first) {}
};

// score += weight * max(0, dot), by whole registers; a NaN stays one.
void add_head(const float* dot, int64_t count, float weight, float* score) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const Floats x = load(dot + i, kLanes);
    store(score + i, fused(all(weight), x < 0 ? Floats{} : x, load(score + i, kLanes)), kLanes);
  }
}

void score_block(const DocumentScores<float>& args, const Document& document, const float* panels,
                 int64_t begin) {
  static thread_local Scratch scratch;
  const ScoreShape s(args.query);
  const int64_t rows = at_most(kBlockRows, document.tokens - begin);
  const int64_t width = rounded_up(begin + rows, kAllPanels);
  float* dots = scratch.numbers<float>(std::size_t(kBlockRows * width));
  for (int64_t h = 0; h < s.heads; ++h) {
    multiply_panels(args.query.data + ((document.first + begin) * s.heads + h) * s.dim,
                    s.heads * s.dim, panels, s.dim, rows, begin + 1, dots, width);
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t token = document.first + begin + r;
      const int64_t count = rounded_up(begin + r + 1, kLanes);
      float* score = args.score.data + args.keys.row.data[token];
      if (h == 0) clear(score, count);
      add_head(dots + r * width, count, args.weight.data[token * s.heads + h], score);
    }
  }
}

// One head of one document.
struct HeadGradient {
  const DocumentScoresGradient<float>& args;
  ScoreShape shape;
  Document document;
  int64_t head;
  float *keys = nullptr, *queries = nullptr, *d_keys = nullptr, *rest = nullptr;

  HeadGradient(const DocumentScoresGradient<float>& a, int64_t number, int64_t h)
      : args(a), shape(a.query), document(a.keys, number), head(h) {}

  void begin(Scratch& scratch, int64_t numbers) {
    const int64_t size = document.tokens * shape.width;
    keys = scratch.numbers<float>(std::size_t(3 * size + numbers));
    queries = keys + size;
    d_keys = queries + size;
    rest = d_keys + size;
    clear(keys, 3 * size);
    copy_rows({args.key.data + document.first * shape.dim, shape.dim, shape.dim}, document.tokens,
              keys, shape.width);
    copy_rows({args.query.data + (document.first * shape.heads + head) * shape.dim,
               shape.heads * shape.dim, shape.dim},
              document.tokens, queries, shape.width);
  }
  float weight(int64_t t) const {
    return args.weight.data[(document.first + t) * shape.heads + head];
  }
  const float* d_score(int64_t t) const {
    return args.d_score.data + args.keys.row.data[document.first + t];
  }
  void put_weight(int64_t t, float d_weight) const {
    args.d_weight.data[(document.first + t) * shape.heads + head] = d_weight;
  }
  void put_query(int64_t t, const float* d_query) const {
    __builtin_memcpy(args.d_query.data + ((document.first + t) * shape.heads + head) * shape.dim,
                     d_query, std::size_t(shape.dim) * sizeof(float));
  }
  void put_keys() const {
    copy_rows({d_keys, shape.width, shape.dim}, document.tokens,
              args.key_parts.data + (head * shape.tokens + document.first) * shape.dim, shape.dim);
  }
};

// dot becomes d_score * weight where it is positive, else 0. Returns sum of d_score * max(0, dot).
float through_relu(const float* d_score, float weight, int64_t count, float* dot) {
  Floats sum = {};
  for_registers(count, [&](int64_t i, int64_t n) {
    const Floats a = load(dot + i, n), d = load(d_score + i, n);
    sum = fused(d, a > 0 ? a : Floats{}, sum);
    store(dot + i, a > 0 ? d * weight : Floats{}, n);
  });
  return sum_of_lanes(sum);
}

void give_back_chosen(HeadGradient head) {
  static thread_local Scratch floats, integers;
  const ScoreShape& s = head.shape;
  const DocumentKeys& keys = head.args.keys;
  const int64_t k = keys.selected.extent[1], room = rounded_up(k, kLanes);
  head.begin(floats, room + s.width);
  float* da = head.rest;
  float* d_query = da + room;
  int32_t* index = integers.numbers<int32_t>(std::size_t(room));
  for (int64_t t = 0; t < head.document.tokens; ++t) {
    const int64_t token = head.document.first + t, count = keys.found.data[token];
    __builtin_memcpy(index, keys.selected.data + token * k, std::size_t(count) * sizeof(int32_t));
    for (int64_t j = count; j < rounded_up(count, kLanes); ++j) index[j] = 0;
    const ChosenRows rows{head.keys, s.width, index, count};
    const float* query = head.queries + t * s.width;
    dot_rows(query, rows, da);
    head.put_weight(t, through_relu(head.d_score(t), head.weight(t), count, da));
    sum_rows(da, rows, d_query);
    add_to_rows(da, query, rows, head.d_keys);
    head.put_query(t, d_query);
  }
  head.put_keys();
}

void give_back_all(HeadGradient head) {
  static thread_local Scratch scratch;
  const ScoreShape& s = head.shape;
  const int64_t tokens = head.document.tokens, width = rounded_up(tokens, kAllPanels);
  head.begin(scratch, width * s.dim + kBlockRows * (width + s.width));
  float* panels = head.rest;
  float* da = panels + width * s.dim;
  float* d_query = da + kBlockRows * width;
  make_panels(head.keys, tokens, s.width, s.dim, panels);
  for (int64_t begin = 0; begin < tokens; begin += kBlockRows) {
    const int64_t rows = at_most(kBlockRows, tokens - begin), end = begin + rows;
    const float* queries = head.queries + begin * s.width;
    multiply_panels(queries, s.width, panels, s.dim, rows, begin + 1, da, width);
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t t = begin + r;
      float* row = da + r * width;
      head.put_weight(t, through_relu(head.d_score(t), head.weight(t), t + 1, row));
      clear(row + t + 1, end - t - 1);
    }
    multiply({da, width, 1, head.keys, s.width, end, d_query, s.width}, rows, s.width);
    for (int64_t r = 0; r < rows; ++r) head.put_query(begin + r, d_query + r * s.width);
    multiply(
        {da, 1, width, queries, s.width, rows, head.d_keys, s.width, SmallProduct::Begin::Held},
        end, s.width);
  }
  head.put_keys();
}

}  // namespace

template <>
void simd::document_scores<KERNEL_LEVEL>(const DocumentScores<float>& args, Threads& threads) {
  static thread_local Scratch scratch;
  const ScoreShape s(args.query);
  const int64_t documents = args.keys.first.extent[0] - 1;
  float* panels = scratch.numbers<float>(std::size_t((s.tokens + documents * kPanel) * s.dim));
  const auto panels_of = [&, panels](int64_t d) {
    return panels + (args.keys.first.data[d] + d * kPanel) * s.dim;
  };
  int64_t longest = 0;
  for (int64_t d = 0; d < documents; ++d)
    longest = at_least(longest, Document(args.keys, d).tokens);
  threads.run(documents, [&](int64_t d) {
    const Document document(args.keys, d);
    make_panels(args.key.data + document.first * s.dim, document.tokens, s.dim, s.dim,
                panels_of(d));
  });
  const int64_t blocks = (longest + kBlockRows - 1) / kBlockRows;
  threads.run(documents * blocks, [&](int64_t task) {
    const Document document(args.keys, task / blocks);
    const int64_t begin = task % blocks * kBlockRows;
    if (begin < document.tokens) score_block(args, document, panels_of(task / blocks), begin);
  });
}

template <>
void simd::document_scores_gradient<KERNEL_LEVEL>(const DocumentScoresGradient<float>& args,
                                                  Threads& threads) {
  const ScoreShape s(args.query);
  threads.run((args.keys.first.extent[0] - 1) * s.heads, [&](int64_t task) {
    const HeadGradient head(args, task / s.heads, task % s.heads);
    if (args.keys.selected.extent[1] > 0) {
      give_back_chosen(head);
    } else {
      give_back_all(head);
    }
  });
  for_rows(threads, s.tokens, s.heads * s.dim, [&](int64_t token) {
    float* to = args.d_key.data + token * s.dim;
    clear(to, s.dim);
    for (int64_t h = 0; h < s.heads; ++h)
      add_scaled(args.key_parts.data + (h * s.tokens + token) * s.dim, s.dim, 1, to);
  });
}
