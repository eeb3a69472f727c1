// Attention over whole documents, for training. Over all keys: blocks of queries up to the
// diagonal, by tiles that stay in registers. Over chosen keys: one query after the other, reading
// the rows of its keys. Each sum has one order, whatever the number of threads; a document's
// results depend on that document alone.
#include "kernels/documents.h"

#include "kernels/simd/document_lists.h"
#include "kernels/simd/document_softmax.h"

namespace {

// Widths of one head's vectors, and of them in whole registers.
struct HeadShape {
  int64_t tokens, heads, nope, rope, value;
  int64_t key_width, value_width;

  explicit HeadShape(const DocumentAttention<float>& a)
      : tokens(a.query.extent[0]),
        heads(a.query.extent[1]),
        nope(a.query.extent[2] - a.rope_key.extent[1]),
        rope(a.rope_key.extent[1]),
        value(a.output.extent[2]),
        key_width(rounded_up(nope + rope, kLanes)),
        value_width(rounded_up(value, kLanes)) {}
};

// One head of one document.
struct HeadOfDocument {
  const DocumentAttention<float>& args;
  HeadShape shape;
  int64_t first, tokens, head;

  HeadOfDocument(const DocumentAttention<float>& a, int64_t document, int64_t h)
      : args(a),
        shape(a),
        first(a.keys.first.data[document]),
        tokens(a.keys.first.data[document + 1] - first),
        head(h) {}

  // Rows of whole registers, zeros behind each vector. Queries are scaled.
  void copy_keys(float* to) const {
    const int64_t from = (first * shape.heads + head) * (shape.nope + shape.value);
    if (shape.key_width > shape.nope + shape.rope) clear(to, tokens * shape.key_width);
    copy_rows({args.key_value.data + from, shape.heads * (shape.nope + shape.value), shape.nope},
              tokens, to, shape.key_width);
    copy_rows({args.rope_key.data + first * shape.rope, shape.rope, shape.rope}, tokens,
              to + shape.nope, shape.key_width);
  }
  void copy_values(float* to) const {
    const int64_t from = (first * shape.heads + head) * (shape.nope + shape.value) + shape.nope;
    if (shape.value_width > shape.value) clear(to, tokens * shape.value_width);
    copy_rows({args.key_value.data + from, shape.heads * (shape.nope + shape.value), shape.value},
              tokens, to, shape.value_width);
  }
  void copy_queries(int64_t begin, int64_t count, float* to) const {
    const int64_t width = shape.nope + shape.rope;
    if (shape.key_width > width) clear(to, count * shape.key_width);
    copy_rows({args.query.data + ((first + begin) * shape.heads + head) * width,
               shape.heads * width, width},
              count, to, shape.key_width);
    scale(to, count * shape.key_width, args.scale);
  }
  void copy_output_gradients(const float* d_output, float* to) const {
    if (shape.value_width > shape.value) clear(to, tokens * shape.value_width);
    copy_rows({d_output + (first * shape.heads + head) * shape.value, shape.heads * shape.value,
               shape.value},
              tokens, to, shape.value_width);
  }
  float* softmax(int64_t token) const {
    return args.softmax.data + (head * shape.tokens + first + token) * 2;
  }
  float* probability(int64_t token) const {
    return args.probability.data +
           (head * shape.tokens + first + token) * args.probability.extent[2];
  }
  float* output(int64_t token) const {
    return args.output.data + ((first + token) * shape.heads + head) * shape.value;
  }
};

// The keys chosen for a token, with some repeated to fill a register.
struct Chosen {
  int32_t* index;
  int64_t count;

