// Matrix product: C = act(op(A) op(B) + bias) * act'(y), C M x N, op(A) M x K, op(B) K x N, row-major.
//
//   for each block of rows of C, MC high
//     for each block of k, KC long
//       for each block of columns of C, NC wide
//         take the block of B: packed into panels of NR columns, or in place, or as it was packed for many products
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
#include "gemm/method.h"
#include "gemm/outer.h"
#include "gemm/pack_b.h"
#include "gemm/panel.h"
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

template <class T>
void rectangle_product(const GemmArguments<T>& g, const Method<T>& method, const Rectangle& area, void* scratch) {
  const std::int64_t M = area.m1 - area.m0;
  T* const a_room = static_cast<T*>(scratch);
  T* const b_room = a_room + method.a_block_size(M, area.n1 - area.n0);
  const Parts row_blocks = method.row_blocks(M);
  for (std::int64_t row_block = 0; row_block < row_blocks.count; ++row_block) {
    const std::int64_t m0 = area.m0 + row_blocks.start(row_block), m1 = area.m0 + row_blocks.start(row_block + 1);
    const Parts panels(m1 - m0, MR);
    BlocksOfB<T> blocks(g, method, area.n0, area.n1, panels, b_room);
    const bool keep_panels = method.pack_a && blocks.column_blocks() > 1;
    for (std::int64_t k_block = 0; k_block < method.k_blocks.count; ++k_block) {
      for (std::int64_t column_block = 0; column_block < blocks.column_blocks(); ++column_block) {
        const BlockOfB<T> b = blocks.take(k_block, column_block);
        const PanelProduct<T> product{g, method, b};
        const auto panel_at = [&](std::int64_t index) {
          const std::int64_t p0 = panels.start(index), p1 = panels.start(index + (index < panels.count));
          return Panel<T>{m0 + p0, p1 - p0, a_room + (keep_panels ? p0 * (b.k1 - b.k0) : 0),
                          keep_panels && column_block > 0};
        };
        for (std::int64_t panel = 0; panel < panels.count; ++panel) {
          product.run(panel_at(panel), panel_at(panel + 1), panel == 0);
        }
      }
    }
  }
}

template <class T>
DLNATIVE_INLINE void run_rectangle(const GemmArguments<T>& g, const Method<T>& method, const Rectangle& area,
                                   void* scratch) {
  if (method.dot) return dot_rectangle(g, area.m0, area.m1, area.n0, area.n1);
  if (method.row) return row_rectangle(g, area.n0, area.n1);
  if (method.outer) return outer_rectangle(g, area.m0, area.m1, area.n0, area.n1);
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

  // The cut with the least to pack: each rectangle packs its own rows of A and columns of B. Of equal ones the one by
  // rows, for then a thread reads rows of A that it made itself, if A is the result of such a product.
  std::int64_t row_cuts = 1, column_cuts = 1;
  double best = 0;
  for (std::int64_t rows = 1; rows <= threads; ++rows) {
    const std::int64_t columns = threads / rows;
    if (rows * columns < threads) continue;
    const double cost = static_cast<double>(g.M) / rows + static_cast<double>(g.N) / columns;
    if (best == 0 || cost <= best) {
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

// Whether there is a bias, and where C will lie, is not known yet, nor where B will, if its address is null: so there
// must be room for every way.
template <class T>
std::int64_t scratch_bytes(const GemmArguments<T>& given, int threads) {
  if (is_small(given)) return given.transpose_b ? transposed_size(given) * static_cast<std::int64_t>(sizeof(T)) : 0;
  alignas(vector_bytes) T places[2];
  std::int64_t most = 0;
  for (const bool may_swap : {true, false}) {
    for (const bool in_place : {true, false}) {
      for (const T* const b : {given.b, given.b == nullptr ? places + 1 : given.b}) {  // one of them crosses lines
        GemmArguments<T> g = simplify(given, may_swap);
        g.b = b;
        g.c = places;
        g.saved = in_place && given.gradient_of == Activation::relu ? places : nullptr;
        const std::int64_t bytes = Method<T>(g).thread_bytes(g.M, g.N);
        most = bytes > most ? bytes : most;
      }
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
std::int64_t gemm_packed_bytes(const GemmArguments<float>& arguments) {
  return packed_size(arguments) * static_cast<std::int64_t>(sizeof(float));
}
std::int64_t gemm_packed_bytes(const GemmArguments<double>& arguments) {
  return packed_size(arguments) * static_cast<std::int64_t>(sizeof(double));
}
void gemm_pack(const GemmArguments<float>& arguments, void* packed_b) {
  pack_whole_b(arguments, static_cast<float*>(packed_b));
}
void gemm_pack(const GemmArguments<double>& arguments, void* packed_b) {
  pack_whole_b(arguments, static_cast<double*>(packed_b));
}
void gemm(const GemmArguments<float>& arguments, void* scratch, const Workers& workers) {
  product(arguments, scratch, workers);
}
void gemm(const GemmArguments<double>& arguments, void* scratch, const Workers& workers) {
  product(arguments, scratch, workers);
}

}  // namespace dlnative::DLNATIVE_ISA
