// Normalisation of rows and of columns; csrc/ops/normalization.cpp says what each op computes.
//
// Rows: a group of threads keeps its row in registers. Columns: 32 of them by a block, over a chunk of rows; what it
// sums is put together in double and in order by a thread for each column, which also makes the numbers by which a pass
// over all elements writes. A gradient reads all that it sums before it writes, for it may lie on what it reads.
#include "device/divisor.h"
#include "ops/row_group.h"

namespace dlnative::cuda {
namespace {

template <class T>
struct RowMoments {
  T mean, rstd;

  template <class Group>
  __device__ __forceinline__ RowMoments(const Group& group, const typename Group::Kept& kept, bool centered,
                                        double epsilon) {
    const T each = T{1} / static_cast<T>(group.C > 0 ? group.C : 1);
    T total = 0, squares = 0;
    if (centered) group.each(kept, [&](int, int, int, T x) { total += x; });
    mean = group.reduce(total, Plus{}) * each;
    group.each(kept, [&](int, int, int, T x) { squares = fma(x - mean, x - mean, squares); });
    const T variance = group.reduce(squares, Plus{}) * each;
    rstd = static_cast<T>(1.0 / sqrt(static_cast<double>(variance) + epsilon));
  }
};

template <class T, class Group>
__global__ void __launch_bounds__(row_threads, row_blocks)
    layer_normalization_kernel(const T* x, const T* gamma, const T* beta, T* y, std::int64_t rows, int C, bool centered,
                               double epsilon) {
  wait_for_previous_kernel();
  const Group group(rows, C);
  const auto kept = group.load(x);
  const RowMoments<T> row(group, kept, centered, epsilon);
  group.write(y, kept, [&](int, int, int i, T value) { return fma((value - row.mean) * row.rstd, gamma[i], beta[i]); });
}

// mean and rstd of each row.
template <class T, class Group>
__global__ void __launch_bounds__(row_threads, row_blocks)
    row_moments_kernel(const T* x, T* moments, std::int64_t rows, int C, bool centered, double epsilon) {
  wait_for_previous_kernel();
  const Group group(rows, C);
  const auto kept = group.load(x);
  const RowMoments<T> row(group, kept, centered, epsilon);
  if (!group.first()) return;
  moments[2 * group.row] = row.mean;
  moments[2 * group.row + 1] = row.rstd;
}

template <class T, class Group>
__global__ void __launch_bounds__(row_threads, row_blocks)
    layer_gradient_kernel(const T* dy, const T* x, const T* gamma, const T* moments, T* dx, std::int64_t rows, int C,
                          bool centered) {
  wait_for_previous_kernel();
  const Group group(rows, C);
  const auto kept = group.load(dy), other = group.load(x);
  const T mean = group.inside ? moments[2 * group.row] : T{0}, rstd = group.inside ? moments[2 * group.row + 1] : T{0};
  T products = 0, total = 0;
  group.each(kept, [&](int k, int v, int i, T d) {
    const T g = d * gamma[i];
    products = fma(g, (Group::of(other, k, v, i) - mean) * rstd, products);
    total += g;
  });
  const T each = T{1} / static_cast<T>(C);
  const T slope = group.reduce(products, Plus{}) * each, sum = group.reduce(total, Plus{}) * each;
  const T offset = centered ? sum : T{0};
  group.write(dx, kept, [&](int k, int v, int i, T d) {
    const T unit = (Group::of(other, k, v, i) - mean) * rstd;
    return (d * gamma[i] - offset - unit * slope) * rstd;
  });
}

// Columns.

constexpr int columns = 32, parts = row_threads / columns;

// Chunks of rows; only shapes decide.
struct RowChunks {
  std::int64_t N, C, chunk, chunks;