  Chosen(const DocumentKeys& keys, int64_t token, int32_t* room)
      : index(room), count(keys.found.data[token]) {
    const int32_t* from = keys.selected.data + token * keys.selected.extent[1];
    __builtin_memcpy(index, from, std::size_t(count) * sizeof(int32_t));
    for (int64_t j = count; j < rounded_up(count, kLanes); ++j) index[j] = count > 0 ? from[0] : 0;
  }
};

int64_t room_for_chosen(const DocumentKeys& keys) {
  return rounded_up(keys.selected.extent[1], kLanes);
}

// Chosen keys

void attend_chosen(const HeadOfDocument& at) {
  static thread_local Scratch floats, integers;
  const HeadShape& s = at.shape;
  float* keys = floats.numbers<float>(
      std::size_t(at.tokens * (s.key_width + s.value_width) + s.key_width + s.value_width));
  float* values = keys + at.tokens * s.key_width;
  float* query = values + at.tokens * s.value_width;
  float* output = query + s.key_width;
  int32_t* room = integers.numbers<int32_t>(std::size_t(room_for_chosen(at.args.keys)));
  at.copy_keys(keys);
  at.copy_values(values);
  for (int64_t t = 0; t < at.tokens; ++t) {
    const Chosen chosen(at.args.keys, at.first + t, room);
    float* p = at.probability(t);
    at.copy_queries(t, 1, query);
    dot_rows(query, {keys, s.key_width, chosen.index, chosen.count}, p);
    Softmax softmax = softmax_of(p, chosen.count);
    exponentiate(p, chosen.count, softmax);
    scale(p, chosen.count, softmax.reciprocal);
    sum_rows(p, {values, s.value_width, chosen.index, chosen.count}, output);
    __builtin_memcpy(at.output(t), output, std::size_t(s.value) * sizeof(float));
  }
}

void mean_of_chosen(const DocumentAttention<float>& args, int64_t token) {
  const HeadShape s(args);
  float* mean = args.mean.data + args.keys.row.data[token];
  const int64_t count = args.keys.found.data[token], width = args.probability.extent[2];
  clear(mean, count);
  for (int64_t h = 0; h < s.heads; ++h)
    add_scaled(args.probability.data + (h * s.tokens + token) * width, count, 1 / float(s.heads),
               mean);
}

// What the backward pass of one head of one document works on.
struct Gradients {
  float *keys, *values, *queries, *d_output;  // [tokens, key_width or value_width]
  float *d_keys, *d_values;
  float* rest;

  Gradients(const HeadOfDocument& at, const DocumentAttentionGradient<float>& args, int64_t numbers,
            Scratch& scratch) {
    const int64_t key = at.tokens * at.shape.key_width, value = at.tokens * at.shape.value_width;
    keys = scratch.numbers<float>(std::size_t(3 * key + 3 * value + numbers));
    queries = keys + key;
    d_keys = queries + key;
    values = d_keys + key;
    d_output = values + value;
    d_values = d_output + value;
    rest = d_values + value;
    at.copy_keys(keys);
    at.copy_values(values);
    at.copy_queries(0, at.tokens, queries);
    at.copy_output_gradients(args.d_output.data, d_output);
    clear(d_keys, key);
    clear(d_values, value);
  }
};

// Queries were scaled, so their own gradient is to be scaled, and the keys' is not.
void put_query_gradient(const HeadOfDocument& at, const DocumentAttentionGradient<float>& args,
                        int64_t token, float* d_query) {
  const int64_t width = at.shape.nope + at.shape.rope;
  scale(d_query, at.shape.key_width, at.args.scale);
  __builtin_memcpy(args.d_query.data + ((at.first + token) * at.shape.heads + at.head) * width,
                   d_query, std::size_t(width) * sizeof(float));
}

void put_key_gradients(const HeadOfDocument& at, const DocumentAttentionGradient<float>& args,
                       const Gradients& g) {
  const HeadShape& s = at.shape;
  const int64_t stride = s.heads * (s.nope + s.value);
  float* to = args.d_key_value.data + (at.first * s.heads + at.head) * (s.nope + s.value);
  float* rope = args.rope_key_parts.data + (at.head * s.tokens + at.first) * s.rope;
  copy_rows({g.d_keys, s.key_width, s.nope}, at.tokens, to, stride);
  copy_rows({g.d_values, s.value_width, s.value}, at.tokens, to + s.nope, stride);
  copy_rows({g.d_keys + s.nope, s.key_width, s.rope}, at.tokens, rope, s.rope);
}

void give_back_chosen(const DocumentAttentionGradient<float>& args, const HeadOfDocument& at) {
  static thread_local Scratch floats, integers;
  const HeadShape& s = at.shape;
  const int64_t width = room_for_chosen(at.args.keys);
  const Gradients g(at, args, width + s.key_width, floats);
  float* ds = g.rest;
  float* d_query = ds + width;
  int32_t* room = integers.numbers<int32_t>(std::size_t(width));
  for (int64_t t = 0; t < at.tokens; ++t) {
    const Chosen chosen(at.args.keys, at.first + t, room);
    const ChosenRows keys{g.keys, s.key_width, chosen.index, chosen.count};
    const ChosenRows values{g.values, s.value_width, chosen.index, chosen.count};
    const float* p = at.probability(t);
    const float* d_output = g.d_output + t * s.value_width;
    dot_rows(d_output, values, ds);
    softmax_gradient(p, chosen.count, ds);
    sum_rows(ds, keys, d_query);
    add_to_rows(ds, g.queries + t * s.key_width, keys, g.d_keys);
    add_to_rows(p, d_output, values, g.d_values);
    put_query_gradient(at, args, t, d_query);
  }
  put_key_gradients(at, args, g);
}

// All keys

// The panels of keys and the rows of values of every head of every document.
struct PackedKeys {
  const DocumentAttention<float>& args;
  HeadShape shape;
  int64_t padded;  // tokens, with room for each document's last panel
  float* panels;   // [heads][padded][nope + rope]
  float* values;   // [heads][tokens][value_width]

