// Matrix product: C = act(op(A) op(B) + bias) * act'(y), C M x N, op(A) M x K, op(B) K x N, row-major.
//
//   for each block of rows of C, MC high
//     for each block of k, KC long
//       for each block of columns of C, NC wide
//         pack the block of B into panels of NR columns, or use it in place
//         for each panel of A, up to MR rows: pack it, use it in place, or as it was packed for the columns before
//           for each NR columns: micro-kernel, which adds A-panel times B-panel to a tile of C
//             after the last block of k: epilogue on the tile
//
// The block of B stays in the second cache; the packed panels of A wait in the last.
// Rows are dealt out evenly, so that no tile is left with a row or two. Threads take rectangles of C, with packing
// buffers of their own. Every element of C adds up its products in the order of k, a block at a time: rectangles,
// panels and tiles do not change a bit of it. Source: Goto & van de Geijn, "Anatomy of High-Performance Matrix
// Multiplication", 2008, with the roles of A and B exchanged; van Zee & van de Geijn, "BLIS", 2015.
#include "gemm/gemm.h"

#include "gemm/column_sums.h"
#include "gemm/dot.h"
#include "gemm/epilogue.h"
#include "gemm/kernels.h"
#include "gemm/pack.h"
#include "gemm/small.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

// A rectangle of C: rows [m0, m1), columns [n0, n1).
struct Rectangle {
  std::int64_t m0, m1, n0, n1;
};

// The same product, said in the way that is easiest to compute: a vector of k counts as contiguous, and a transposed
// matrix times a column is a row times that matrix.
template <class T>
DLNATIVE_INLINE GemmArguments<T> simplify(const GemmArguments<T>& given, bool may_swap) {
  GemmArguments<T> g = given;
  if (g.transpose_a && g.M == 1 && g.lda == 1) {
    g.transpose_a = false;
    g.lda = g.K;
  }
  if (g.transpose_b && g.K == 1 && g.ldb == 1) {
    g.transpose_b = false;
    g.ldb = g.N;
  }
  if (g.N != 1 || g.ldb != 1 || g.transpose_b) return g;
  g.transpose_b = true;
  g.ldb = g.K;
  if (!may_swap || !g.transpose_a || g.ldc != 1) return g;
  g.M = 1;
  g.N = given.M;
  g.a = given.b;
  g.lda = g.K;
  g.b = given.a;
  g.ldb = given.lda;
  g.transpose_a = g.transpose_b = false;
  g.ldc = g.N;
  return g;
}

// How a product of these sizes is done; it does not depend on where the data is, nor on the number of threads.
template <class T>
struct Method {
  static constexpr int L = lanes<T>, NR = Blocks<T>::NR;
  Parts k_blocks;
  bool dot;
  bool pack_a, pack_b;
  bool pack_tail;  // B in place, but its last columns, fewer than a vector, padded to one

  DLNATIVE_INLINE explicit Method(const GemmArguments<T>& g) : k_blocks(g.K, k_limit(g)) {
    constexpr int page = 4096;
    dot = is_dot(g);
    // Rows a multiple of a page apart evict one another from the first cache. Otherwise prefetching makes up for
    // reading a panel of B in pieces, unless it is read very often.
    pack_b = !dot && (g.transpose_b ||
                      (g.K * g.N * static_cast<std::int64_t>(sizeof(T)) > first_cache / 2 &&
                       (g.M > 16 * MR || (g.M > 2 * MR && g.ldb * static_cast<std::int64_t>(sizeof(T)) % page == 0))));
    pack_tail = vector_bytes == 16 && !dot && !pack_b && g.N % L != 0;
    const bool collide = g.lda * static_cast<std::int64_t>(sizeof(T)) % (page / 2) == 0 && g.M > 4;
    pack_a = !dot && g.N > 4 * NR && g.K > 16 && (collide || g.transpose_a || g.N > 16 * NR);
  }

  // Few rows leave all the time to the reading of B: then it is read row by row, from one end to the other.
  // In place of the saved y there is no room for partial sums.
  DLNATIVE_INLINE static std::int64_t k_limit(const GemmArguments<T>& g) {
    if (g.saved != nullptr && g.saved == g.c) return g.K > 0 ? g.K : 1;
    constexpr int few = MR < 8 ? MR : 8;
    if (g.transpose_b || g.M > few || g.N <= tile_vector_table.of[g.M] * L) return Blocks<T>::KC;
    return g.M == 1 ? 16 : 64;
  }