  explicit RowChunks(const View& x) : N(x.rows()), C(x.extent(-1)) {
    constexpr std::int64_t fewest = 64, most = 128;  // rows of a chunk, chunks
    chunk = (N + most - 1) / most;
    chunk = chunk < fewest ? fewest : chunk;
    chunks = (N + chunk - 1) / chunk;
  }
  std::int64_t sums() const { return 2 * chunks * C; }
};

template <class T>
struct ColumnShared {
  T a[parts][columns], b[parts][columns];
};

// For each chunk and column the sums of what f(row, column, a, b) adds to a and b.
template <class T, class F>
__device__ __forceinline__ void sum_columns(T* partials, std::int64_t N, int C, std::int64_t chunk, F f) {
  auto& s = shared<ColumnShared<T>>();
  const int lane = static_cast<int>(threadIdx.x) % columns, part = static_cast<int>(threadIdx.x) / columns;
  const int c = static_cast<int>(blockIdx.x) * columns + lane;
  const std::int64_t first = blockIdx.y * chunk, last = first + chunk < N ? first + chunk : N;
  T a = 0, b = 0;
  if (c < C) {
    DLN_UNROLL_BY(4)
    for (std::int64_t r = first + part; r < last; r += parts) f(r, c, a, b);
  }
  s.a[part][lane] = a;
  s.b[part][lane] = b;
  __syncthreads();
  if (part != 0 || c >= C) return;
  for (int other = 1; other < parts; ++other) {
    a += s.a[other][lane];
    b += s.b[other][lane];
  }
  T* const to = partials + std::int64_t{blockIdx.y} * 2 * C + c;
  to[0] = a;
  to[C] = b;
}

template <class T>
__global__ void __launch_bounds__(row_threads) layer_sums_kernel(const T* dy, const T* x, const T* moments, T* partials,
                                                                 std::int64_t N, int C, std::int64_t chunk) {
  wait_for_previous_kernel();
  sum_columns(partials, N, C, chunk, [&](std::int64_t r, int c, T& products, T& total) {
    const T d = dy[r * C + c];
    products = fma(d, (x[r * C + c] - moments[2 * r]) * moments[2 * r + 1], products);
    total += d;
  });
}
template <class T>
__global__ void __launch_bounds__(row_threads)
    layer_finish_kernel(const T* partials, T* dgamma, T* dbeta, int C, std::int64_t chunks) {
  wait_for_previous_kernel();
  const int c = static_cast<int>(blockIdx.x) * row_threads + static_cast<int>(threadIdx.x);
  if (c >= C) return;
  double product = 0, total = 0;
  for (std::int64_t k = 0; k < chunks; ++k) {
    product += static_cast<double>(partials[k * 2 * C + c]);
    total += static_cast<double>(partials[k * 2 * C + C + c]);
  }
  dgamma[c] = static_cast<T>(product);
  dbeta[c] = static_cast<T>(total);
}

// Of differences from the chunk's first row.
template <class T>
__global__ void __launch_bounds__(row_threads)
    moments_kernel(const T* x, T* partials, std::int64_t N, int C, std::int64_t chunk) {
  wait_for_previous_kernel();
  const T* const from = x + blockIdx.y * chunk * C;
  sum_columns(partials, N, C, chunk, [&](std::int64_t r, int c, T& total, T& squares) {
    const T d = x[r * C + c] - from[c];
    total += d;
    squares = fma(d, d, squares);
  });
}
// Puts the chunks together as the CPU does, and makes the factor of each column.
template <class T>
__global__ void __launch_bounds__(row_threads)
    moments_finish_kernel(const T* x, const T* partials, const T* gamma, T* mean, T* variance, T* scale, std::int64_t N,
                          int C, std::int64_t chunk, std::int64_t chunks, double epsilon) {
  wait_for_previous_kernel();
  const int c = static_cast<int>(blockIdx.x) * row_threads + static_cast<int>(threadIdx.x);
  if (c >= C) return;
  double middle = 0, squares = 0;
  const double each = 1.0 / static_cast<double>(chunk);
  for (std::int64_t k = 0; k < chunks; ++k) {
    const std::int64_t before = k * chunk, rows = N - before < chunk ? N - before : chunk;
    const double n = static_cast<double>(rows), share = rows == chunk ? each : 1.0 / n;
    const double of_all = n / static_cast<double>(before + rows);
    const auto s = static_cast<double>(partials[k * 2 * C + c]);
    const double apart = static_cast<double>(x[before * C + c]) + s * share - middle;
    squares += static_cast<double>(partials[k * 2 * C + C + c]) - s * s * share;
    squares += apart * apart * of_all * static_cast<double>(before);
    middle += apart * of_all;
  }
  mean[c] = static_cast<T>(middle);
  const T found = static_cast<T>(squares > 0 ? squares / static_cast<double>(N) : squares * 0);
  variance[c] = found;
  scale[c] = static_cast<T>(static_cast<double>(gamma[c]) / sqrt(static_cast<double>(found) + epsilon));
}
template <class T>
__global__ void __launch_bounds__(row_threads)
    scale_kernel(const T* gamma, const T* variance, T* scale, int C, double epsilon) {
  wait_for_previous_kernel();
  const int c = static_cast<int>(blockIdx.x) * row_threads + static_cast<int>(threadIdx.x);
  if (c < C) {
    scale[c] = static_cast<T>(static_cast<double>(gamma[c]) / sqrt(static_cast<double>(variance[c]) + epsilon));
  }
}

// y = act((x - mean) scale + beta + residual), `width` neighbours a thread.
template <class T, int width>
__global__ void __launch_bounds__(row_threads)
    normalize_kernel(const T* x, const T* mean, const T* scale, const T* beta, const T* residual, T* y,
                     std::uint32_t packs, Divisor packs_of_row, bool relu) {
  wait_for_previous_kernel();
  using P = Pack<T, width>;
  const std::uint32_t i = blockIdx.x * row_threads + threadIdx.x;
  if (i >= packs) return;
  std::uint32_t c;
  packs_of_row.divide(i, c);
  const auto of_column = [&](const T* from) { return reinterpret_cast<const P*>(from)[c]; };
  const P value = reinterpret_cast<const P*>(x)[i], m = of_column(mean), s = of_column(scale), b = of_column(beta);
  P r{};
  if (residual != nullptr) r = reinterpret_cast<const P*>(residual)[i];
  P result;
  DLN_UNROLL
  for (int v = 0; v < width; ++v) {
    const T sum = fma(value.at[v] - m.at[v], s.at[v], b.at[v]) + r.at[v];
    result.at[v] = relu ? maximum(sum, T{0}) : sum;
  }
  reinterpret_cast<P*>(y)[i] = result;
}

template <class T>
__global__ void __launch_bounds__(row_threads)
    batch_sums_kernel(const T* dy, const T* x, const T* mean, T* partials, std::int64_t N, int C, std::int64_t chunk) {
  wait_for_previous_kernel();
  sum_columns(partials, N, C, chunk, [&](std::int64_t r, int c, T& total, T& products) {
    const T d = dy[r * C + c];
    total += d;
    products = fma(d, x[r * C + c] - mean[c], products);
  });
}
// `numbers`: scale, slope and offset of each column, for dx = scale dy + slope (x - mean) + offset.
template <class T>
__global__ void __launch_bounds__(row_threads)
    batch_finish_kernel(const T* partials, const T* gamma, const T* variance, T* dgamma, T* dbeta, T* numbers,
                        std::int64_t N, int C, std::int64_t chunks, double epsilon) {
  wait_for_previous_kernel();
  const int c = static_cast<int>(blockIdx.x) * row_threads + static_cast<int>(threadIdx.x);
  if (c >= C) return;
  double total = 0, product = 0;
  for (std::int64_t k = 0; k < chunks; ++k) {
    total += static_cast<double>(partials[k * 2 * C + c]);
    product += static_cast<double>(partials[k * 2 * C + C + c]);
  }
  const double rstd = 1.0 / sqrt(static_cast<double>(variance[c]) + epsilon), n = static_cast<double>(N);
  const double factor = static_cast<double>(gamma[c]) * rstd;
  dgamma[c] = static_cast<T>(product * rstd);
  dbeta[c] = static_cast<T>(total);
  numbers[c] = static_cast<T>(factor);
  numbers[C + c] = static_cast<T>(-factor * rstd * rstd * product / n);
  numbers[2 * C + c] = static_cast<T>(-factor * total / n);
}
template <class T>
__global__ void __launch_bounds__(row_threads)
    batch_gradient_kernel(const T* dy, const T* x, const T* mean, const T* numbers, T* dx, std::uint32_t size,
                          Divisor C, int channels) {
  wait_for_previous_kernel();
  const std::uint32_t i = blockIdx.x * row_threads + threadIdx.x;
  if (i >= size) return;
  std::uint32_t c;
  C.divide(i, c);
  const T v = fma(x[i] - mean[c], numbers[channels + c], numbers[2 * channels + c]);
  dx[i] = fma(dy[i], numbers[c], v);
}

void refuse_large(const View& x, const Queue& queue) {
  if (x.size >= std::int64_t{1} << 31) throw Error(std::string("cuda: ") + queue.op + ": more than 2^31 elements");
}

template <class T>
void layer_normalization(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &y = call.outputs[0];
  if (x.size == 0) return;
  with_row_group<T>(x.extent(-1), is_aligned(x.data) && is_aligned(y.data), [&]<class Group>() {
    launch(queue, layer_normalization_kernel<T, Group>, row_grid<Group>(x.rows()), x.as<const T>(),
           call.inputs[1].as<const T>(), call.inputs[2].as<const T>(), y.as<T>(), x.rows(),
           static_cast<int>(x.extent(-1)), call.ints[0] != 0, call.floats[0]);
  });
}

template <class T>
void layer_normalization_gradient(const Call& call, Queue& queue) {
  const View &dy = call.inputs[0], &x = call.inputs[1], &dx = call.outputs[0];
  const RowChunks cut(x);
  const int C = static_cast<int>(cut.C);
  if (C == 0) return;
  auto* const moments = static_cast<T*>(call.scratch);
  T* const partials = moments + 2 * cut.N;
  const T* gamma = call.inputs[2].as<const T>();
  const bool centered = call.ints[0] != 0;
  const bool packs = is_aligned(x.data) && is_aligned(dy.data) && is_aligned(dx.data);
  with_row_group<T>(C, packs, [&]<class Group>() {
    launch(queue, row_moments_kernel<T, Group>, row_grid<Group>(cut.N), x.as<const T>(), moments, cut.N, C, centered,
           call.floats[0]);
  });
  launch(queue, layer_sums_kernel<T>,
         Grid{blocks_for(C, columns), row_threads, sizeof(ColumnShared<T>), static_cast<unsigned>(cut.chunks)},
         dy.as<const T>(), x.as<const T>(), moments, partials, cut.N, C, cut.chunk);
  launch(queue, layer_finish_kernel<T>, Grid{blocks_for(C, row_threads), row_threads}, partials,
         call.outputs[1].as<T>(), call.outputs[2].as<T>(), C, cut.chunks);
  with_row_group<T>(C, packs, [&]<class Group>() {
    launch(queue, layer_gradient_kernel<T, Group>, row_grid<Group>(cut.N), dy.as<const T>(), x.as<const T>(), gamma,
           moments, dx.as<T>(), cut.N, C, centered);
  });
}
std::int64_t layer_gradient_bytes(const Call& call) {
  const RowChunks cut(call.inputs[1]);
  return (2 * cut.N + cut.sums()) * item_size(call.inputs[1].dtype);
}

// The integers of an epilogue (csrc/ops/epilogue.h) are all there are; a residual is the last input.
template <class T>
void write_normalized(const Call& call, const T* mean, const T* scale, const T* beta, Queue& queue) {
  const View &x = call.inputs[0], &y = call.outputs[0];
  if (y.size == 0) return;
  refuse_large(y, queue);
  const std::int64_t C = y.extent(-1);
  const T* residual = call.ints[1] != 0 ? call.inputs[call.input_count - 1].as<const T>() : nullptr;
  const auto enqueue = [&]<int width>() {
    launch(queue, normalize_kernel<T, width>, Grid{blocks_for(y.size / width, row_threads), row_threads},
           x.as<const T>(), mean, scale, beta, residual, y.as<T>(), static_cast<std::uint32_t>(y.size / width),
           Divisor(static_cast<std::uint32_t>(C / width)), call.ints[2] != 0);
  };
  bool packs = C % pack_width<T> == 0 && is_aligned(residual);
  for (const void* data :
       {static_cast<const void*>(x.data), static_cast<const void*>(y.data), static_cast<const void*>(mean),
        static_cast<const void*>(scale), static_cast<const void*>(beta)}) {
    packs = packs && is_aligned(data);
  }
  packs ? enqueue.template operator()<pack_width<T>>() : enqueue.template operator()<1>();
}

template <class T>
void batch_normalization_training(const Call& call, Queue& queue) {
  const View& x = call.inputs[0];
  const RowChunks cut(x);
  const int C = static_cast<int>(cut.C);
  if (C == 0) return;
  const T *gamma = call.inputs[1].as<const T>(), *beta = call.inputs[2].as<const T>();
  T *mean = call.outputs[1].as<T>(), *variance = call.outputs[2].as<T>();
  auto* const partials = static_cast<T*>(call.scratch);
  T* const scale = partials + cut.sums();
  launch(queue, moments_kernel<T>,
         Grid{blocks_for(C, columns), row_threads, sizeof(ColumnShared<T>), static_cast<unsigned>(cut.chunks)},
         x.as<const T>(), partials, cut.N, C, cut.chunk);
  launch(queue, moments_finish_kernel<T>, Grid{blocks_for(C, row_threads), row_threads}, x.as<const T>(), partials,
         gamma, mean, variance, scale, cut.N, C, cut.chunk, cut.chunks, call.floats[0]);
  write_normalized(call, mean, scale, beta, queue);
}

template <class T>
void batch_normalization(const Call& call, Queue& queue) {
  const int C = static_cast<int>(call.inputs[0].extent(-1));
  if (C == 0) return;
  auto* const scale = static_cast<T*>(call.scratch);
  launch(queue, scale_kernel<T>, Grid{blocks_for(C, row_threads), row_threads}, call.inputs[3].as<const T>(),
         call.inputs[2].as<const T>(), scale, C, call.floats[0]);
  write_normalized(call, call.inputs[1].as<const T>(), scale, call.inputs[4].as<const T>(), queue);
}

template <class T>
void batch_normalization_gradient(const Call& call, Queue& queue) {
  const View &dy = call.inputs[0], &x = call.inputs[1], &dx = call.outputs[0];
  const RowChunks cut(x);
  const int C = static_cast<int>(cut.C);
  if (C == 0) return;
  refuse_large(x, queue);
  const T *gamma = call.inputs[2].as<const T>(), *mean = call.inputs[3].as<const T>(),
          *variance = call.inputs[4].as<const T>();
  auto* const partials = static_cast<T*>(call.scratch);
  T* const numbers = partials + cut.sums();
  launch(queue, batch_sums_kernel<T>,
         Grid{blocks_for(C, columns), row_threads, sizeof(ColumnShared<T>), static_cast<unsigned>(cut.chunks)},
         dy.as<const T>(), x.as<const T>(), mean, partials, cut.N, C, cut.chunk);
  launch(queue, batch_finish_kernel<T>, Grid{blocks_for(C, row_threads), row_threads}, partials, gamma, variance,
         call.outputs[1].as<T>(), call.outputs[2].as<T>(), numbers, cut.N, C, cut.chunks, call.floats[0]);
  launch(queue, batch_gradient_kernel<T>, Grid{blocks_for(x.size, row_threads), row_threads}, dy.as<const T>(),
         x.as<const T>(), mean, numbers, dx.as<T>(), static_cast<std::uint32_t>(x.size),
         Divisor(static_cast<std::uint32_t>(C)), C);
}

// The sums of chunks, and three numbers for each column.
std::int64_t column_bytes(const View& x) {
  const RowChunks cut(x);
  return (cut.sums() + 3 * cut.C) * item_size(x.dtype);
}
std::int64_t batch_bytes(const Call& call) { return column_bytes(call.inputs[0]); }
std::int64_t batch_gradient_bytes(const Call& call) { return column_bytes(call.inputs[1]); }
std::int64_t scale_bytes(const Call& call) { return call.inputs[0].extent(-1) * item_size(call.inputs[0].dtype); }

}  // namespace

#define DLNATIVE_BY_FLOAT(kernel) by_float<kernel<float>, kernel<double>>, same<Floats>
extern const Row normalization_rows[] = {
    {"layer_normalization", DLNATIVE_BY_FLOAT(layer_normalization)},
    {"layer_normalization_gradient", DLNATIVE_BY_FLOAT(layer_normalization_gradient), layer_gradient_bytes},
    {"batch_normalization_training", DLNATIVE_BY_FLOAT(batch_normalization_training), batch_bytes},
    {"batch_normalization_gradient", DLNATIVE_BY_FLOAT(batch_normalization_gradient), batch_gradient_bytes},
    {"batch_normalization", DLNATIVE_BY_FLOAT(batch_normalization), scale_bytes},
};
#undef DLNATIVE_BY_FLOAT
extern const int normalization_row_count = sizeof(normalization_rows) / sizeof(normalization_rows[0]);

}  // namespace dlnative::cuda