  PackedKeys(const DocumentAttention<float>& a, Scratch& scratch)
      : args(a), shape(a), padded(shape.tokens + (a.keys.first.extent[0] - 1) * kPanel) {
    const int64_t dim = shape.nope + shape.rope;
    panels = scratch.numbers<float>(
        std::size_t(shape.heads * (padded * dim + shape.tokens * shape.value_width)));
    values = panels + shape.heads * padded * dim;
  }

  float* panels_of(int64_t document, int64_t first, int64_t head) const {
    return panels + (head * padded + first + document * kPanel) * (shape.nope + shape.rope);
  }
  float* values_of(int64_t first, int64_t head) const {
    return values + (head * shape.tokens + first) * shape.value_width;
  }

  void pack(int64_t document, int64_t head) const {
    static thread_local Scratch scratch;
    const HeadOfDocument at(args, document, head);
    float* rows = scratch.numbers<float>(std::size_t(at.tokens * shape.key_width));
    at.copy_keys(rows);
    make_panels(rows, at.tokens, shape.key_width, shape.nope + shape.rope,
                panels_of(document, at.first, head));
    at.copy_values(values_of(at.first, head));
  }
};

// So many queries of a document, from `begin` on.
struct QueryBlock {
  int64_t document, begin, rows;
};

// Probabilities of one head, one after the other: the rows keep the unseen ones of their last
// panels at 0.
void attend_all(const PackedKeys& packed, const QueryBlock& block) {
  static thread_local Scratch scratch;
  const DocumentAttention<float>& args = packed.args;
  const HeadShape& s = packed.shape;
  const int64_t width = rounded_up(block.begin + block.rows, kAllPanels);
  float* p =
      scratch.numbers<float>(std::size_t(kBlockRows * (width + s.key_width + s.value_width)));
  float* queries = p + kBlockRows * width;
  float* outputs = queries + kBlockRows * s.key_width;
  const bool mean = args.mean.extent[0] > 0;
  for (int64_t h = 0; h < s.heads; ++h) {
    const HeadOfDocument at(args, block.document, h);
    at.copy_queries(block.begin, block.rows, queries);
    multiply_panels(queries, s.key_width, packed.panels_of(block.document, at.first, h),
                    s.nope + s.rope, block.rows, block.begin + 1, p, width);
    for (int64_t r = 0; r < block.rows; ++r) {
      const int64_t token = block.begin + r, seen = token + 1;
      float* row = p + r * width;
      Softmax softmax = softmax_of(row, seen);
      exponentiate(row, seen, softmax);
      scale(row, seen, softmax.reciprocal);
      clear(row + seen, width - seen);
      at.softmax(token)[0] = softmax.largest;
      at.softmax(token)[1] = softmax.reciprocal;
      if (!mean) continue;
      float* to = args.mean.data + args.keys.row.data[at.first + token];
      if (h == 0) clear(to, seen);
      add_scaled(row, seen, 1 / float(s.heads), to);
    }
    const float* values = packed.values_of(at.first, h);
    for (int64_t r = 0; r < block.rows; r += kTileRows) {
      const int64_t rows = at_most(kTileRows, block.rows - r);
      multiply_strip({p + r * width, width, 1, values, s.value_width, block.begin + r + rows,
                      outputs + r * s.value_width, s.value_width},
                     rows, s.value_width);
    }
    for (int64_t r = 0; r < block.rows; ++r)
      __builtin_memcpy(at.output(block.begin + r), outputs + r * s.value_width,
                       std::size_t(s.value) * sizeof(float));
  }
}

void give_back_all(const DocumentAttentionGradient<float>& args, const HeadOfDocument& at) {
  static thread_local Scratch scratch;
  const HeadShape& s = at.shape;
  const int64_t width = rounded_up(at.tokens, kAllPanels), dim = s.nope + s.rope;
  const Gradients g(at, args,
                    2 * kBlockRows * width + width * (dim + s.value) + kBlockRows * s.key_width,
                    scratch);
  float* p = g.rest;
  float* ds = p + kBlockRows * width;
  float* key_panels = ds + kBlockRows * width;
  float* value_panels = key_panels + width * dim;
  float* d_queries = value_panels + width * s.value;
  make_panels(g.keys, at.tokens, s.key_width, dim, key_panels);
  make_panels(g.values, at.tokens, s.value_width, s.value, value_panels);
  for (int64_t begin = 0; begin < at.tokens; begin += kBlockRows) {
    const int64_t rows = at_most(kBlockRows, at.tokens - begin), end = begin + rows;
    const float* queries = g.queries + begin * s.key_width;
    const float* d_output = g.d_output + begin * s.value_width;
    multiply_panels(queries, s.key_width, key_panels, dim, rows, begin + 1, p, width);
    multiply_panels(d_output, s.value_width, value_panels, s.value, rows, begin + 1, ds, width);
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t seen = begin + r + 1;
      const float* softmax = at.softmax(begin + r);
      probabilities_again(p + r * width, seen, {softmax[0], softmax[1]});
      softmax_gradient(p + r * width, seen, ds + r * width);
      clear(p + r * width + seen, end - seen);
      clear(ds + r * width + seen, end - seen);
    }
    multiply({ds, width, 1, g.keys, s.key_width, end, d_queries, s.key_width}, rows, s.key_width);
    for (int64_t r = 0; r < rows; ++r)
      put_query_gradient(at, args, begin + r, d_queries + r * s.key_width);
    using enum SmallProduct::Begin;
    multiply({ds, 1, width, queries, s.key_width, rows, g.d_keys, s.key_width, Held}, end,
             s.key_width);
    multiply({p, 1, width, d_output, s.value_width, rows, g.d_values, s.value_width, Held}, end,
             s.value_width);
  }
  put_key_gradients(at, args, g);
}