  std::int64_t k_block_size() const { return k_blocks.largest(); }
  // Blocks of columns are evenly wide, in units of NR.
  Parts column_blocks(std::int64_t N) const {
    const std::int64_t units = (N + NR - 1) / NR;
    return Parts(units, pack_b ? block_size(block_bytes, NR) / NR : units);
  }
  Parts row_blocks(std::int64_t M) const { return Parts(M, pack_a ? block_size(panels_bytes, MR) : M); }
  // How many columns, or rows, with a block of k each, take so many bytes: a multiple of `unit`.
  std::int64_t block_size(std::int64_t bytes, std::int64_t unit) const {
    const std::int64_t fit = bytes / (k_block_size() * static_cast<std::int64_t>(sizeof(T)) + 1);
    return fit < unit ? unit : fit / unit * unit;
  }
  // Several blocks of columns share the packed panels of a block of rows.
  // Both sizes grow with M and N, so what is enough for C is enough for a thread's rectangle of it: evenly cut blocks
  // may be larger in the rectangle.
  std::int64_t a_block_size(std::int64_t M, std::int64_t N) const {
    if (!pack_a) return 0;
    const std::int64_t rows = column_blocks(N).count > 1 ? least(M, block_size(panels_bytes, MR)) : MR;
    return round_up(k_block_size() * (rows > MR ? rows : MR) + L, 64 / sizeof(T));
  }
  std::int64_t b_block_size(std::int64_t N) const {
    if (pack_b) return k_block_size() * least(block_size(block_bytes, NR), round_up(N, L)) + L;
    return pack_tail ? k_block_size() * L + L : 0;
  }
  std::int64_t thread_bytes(std::int64_t M, std::int64_t N) const {
    return round_up((a_block_size(M, N) + b_block_size(N)) * static_cast<std::int64_t>(sizeof(T)), 64);
  }
};

// Packs rows [k0, k1) and columns [n0, n1) of op(B) into panels of NR columns; the last may be narrower by vectors.
template <class T>
void pack_b_block(const GemmArguments<T>& g, std::int64_t k0, std::int64_t k1, std::int64_t n0, std::int64_t n1,
                  T* to) {
  constexpr int L = lanes<T>, NR = Blocks<T>::NR;
  const std::int64_t K = k1 - k0, whole = n0 + (n1 - n0) / NR * NR;
  if (g.transpose_b) {
    for (std::int64_t n = n0; n < n1; n += NR, to += K * NR) {
      const std::int64_t count = least(NR, n1 - n);
      pack_transposed(to, round_up(count, L), g.b + n * g.ldb + k0, g.ldb, K, count);
    }
    return;
  }
  pack_panels<T, NR>(to, g.b + k0 * g.ldb + n0, g.ldb, K, (whole - n0) / NR);
  if (whole < n1) {
    pack_rows(to + (whole - n0) * K, round_up(n1 - whole, L), g.b + k0 * g.ldb + whole, g.ldb, K, n1 - whole);
  }
}

// One panel of A against one block of B.
template <class T>
struct PanelProduct {
  static constexpr int L = lanes<T>, NR = Blocks<T>::NR;
  const GemmArguments<T>& g;
  const Method<T>& method;
  const T* b_block;  // packed block or packed tail, or null
  std::int64_t k0, k1, n0, n1;

  DLNATIVE_INLINE void pack_panel(T* a_panel, std::int64_t rows, const T* a, std::int64_t K) const {
    if (g.transpose_a) {
      pack_rows(a_panel, rows, a, g.lda, K, rows);
    } else {
      pack_transposed(a_panel, rows, a, g.lda, K, rows);
    }
  }

