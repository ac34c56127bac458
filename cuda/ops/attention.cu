// Attention of each head and its gradient; csrc/ops/attention.cpp says what each op computes, and by which formulas.
//
// A block has 32 rows of a result of one head (of y and dq queries, of dk and dv keys), up to 128 columns of it, and
// goes through what they are summed over, 32 at a time. Of each 32 by 32 weights a warp makes those of 4 rows, a lane
// a column, from products of pieces of 32 in shared memory; forward with the maximum and the sum so far (Dao et al.,
// "FlashAttention", NeurIPS 2022). Sums are in the order of the loop: the same bits in each run, and no memory but D.
#include "device/reduce.h"
#include "device/scalar.h"
#include "ops/rows.h"

namespace dlnative::cuda {
namespace {

constexpr int attention_threads = 256, side = 32, rows_of_warp = 4;

// Scores that are not seen: as low as they may be so that a difference of two is still finite.
template <class T>
constexpr T unseen = sizeof(T) == 4 ? static_cast<T>(-2.3e38) : static_cast<T>(-1.2e308);

template <class T>
struct AttentionShape {
  std::int32_t R, N, H, S, V;  // R: queries
  bool causal;
  T scale;
  const std::uint8_t* mask;  // or null
  std::int64_t mask_b, mask_n, mask_t;

  AttentionShape(const Call& call, int q, int mask_input, const Queue& queue)
      : R(extent(call.inputs[q], 1, queue)),
        N(extent(call.inputs[q], 2, queue)),
        H(extent(call.inputs[q], 3, queue)),
        S(extent(call.inputs[q + 1], 1, queue)),
        V(extent(call.inputs[q + 2], 3, queue)),
        causal(call.ints[0] != 0),
        scale(static_cast<T>(call.floats[0])),
        mask(nullptr),
        mask_b(0),
        mask_n(0),
        mask_t(0) {
    if (call.ints[1] == 0) return;
    const View& view = call.inputs[mask_input];
    mask = view.as<const std::uint8_t>();
    std::int64_t stride = S;
    mask_t = view.shape[2] > 1 ? stride : 0;
    stride *= view.shape[2];
    mask_n = view.shape[1] > 1 ? stride : 0;
    stride *= view.shape[1];
    mask_b = view.shape[0] > 1 ? stride : 0;
  }
  __device__ __forceinline__ bool is_seen(int b, int n, int query, int key) const {
    return mask == nullptr || mask[b * mask_b + n * mask_n + query * mask_t + key] != 0;
  }

 private:
  static std::int32_t extent(const View& view, int axis, const Queue& queue) {
    if (view.size >= std::int64_t{1} << 31) throw Error(std::string("cuda: ") + queue.op + ": more than 2^31 elements");
    return static_cast<std::int32_t>(view.shape[axis]);
  }
};

template <class T, int packs>
struct AttentionShared {
  T a[side][side + 1], b[side][side + 1], weights[side][side + 1];
  T rows[side][side * packs];
};

// Some rows of one head: row i begins i * ld elements behind the first, and has K elements.
template <class T>
struct HeadRows {
  const T* first;
  std::int32_t ld, count, K;

  __device__ __forceinline__ HeadRows(const T* of_all, int b, int n, std::int32_t rows, std::int32_t heads,
                                      std::int32_t length)
      : first(of_all + (std::int64_t{b} * rows * heads + n) * length), ld(heads * length), count(rows), K(length) {}
  __device__ __forceinline__ T at(int row, int k) const {
    return row < count && k < K ? first[std::int64_t{row} * ld + k] : T{0};
  }
};

// The block's part of a result, and what it is summed from.
template <class T, int packs>
struct AttentionTile {
  AttentionShared<T, packs>& s;
  int lane, warp, row0, column0;
  T sums[rows_of_warp][packs];

  __device__ __forceinline__ explicit AttentionTile(AttentionShared<T, packs>& memory)
      : s(memory),
        lane(static_cast<int>(threadIdx.x) % side),
        warp(static_cast<int>(threadIdx.x) / side),
        row0(static_cast<int>(blockIdx.x) * side),
        column0(static_cast<int>(blockIdx.y) * side * packs) {
    DLN_UNROLL
    for (int i = 0; i < rows_of_warp; ++i) {
      DLN_UNROLL
      for (int c = 0; c < packs; ++c) sums[i][c] = 0;
    }
  }
  __device__ __forceinline__ int row(int i) const { return row0 + warp * rows_of_warp + i; }