// Calls body(document, head) for all of them; the threads share them.
template <class Body>
void for_heads(const DocumentKeys& keys, int64_t heads, Threads& threads, const Body& body) {
  threads.run((keys.first.extent[0] - 1) * heads,
              [&](int64_t task) { body(task / heads, task % heads); });
}

// Calls body(block) for all blocks of queries of all documents.
template <class Body>
void for_blocks(const DocumentKeys& keys, Threads& threads, const Body& body) {
  const int64_t documents = keys.first.extent[0] - 1;
  int64_t longest = 0;
  for (int64_t d = 0; d < documents; ++d)
    longest = at_least(longest, keys.first.data[d + 1] - keys.first.data[d]);
  const int64_t blocks = (longest + kBlockRows - 1) / kBlockRows;
  threads.run(documents * blocks, [&](int64_t task) {
    const int64_t document = task / blocks, begin = task % blocks * kBlockRows;
    const int64_t tokens = keys.first.data[document + 1] - keys.first.data[document];
    if (begin < tokens) body(QueryBlock{document, begin, at_most(kBlockRows, tokens - begin)});
  });
}

}  // namespace

template <>
void simd::document_attention<KERNEL_LEVEL>(const DocumentAttention<float>& args,
                                            Threads& threads) {
  const int64_t heads = args.query.extent[1];
  if (args.keys.selected.extent[1] > 0) {
    for_heads(args.keys, heads, threads, [&](int64_t document, int64_t head) {
      attend_chosen(HeadOfDocument(args, document, head));
    });
    if (args.mean.extent[0] > 0)
      for_rows(threads, args.query.extent[0], heads * args.probability.extent[2],
               [&](int64_t token) { mean_of_chosen(args, token); });
    return;
  }
  static thread_local Scratch scratch;
  const PackedKeys packed(args, scratch);
  for_heads(args.keys, heads, threads,
            [&](int64_t document, int64_t head) { packed.pack(document, head); });
  for_blocks(args.keys, threads, [&](const QueryBlock& block) { attend_all(packed, block); });
}

template <>
void simd::document_attention_gradient<KERNEL_LEVEL>(const DocumentAttentionGradient<float>& args,
                                                     Threads& threads) {
  const DocumentAttention<float>& forward = args.forward;
  const HeadShape shape(forward);
  for_heads(forward.keys, shape.heads, threads, [&](int64_t document, int64_t head) {
    const HeadOfDocument at(forward, document, head);
    if (forward.keys.selected.extent[1] > 0) {
      give_back_chosen(args, at);
    } else {
      give_back_all(args, at);
    }
  });
  for_rows(threads, shape.tokens, shape.heads * shape.rope, [&](int64_t token) {
    float* to = args.d_rope_key.data + token * shape.rope;
    clear(to, shape.rope);
    for (int64_t h = 0; h < shape.heads; ++h)
      add_scaled(args.rope_key_parts.data + (h * shape.tokens + token) * shape.rope, shape.rope, 1,
                 to);
  });
}