  // `a_panel` is where the panel of A is packed, if it is; `packed` says that it is there already.
  DLNATIVE_INLINE void run(std::int64_t m0, std::int64_t rows, T* a_panel, bool packed) const {
    TileCall<T> call;
    call.K = k1 - k0;
    call.ldc = g.ldc;
    call.accumulate = k0 > 0;
    const bool last = k1 == g.K;
    call.relu = last && g.activation == Activation::relu;
    const bool activate = last && g.activation > Activation::relu;
    const bool times_relu_gradient = last && !activate && g.saved != nullptr && g.gradient_of == Activation::relu;
    const bool finish = activate || (last && g.saved != nullptr && g.gradient_of > Activation::relu);
    Layout layout = g.transpose_a ? Layout::rows_contiguous : Layout::k_contiguous;
    call.a = g.a + (g.transpose_a ? k0 * g.lda + m0 : m0 * g.lda + k0);
    call.a_stride = g.lda;
    if (method.pack_a) {
      if (!packed) pack_panel(a_panel, rows, call.a, call.K);
      call.a = a_panel;
      call.a_stride = rows;
      layout = Layout::rows_contiguous;
    }
    const TileKernel<T>* const full = tile_kernels<T>(layout, false, rows);
    const TileKernel<T>* const masked = tile_kernels<T>(layout, true, rows);
    const std::int64_t most = method.pack_b ? NR : tile_vector_table.of[rows] * L;
    for (std::int64_t n = n0; n < n1;) {
      std::int64_t columns = least(most, n1 - n);
      call.b = g.b + k0 * g.ldb + n;
      call.b_stride = g.ldb;
      bool partial = columns % L != 0;
      if (method.pack_b) {
        call.b = b_block + (n - n0) * call.K;
        call.b_stride = round_up(columns, L);
      } else if (partial && method.pack_tail) {
        if (columns > L) {
          columns -= columns % L;
          partial = false;
        } else {
          call.b = b_block;
          call.b_stride = L;
        }
      }
      call.c = g.c + m0 * g.ldc + n;
      call.bias = g.bias == nullptr ? nullptr : g.bias + n;
      call.saved = times_relu_gradient ? g.saved + m0 * g.ldc + n : nullptr;
      call.last_count = partial ? static_cast<int>(columns % L) : L;
      (partial ? masked : full)[(columns + L - 1) / L - 1](call);
      if (finish) {
        finish_tile(call.c, g.ldc, rows, columns, g.activation, g.saved == nullptr ? nullptr : g.saved + m0 * g.ldc + n,
                    g.gradient_of);
      }
      n += columns;
    }
  }
};

template <class T>
void rectangle_product(const GemmArguments<T>& g, const Method<T>& method, const Rectangle& area, void* scratch) {
  constexpr int L = lanes<T>, NR = Blocks<T>::NR;
  const std::int64_t M = area.m1 - area.m0, N = area.n1 - area.n0;
  T* const a_block = static_cast<T*>(scratch);
  T* const b_block = a_block + method.a_block_size(M, N);
  const Parts row_blocks = method.row_blocks(M), column_blocks = method.column_blocks(N);
  const bool keep_panels = method.pack_a && column_blocks.count > 1;
  for (std::int64_t row_block = 0; row_block < row_blocks.count; ++row_block) {
    const std::int64_t m0 = area.m0 + row_blocks.start(row_block), m1 = area.m0 + row_blocks.start(row_block + 1);
    const Parts panels(m1 - m0, MR);
    for (std::int64_t k_block = 0; k_block < method.k_blocks.count; ++k_block) {
      const std::int64_t k0 = method.k_blocks.start(k_block), k1 = method.k_blocks.start(k_block + 1);
      for (std::int64_t column_block = 0; column_block < column_blocks.count; ++column_block) {
        const std::int64_t n0 = area.n0 + column_blocks.start(column_block) * NR;
        const std::int64_t n1 = least(area.n0 + column_blocks.start(column_block + 1) * NR, area.n1);
        if (method.pack_b) {
          pack_b_block(g, k0, k1, n0, n1, b_block);
        } else if (method.pack_tail && n1 % L != 0) {
          const std::int64_t tail = n0 + (n1 - n0) / L * L;
          pack_rows(b_block, L, g.b + k0 * g.ldb + tail, g.ldb, k1 - k0, n1 - tail);
        }
        const PanelProduct<T> product{g, method, b_block, k0, k1, n0, n1};
        for (std::int64_t panel = 0; panel < panels.count; ++panel) {
          const std::int64_t p0 = panels.start(panel), p1 = panels.start(panel + 1);
          T* const a_panel = a_block + (keep_panels ? p0 * (k1 - k0) : 0);
          product.run(m0 + p0, p1 - p0, a_panel, keep_panels && column_block > 0);
        }
      }
    }
  }
}

template <class T>
void dot_rectangle(const GemmArguments<T>& g, const Rectangle& area) {
  DotCall<T> call;
  call.K = g.K;
  call.lda = g.lda;
  call.ldb = g.ldb;
  call.ldc = g.ldc;
  call.relu = g.activation == Activation::relu;
  const bool activate = g.activation > Activation::relu;
  const bool times_relu_gradient = !activate && g.saved != nullptr && g.gradient_of == Activation::relu;
  for (std::int64_t m = area.m0; m < area.m1; m += dot_side) {
    const std::int64_t rows = least(dot_side, area.m1 - m);
    call.a = g.a + m * g.lda;
    for (std::int64_t n = area.n0; n < area.n1; n += dot_side) {
      const std::int64_t columns = least(dot_side, area.n1 - n), at = m * g.ldc + n;
      call.b = g.b + n * g.ldb;
      call.c = g.c + at;
      call.bias = g.bias == nullptr ? nullptr : g.bias + n;
      call.saved = times_relu_gradient ? g.saved + at : nullptr;
      dot_kernels<T>[rows - 1][columns - 1](call);
    }
  }
  if (activate || (g.saved != nullptr && g.gradient_of > Activation::relu)) {
    const std::int64_t at = area.m0 * g.ldc + area.n0;
    finish_tile(g.c + at, g.ldc, area.m1 - area.m0, area.n1 - area.n0, g.activation,
                g.saved == nullptr ? nullptr : g.saved + at, g.gradient_of);
  }
}

