// The matrix product of one instruction set, by the way that gemm/way.h chooses, and the product of a list.
#include "gemm/gemm.h"

#include "gemm/core/blocked.h"
#include "gemm/way.h"
#include "gemm/ways/column_sums.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

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

// How many steps of k are summed before C is written. Few rows leave all the time to the reading of B: where it comes
// from beyond L2, the processor prefetches what follows in each row of B, if there are not more of them than it can
// follow: so few are read from one end to the other before the next. C cannot hold sums of a block where the saved y
// lies there.
template <class T>
DLNATIVE_INLINE std::int64_t k_limit(const GemmArguments<T>& g) {
  constexpr std::int64_t few = MR < 8 ? MR : 8, max_rows_waiting = 56, min_row_bytes = 1 << 10;
  constexpr std::int64_t item = sizeof(T);
  if (g.saved != nullptr && g.saved == g.c) return max(g.K, 1);
  if (g.packed_b != nullptr || g.transpose_b) return Blocks<T>::KC;
  if (g.M > 1 && g.M <= max_rows_waiting && g.N * item >= min_row_bytes && g.K * g.N * item > L2_threshold) return 48;
  if (g.M > few || g.N <= tile_vector_table.of[g.M] * lanes<T>) return Blocks<T>::KC;
  return g.M == 1 ? 16 : 64;
}

// A matrix product as a list of one.
template <class T>
struct ListOfOne {
  Part<T> part;
  BatchReduceArguments<T> list;
  BlockedPlan<T> plan;

  DLNATIVE_INLINE explicit ListOfOne(const GemmArguments<T>& g)
      : part{g.K, g.a, g.transpose_a ? 1 : g.lda, g.transpose_a ? g.lda : 1, 0, nullptr, g.b, g.ldb},
        list{{g}, g.M, g.N, 0, &part, 1, g.transpose_b, g.c, g.ldc, g.packed_b},
        plan(list, g.K, k_limit(g)) {}
  ListOfOne(const ListOfOne&) = delete;
  ListOfOne& operator=(const ListOfOne&) = delete;
};

// Of the ways that threads share by rectangles of C.
template <class T, class Body>
DLNATIVE_INLINE void by_rectangles(const GemmArguments<T>& g, const Workers& workers, Body body) {
  constexpr double flops_per_nanosecond = 6.0 * vector_bytes / sizeof(T), bytes_per_nanosecond = 16.0;
  const double computing = 2.0 * g.M * g.N * g.K / flops_per_nanosecond;
  const double reading = static_cast<double>(g.K) * g.N * sizeof(T) / bytes_per_nanosecond;
  cut_by_threads(workers, computing > reading ? computing : reading, g.M, g.N, 1, Blocks<T>::NR,
                 [&](const Rectangle& area, int) { body(area); });
}

template <class T>
__attribute__((noinline)) void large_product(const GemmArguments<T>& g, void* scratch, const Workers& workers) {
  switch (choose_way(g)) {
    case Way::small_n:
      small_n_product(g, static_cast<T*>(scratch));
      break;
    case Way::small_tiles:
      small_tiles_product(g, static_cast<T*>(scratch));
      break;
    case Way::dot:
      return by_rectangles(g, workers,
                           [&](const Rectangle& area) { dot_rectangle(g, area.m0, area.m1, area.n0, area.n1); });
    case Way::gemv:
      return by_rectangles(g, workers, [&](const Rectangle& area) { gemv_rectangle(g, area.n0, area.n1); });
    case Way::rank_k_update:
      return by_rectangles(g, workers,
                           [&](const Rectangle& area) { rank_k_rectangle(g, area.m0, area.m1, area.n0, area.n1); });
    case Way::blocked: {
      const ListOfOne<T> one(g);
      return blocked_product(one.list, one.plan, scratch, workers);
    }
  }
  apply_epilogue<T>(g, g.c, g.ldc, 0, g.M, 0, g.N);
}

template <class T>
DLNATIVE_INLINE void small_product(const GemmArguments<T>& g, T* scratch) {
  const Way way = choose_way(g);
  if (way == Way::small_n) {
    small_n_product(g, scratch);
  } else {
    if (g.column_sums != nullptr) column_sums(g, Workers{});
    if (way == Way::rank_k_update) return rank_k_rectangle(g, 0, g.M, 0, g.N);
    small_tiles_product(g, scratch);
  }
  apply_epilogue<T>(g, g.c, g.ldc, 0, g.M, 0, g.N);
}

template <class T>
DLNATIVE_INLINE void product(const GemmArguments<T>& g, void* scratch, const Workers& workers) {
  if (g.N <= 0) return;
  if (g.M > 0 && is_small(g)) return small_product(g, static_cast<T*>(scratch));
  if (g.column_sums != nullptr) column_sums(g, workers);
  if (g.M <= 0) return;
  GemmArguments<T> simple = simplify(g, g.bias == nullptr);
  simple.column_sums = nullptr;
  large_product(simple, scratch, workers);
}