  // products[i] = the product of row(i) of `own` and row other0 + lane of `other`.
  __device__ __forceinline__ void multiply(const HeadRows<T>& own, const HeadRows<T>& other, int other0,
                                           T (&products)[rows_of_warp]) {
    DLN_UNROLL
    for (int i = 0; i < rows_of_warp; ++i) products[i] = 0;
    for (int k0 = 0; k0 < own.K; k0 += side) {
      __syncthreads();
      DLN_UNROLL
      for (int r = warp; r < side; r += attention_threads / side) {
        s.a[r][lane] = own.at(row0 + r, k0 + lane);
        s.b[r][lane] = other.at(other0 + r, k0 + lane);
      }
      __syncthreads();
      DLN_UNROLL_BY(8)
      for (int k = 0; k < side; ++k) {
        const T b = s.b[lane][k];
        DLN_UNROLL
        for (int i = 0; i < rows_of_warp; ++i) products[i] = fma(s.a[warp * rows_of_warp + i][k], b, products[i]);
      }
    }
  }
  // sums += weights (each lane's, of its column) times rows of `other` from other0 on.
  __device__ __forceinline__ void add(const T (&weights)[rows_of_warp], const HeadRows<T>& other, int other0) {
    __syncthreads();
    DLN_UNROLL
    for (int i = 0; i < rows_of_warp; ++i) s.weights[warp * rows_of_warp + i][lane] = weights[i];
    for (int r = warp; r < side; r += attention_threads / side) {
      DLN_UNROLL
      for (int c = 0; c < packs; ++c) s.rows[r][c * side + lane] = other.at(other0 + r, column0 + c * side + lane);
    }
    __syncthreads();
    for (int j = 0; j < side; ++j) {
      DLN_UNROLL
      for (int i = 0; i < rows_of_warp; ++i) {
        const T weight = s.weights[warp * rows_of_warp + i][j];
        DLN_UNROLL
        for (int c = 0; c < packs; ++c) sums[i][c] = fma(weight, s.rows[j][c * side + lane], sums[i][c]);
      }
    }
  }
  // Writes row(i), each element times `factor`.
  __device__ __forceinline__ void write(T* to, int b, int n, std::int32_t rows, std::int32_t heads, std::int32_t length,
                                        int i, T factor) const {
    if (row(i) >= rows) return;
    T* const at = to + ((std::int64_t{b} * rows + row(i)) * heads + n) * length;
    DLN_UNROLL
    for (int c = 0; c < packs; ++c) {
      const int column = column0 + c * side + lane;
      if (column < length) at[column] = sums[i][c] * factor;
    }
  }
};

struct Higher {
  template <class T>
  DLNATIVE_INLINE T operator()(T a, T b) const {
    return maximum(a, b);
  }
};

template <class T, int packs>
__global__ void __launch_bounds__(attention_threads)
    attention_kernel(const T* q, const T* k, const T* v, T* y, T* logarithms, AttentionShape<T> p) {
  wait_for_previous_kernel();
  AttentionTile<T, packs> tile(shared<AttentionShared<T, packs>>());
  const int b = static_cast<int>(blockIdx.z) / p.N, n = static_cast<int>(blockIdx.z) % p.N;
  const HeadRows<T> queries(q, b, n, p.R, p.N, p.H), keys(k, b, n, p.S, p.N, p.H), values(v, b, n, p.S, p.N, p.V);
  T largest[rows_of_warp], total[rows_of_warp];
  DLN_UNROLL
  for (int i = 0; i < rows_of_warp; ++i) {
    largest[i] = unseen<T>;
    total[i] = 0;
  }
  const int end = p.causal && tile.row0 + side < p.S ? tile.row0 + side : p.S;
  for (int first = 0; first < end; first += side) {
    T scores[rows_of_warp];
    tile.multiply(queries, keys, first, scores);
    const int key = first + tile.lane;
    DLN_UNROLL
    for (int i = 0; i < rows_of_warp; ++i) {
      const int query = tile.row(i);
      const bool counts = query < p.R && key < p.S && (!p.causal || key <= query);
      const T score = counts && p.is_seen(b, n, query, key) ? scores[i] * p.scale : unseen<T>;
      const T before = largest[i];
      largest[i] = maximum(before, fold_warp(score, Higher{}));
      const T kept = exp(before - largest[i]);
      scores[i] = counts ? exp(score - largest[i]) : T{0};
      total[i] = total[i] * kept + fold_warp(scores[i], Plus{});
      DLN_UNROLL
      for (int c = 0; c < packs; ++c) tile.sums[i][c] *= kept;
    }
    tile.add(scores, values, first);
  }
  DLN_UNROLL
  for (int i = 0; i < rows_of_warp; ++i) {
    tile.write(y, b, n, p.R, p.N, p.V, i, T{1} / total[i]);
    if (tile.lane == 0 && blockIdx.y == 0 && tile.row(i) < p.R) {
      logarithms[std::int64_t{blockIdx.z} * p.R + tile.row(i)] =
          largest[i] + static_cast<T>(log(static_cast<double>(total[i])));
    }
  }
}

// D of each query: a warp for each.
template <class T>
__global__ void __launch_bounds__(attention_threads)
    attention_products_kernel(const T* dy, const T* y, T* D, std::int64_t rows, AttentionShape<T> p) {
  wait_for_previous_kernel();
  const std::int64_t index = std::int64_t{blockIdx.x} * (attention_threads / 32) + threadIdx.x / 32;
  T total = 0;
  std::int64_t to = 0;
  if (index < rows) {
    const auto n = static_cast<std::int64_t>(index % p.N), query = index / p.N % p.R, b = index / p.N / p.R;
    to = (b * p.N + n) * p.R + query;
    for (int c = static_cast<int>(threadIdx.x) % 32; c < p.V; c += 32) {
      total = fma(dy[index * p.V + c], y[index * p.V + c], total);
    }
  }
  total = fold_warp(total, Plus{});
  if (index < rows && threadIdx.x % 32 == 0) D[to] = total;
}

enum class Wanted { dq, dk, dv };

template <class T, int packs, Wanted wanted>
__global__ void __launch_bounds__(attention_threads)
    attention_gradient_kernel(const T* dy, const T* q, const T* k, const T* v, const T* logarithms, const T* D,
                              T* result, AttentionShape<T> p) {
  wait_for_previous_kernel();
  constexpr bool of_queries = wanted == Wanted::dq;
  AttentionTile<T, packs> tile(shared<AttentionShared<T, packs>>());
  const int b = static_cast<int>(blockIdx.z) / p.N, n = static_cast<int>(blockIdx.z) % p.N;
  const HeadRows<T> queries(q, b, n, p.R, p.N, p.H), keys(k, b, n, p.S, p.N, p.H), values(v, b, n, p.S, p.N, p.V),
      arriving(dy, b, n, p.R, p.N, p.V);
  const std::int64_t head = std::int64_t{blockIdx.z} * p.R;
  // Keys are seen by the queries from their own number on, and by none before.
  const int end = !of_queries ? p.R : p.causal && tile.row0 + side < p.S ? tile.row0 + side : p.S;
  for (int first = !of_queries && p.causal ? tile.row0 : 0; first < end; first += side) {
    T weights[rows_of_warp], products[rows_of_warp];
    tile.multiply(of_queries ? queries : keys, of_queries ? keys : queries, first, weights);
    if constexpr (wanted != Wanted::dv) {
      tile.multiply(of_queries ? arriving : values, of_queries ? values : arriving, first, products);
    }
    DLN_UNROLL
    for (int i = 0; i < rows_of_warp; ++i) {
      const int query = of_queries ? tile.row(i) : first + tile.lane,
                key = of_queries ? first + tile.lane : tile.row(i);
      const bool counts = query < p.R && key < p.S && (!p.causal || key <= query) && p.is_seen(b, n, query, key);
      weights[i] = counts ? exp(weights[i] * p.scale - logarithms[head + query]) : T{0};
      if constexpr (wanted != Wanted::dv) {
        weights[i] = counts ? weights[i] * (products[i] - D[head + query]) * p.scale : T{0};
      }
    }
    tile.add(weights, of_queries ? keys : wanted == Wanted::dk ? queries : arriving, first);
  }
  DLN_UNROLL
  for (int i = 0; i < rows_of_warp; ++i) {
    tile.write(result, b, n, of_queries ? p.R : p.S, p.N, wanted == Wanted::dv ? p.V : p.H, i, T{1});
  }
}

// Calls body.operator()<packs>(grid) for a result of `rows` rows and `length` columns of each of so many heads.
template <class T, class Body>
void with_tile(std::int64_t rows, std::int64_t length, std::int64_t heads, const Queue& queue, const Body& body) {
  constexpr std::int64_t most = 65535;
  if (heads > most || length > most * side) {
    throw Error(std::string("cuda: ") + queue.op + ": more than 65535 heads of samples");
  }
  const auto enqueue = [&]<int packs>() {
    body.template operator()<packs>(Grid{blocks_for(rows, side), attention_threads, sizeof(AttentionShared<T, packs>),
                                         blocks_for(length, side * packs), static_cast<unsigned>(heads)});
  };
  length <= side ? enqueue.template operator()<1>() : enqueue.template operator()<4>();
}

template <class T>
void attention(const Call& call, Queue& queue) {
  const View &q = call.inputs[0], &y = call.outputs[0], &logarithms = call.outputs[1];
  const AttentionShape<T> p(call, 0, 3, queue);
  const std::int64_t heads = q.shape[0] * p.N;
  if (heads * p.R == 0) return;
  with_tile<T>(p.R, p.V, heads, queue, [&]<int packs>(const Grid& grid) {
    launch(queue, attention_kernel<T, packs>, grid, q.as<const T>(), call.inputs[1].as<const T>(),
           call.inputs[2].as<const T>(), y.as<T>(), logarithms.as<T>(), p);
  });
}

template <class T>
void attention_gradient(const Call& call, Queue& queue) {
  const T *dy = call.inputs[0].as<const T>(), *q = call.inputs[1].as<const T>(), *k = call.inputs[2].as<const T>(),
          *v = call.inputs[3].as<const T>(), *y = call.inputs[4].as<const T>(),
          *logarithms = call.inputs[5].as<const T>();
  const AttentionShape<T> p(call, 1, 6, queue);
  const std::int64_t heads = call.inputs[1].shape[0] * p.N, rows = heads * p.R;
  auto* const D = static_cast<T*>(call.scratch);
  launch(queue, attention_products_kernel<T>, Grid{blocks_for(rows, attention_threads / 32), attention_threads}, dy, y,
         D, rows, p);
  const auto enqueue = [&]<Wanted wanted>(const View& result, std::int64_t of_rows, std::int64_t length) {
    if (result.size == 0) return;
    with_tile<T>(of_rows, length, heads, queue, [&]<int packs>(const Grid& grid) {
      launch(queue, attention_gradient_kernel<T, packs, wanted>, grid, dy, q, k, v, logarithms, D, result.as<T>(), p);
    });
  };
  enqueue.template operator()<Wanted::dq>(call.outputs[0], p.R, p.H);
  enqueue.template operator()<Wanted::dk>(call.outputs[1], p.S, p.H);
  enqueue.template operator()<Wanted::dv>(call.outputs[2], p.S, p.V);
}
std::int64_t attention_gradient_bytes(const Call& call) {
  const View& logarithms = call.inputs[5];
  return logarithms.size * item_size(logarithms.dtype);
}

// Floats of one type, and a mask behind them.
template <int floats>
bool takes(const Call& call) {
  const DType type = call.inputs[0].dtype;
  for (int i = 0; i < call.input_count; ++i) {
    if (call.inputs[i].dtype != (i < floats ? type : DType::boolean)) return false;
  }
  for (int i = 0; i < call.output_count; ++i) {
    if (call.outputs[i].dtype != type) return false;
  }
  return (Floats::set & set_of(type)) != 0;
}

}  // namespace

extern const Row attention_rows[] = {
    {"attention", by_float<attention<float>, attention<double>>, same<Floats>, nullptr, takes<3>},
    {"attention_gradient", by_float<attention_gradient<float>, attention_gradient<double>>, same<Floats>,
     attention_gradient_bytes, takes<6>},
};
extern const int attention_row_count = sizeof(attention_rows) / sizeof(attention_rows[0]);

}  // namespace dlnative::cuda