template <class T>
DLNATIVE_INLINE void run_rectangle(const GemmArguments<T>& g, const Method<T>& method, const Rectangle& area,
                                   void* scratch) {
  if (method.dot) return dot_rectangle(g, area);
  rectangle_product(g, method, area, scratch);
}

template <class T>
__attribute__((noinline)) void large_product(const GemmArguments<T>& given, void* scratch, const Workers& workers) {
  if (given.column_sums != nullptr) column_sums(given, workers);
  if (given.M <= 0) return;
  const GemmArguments<T> g = simplify(given, given.bias == nullptr);
  constexpr std::int64_t NR = Blocks<T>::NR;
  constexpr double flops_per_nanosecond = 6.0 * vector_bytes / sizeof(T), bytes_per_nanosecond = 16.0;
  const Method<T> method(g);
  // Few rows wait for B.
  const double computing = 2.0 * g.M * g.N * g.K / flops_per_nanosecond;
  const double reading = static_cast<double>(g.K) * g.N * sizeof(T) / bytes_per_nanosecond;
  const int threads = workers.worthwhile(computing > reading ? computing : reading);
  if (threads == 1) return run_rectangle(g, method, {0, g.M, 0, g.N}, scratch);

  // The cut with the least to pack: each rectangle packs its own rows of A and columns of B.
  std::int64_t row_cuts = 1, column_cuts = 1;
  double best = 0;
  for (std::int64_t rows = 1; rows <= threads; ++rows) {
    const std::int64_t columns = threads / rows;
    if (rows * columns < threads) continue;
    const double cost = static_cast<double>(g.M) / rows + static_cast<double>(g.N) / columns;
    if (best == 0 || cost < best) {
      best = cost;
      row_cuts = rows;
      column_cuts = columns;
    }
  }
  const std::int64_t column_units = (g.N + NR - 1) / NR;
  const Parts row_parts(g.M, (g.M + row_cuts - 1) / row_cuts),
      column_parts(column_units, (column_units + column_cuts - 1) / column_cuts);
  const std::int64_t thread_bytes = method.thread_bytes(g.M, g.N);
  workers.parallel_for(threads, row_parts.count * column_parts.count, [&](std::int64_t task, int thread) {
    const std::int64_t row = task / column_parts.count, column = task % column_parts.count;
    const Rectangle area{row_parts.start(row), row_parts.start(row + 1), column_parts.start(column) * NR,
                         least(column_parts.start(column + 1) * NR, g.N)};
    run_rectangle(g, method, area, static_cast<char*>(scratch) + thread * thread_bytes);
  });
}

template <class T>
DLNATIVE_INLINE void product(const GemmArguments<T>& g, void* scratch, const Workers& workers) {
  if (g.N <= 0) return;
  if (g.M > 0 && is_small(g)) return small_product(g, static_cast<T*>(scratch));
  large_product(g, scratch, workers);
}

// Whether there is a bias, and where C will lie, is not known yet, so there must be room for every way.
template <class T>
std::int64_t scratch_bytes(const GemmArguments<T>& given, int threads) {
  if (is_small(given)) return given.transpose_b ? transposed_size(given) * static_cast<std::int64_t>(sizeof(T)) : 0;
  T place;
  std::int64_t most = 0;
  for (const bool may_swap : {true, false}) {
    for (const bool in_place : {true, false}) {
      GemmArguments<T> g = simplify(given, may_swap);
      g.c = &place;
      g.saved = in_place && given.gradient_of == Activation::relu ? &place : nullptr;
      const std::int64_t bytes = Method<T>(g).thread_bytes(g.M, g.N);
      most = bytes > most ? bytes : most;
    }
  }
  return most * threads;
}

}  // namespace

std::int64_t gemm_scratch_bytes(const GemmArguments<float>& arguments, int threads) {
  return scratch_bytes(arguments, threads);
}
std::int64_t gemm_scratch_bytes(const GemmArguments<double>& arguments, int threads) {
  return scratch_bytes(arguments, threads);
}
void gemm(const GemmArguments<float>& arguments, void* scratch, const Workers& workers) {
  product(arguments, scratch, workers);
}
void gemm(const GemmArguments<double>& arguments, void* scratch, const Workers& workers) {
  product(arguments, scratch, workers);
}

}  // namespace dlnative::DLNATIVE_ISA