// Whether there is a bias, and where C will lie, is not known yet, nor where B will, if its address is null: so there
// must be room for every way.
template <class T>
std::int64_t scratch_bytes(const GemmArguments<T>& given, int threads) {
  if (is_small(given)) return given.transpose_b ? transposed_size(given) * static_cast<std::int64_t>(sizeof(T)) : 0;
  alignas(cache_line) T places[cache_line / sizeof(T) + 1];
  std::int64_t most = 0;
  for (const bool may_swap : {true, false}) {
    for (const bool in_place : {true, false}) {
      for (const T* const b : {given.b == nullptr ? places : given.b, given.b == nullptr ? places + 1 : given.b}) {
        GemmArguments<T> g = simplify(given, may_swap);
        g.b = b;
        g.c = places;
        g.saved = in_place && given.gradient_of == Activation::relu ? places : nullptr;
        const Way way = choose_way(g);
        if (g.M <= 0 || way == Way::dot || way == Way::rank_k_update) continue;
        most = max(most, ListOfOne<T>(g).plan.thread_bytes(g.M, g.N));
      }
    }
  }
  return most * threads;
}

template <class T>
std::int64_t steps_of(const BatchReduceArguments<T>& g) {
  std::int64_t steps = 0;
  for (std::int64_t i = 0; i < g.part_count; ++i) steps += g.parts[i].K;
  return steps;
}

// One block where C holds what an epilogue still reads.
template <class T>
std::int64_t list_k_limit(std::int64_t K, bool in_place) {
  return in_place ? max(K, 1) : Blocks<T>::KC;
}

template <class T>
void list_product(const BatchReduceArguments<T>& g, void* scratch, const Workers& workers) {
  if (g.M <= 0 || g.N <= 0) return;
  const std::int64_t K = steps_of(g);
  const BlockedPlan<T> plan(g, K, list_k_limit<T>(K, g.saved != nullptr && g.saved == g.c));
  blocked_product(g, plan, scratch, workers);
}

template <class T>
std::int64_t list_scratch_bytes(const BatchReduceArguments<T>& g, int threads) {
  if (g.M <= 0 || g.N <= 0) return 0;
  const std::int64_t K = steps_of(g);
  std::int64_t most = 0;
  for (const bool in_place : {false, g.packed_b == nullptr && g.gradient_of == Activation::relu}) {
    most = max(most, BlockedPlan<T>(g, K, list_k_limit<T>(K, in_place)).thread_bytes(g.M, g.N));
  }
  return most * threads;
}

}  // namespace

#define DLNATIVE_PRODUCT_OF(T)                                                                                  \
  std::int64_t gemm_scratch_bytes(const GemmArguments<T>& g, int threads) { return scratch_bytes(g, threads); } \
  std::int64_t gemm_packed_bytes(const GemmArguments<T>& g) {                                                   \
    return is_worth_prepacking(g) ? packed_size<T>(g.K, g.N) * static_cast<std::int64_t>(sizeof(T)) : 0;        \
  }                                                                                                             \
  void gemm_pack(const GemmArguments<T>& g, void* packed_b) {                                                   \
    const ListOfOne<T> one(g);                                                                                  \
    pack_whole_b(one.list.parts, 1, g.K, g.transpose_b, g.N, static_cast<T*>(packed_b));                        \
  }                                                                                                             \
  void gemm(const GemmArguments<T>& g, void* scratch, const Workers& workers) { product(g, scratch, workers); } \
  std::int64_t batch_reduce_scratch_bytes(const BatchReduceArguments<T>& g, int threads) {                      \
    return list_scratch_bytes(g, threads);                                                                      \
  }                                                                                                             \
  std::int64_t batch_reduce_packed_bytes(const BatchReduceArguments<T>& g) {                                    \
    return packed_size<T>(steps_of(g), g.N) * static_cast<std::int64_t>(sizeof(T));                             \
  }                                                                                                             \
  void batch_reduce_pack(const BatchReduceArguments<T>& g, void* packed_b) {                                    \
    pack_whole_b(g.parts, g.part_count, steps_of(g), g.transpose_b, g.N, static_cast<T*>(packed_b));            \
  }                                                                                                             \
  void batch_reduce(const BatchReduceArguments<T>& g, void* scratch, const Workers& workers) {                  \
    list_product(g, scratch, workers);                                                                          \
  }
DLNATIVE_PRODUCT_OF(float)
DLNATIVE_PRODUCT_OF(double)
#undef DLNATIVE_PRODUCT_OF

}  // namespace dlnative::DLNATIVE_ISA
