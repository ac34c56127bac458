// The innermost loop of every product: a tile of C, `rows` x `vectors`, held in registers while k runs through the
// parts of a list.
//
//   C[i][j] = first + sum over parts, sum over k of A[i][k] * B[k][j]     first: 0 or bias[j]; and then + C[i][j] of
//   the
//                                                                         blocks of k before
//
// Each step loads the vectors of one row of B and broadcasts one element of A for each row of the tile. Every element
// of C is one chain of multiply-adds in the order of the parts and of k, whatever the shape of the tile: so tiles may
// be cut at will, by threads too, and the result is the same. C is prefetched first and needed last, so that it comes
// while k runs; and so is what the next panel of A is made of, a share with each tile.
#pragma once

#include "gemm/core/epilogue.h"
#include "gemm/core/tile.h"

namespace dlnative::DLNATIVE_ISA {

// `runs` pieces of memory, `run_lines` cache lines long and `step` bytes apart, prefetched a few lines at a time.
struct PrefetchCursor {
  const char* at = nullptr;
  std::int64_t run_lines = 0, step = 0, runs = 0;
  std::int64_t lines_each = 0;  // at a time
  std::int64_t line = 0;        // of the run that it is in

  DLNATIVE_INLINE void next() {
    for (std::int64_t i = lines_each; i > 0 && runs > 0; --i) {
      __builtin_prefetch(at + line * cache_line, 0, 2);
      if (++line < run_lines) continue;
      line = 0;
      at += step;
      --runs;
    }
  }
};

// One tile, or several side by side, all as wide as the kernel: what they share is done once.
template <class T>
struct TileCall {
  std::int64_t tiles;
  const Part<T>* parts;
  std::int64_t part_count;
  std::int64_t k0, K;          // the first step, if it is one part, and the steps of all parts together
  const T* a;                  // A packed, of all parts one behind the other; or null: each part's own,
  std::int64_t row, line;      // from here on
  std::int64_t a_row, a_step;  // strides of a packed A
  const T* b;                  // B packed in the same way; or null: each part's own,
  std::int64_t column;         // from here on, for the first tile
  std::int64_t b_tile;         // from tile to tile
  std::int64_t b_stride;       // from step to step, of a packed B
  T* c;
  std::int64_t ldc;
  RegisterEpilogue<T> epilogue;  // of the first tile
  int last_count;                // columns in the last vector
  bool accumulate;               // onto C; then without bias
  T* packed;                     // where a packing kernel leaves the rows of B it reads
  PrefetchCursor* next_a;        // or null
};

// What a kernel takes for granted. Strides that are constants spare an addition for each of them and step, so four
// steps are unrolled there.
enum class Operands {
  strided,          // nothing
  rows_contiguous,  // rows of A side by side: A transposed, or packed
  along_k,          // steps of k side by side in A; B packed in panels of NR columns
  packed            // both packed, A in panels as wide as the tile
};

inline constexpr int prefetch_steps = 7;           // how far ahead B is prefetched, in steps of k,
inline constexpr int prefetch_steps_packing = 24;  // where it comes from beyond L2,
inline constexpr int prefetch_steps_unrolled = 8;  // and where the loop is unrolled
inline constexpr int prefetch_min_k = 64;          // steps of k that leave time to fetch a tile of C
inline constexpr int steps_of_portion = 64, c_rows_of_portion = 4;

// Keeps the compiler from turning this pointer and its neighbours into induction variables of their own: a tile has
// more rows than there are integer registers.
template <class T>
DLNATIVE_INLINE void keep_in_register(const T*& pointer) {
  __asm__("" : "+r"(pointer));
}

// sum += a * b in the register where the sum is. GCC 12 moves and spills the sums of unrolled steps when it may choose.
DLNATIVE_INLINE void accumulate(Vec<float>& sum, Vec<float> a, Vec<float> b) {
#if defined(DLNATIVE_ISA_AVX512) || defined(DLNATIVE_ISA_AVX2)
  __asm__("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
#else
  sum = fma(a, b, sum);
#endif
}
DLNATIVE_INLINE void accumulate(Vec<double>& sum, Vec<double> a, Vec<double> b) {
#if defined(DLNATIVE_ISA_AVX512) || defined(DLNATIVE_ISA_AVX2)
  __asm__("vfmadd231pd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
#else
  sum = fma(a, b, sum);
#endif
}

template <class T, int rows, int vectors, bool masked, Operands operands, bool packing>
void tile_kernel(const TileCall<T>& call) {
  constexpr int L = lanes<T>, width = vectors * L, thirds = (rows + 2) / 3;
  constexpr bool unrolled = operands == Operands::along_k || operands == Operands::packed;
  constexpr bool side_by_side = operands == Operands::rows_contiguous || operands == Operands::packed;
  static_assert(!(unrolled && (masked || packing)));
  const int last_count = call.last_count;
  const std::int64_t ldc = call.ldc;
  RegisterEpilogue<T> epilogue = call.epilogue;
  T* c = call.c;
  T* packed = call.packed;
  const T* b_start = call.b;
  std::int64_t column = call.column;

  std::int64_t a_row = call.a_row, a_step = call.a_step, b_stride = call.b_stride, steps_of_part = call.K;
  const T *a_part = nullptr, *b_part = nullptr;
  const auto enter = [&](const Part<T>& part) __attribute__((always_inline)) {
    if (call.part_count > 1) steps_of_part = part.K;
    if (call.a == nullptr) {
      a_row = part.a_row;
      a_step = part.a_step;
      a_part = part.a + call.line * part.a_line + call.row * a_row + call.k0 * a_step;
    }
    if (call.b == nullptr) {
      b_stride = part.ldb;
      b_part = part.b + call.k0 * b_stride;
    }
  };
  if (call.part_count == 1) enter(call.parts[0]);

  for (std::int64_t tile = call.tiles;;) {
    Vec<T> acc[rows][vectors] = {};
    const T* c_row = c;
    int c_rows = call.K >= prefetch_min_k ? rows : 0;  // still to be prefetched
    const auto prefetch_c = [&](int count) __attribute__((always_inline)) {
      for (; count > 0 && c_rows > 0; --count, --c_rows, c_row += ldc) {
        for (int j = 0; j < vectors; j += cache_line / vector_bytes) __builtin_prefetch(c_row + j * L, 1);
      }
    };
    if constexpr (!unrolled) prefetch_c(rows);
    if (epilogue.bias != nullptr && !call.accumulate) {
      Vec<T> bias[vectors];
      load_vectors<masked>(epilogue.bias, bias, last_count);
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i) {
        for (int j = 0; j < vectors; ++j) acc[i][j] = bias[j];
      }
    }

    const T *a = call.a, *b = b_start;
    for (std::int64_t index = 0; index < call.part_count; ++index) {
      if (call.part_count > 1) enter(call.parts[index]);
      if (call.a == nullptr) a = a_part;
      if (b_start == nullptr) b = b_part + column;
      const T* third[thirds];  // of every third row; x86 addresses the two after it by a scaled index
#pragma GCC unroll 8
      for (int i = 0; i < thirds; ++i) third[i] = a + 3 * i * a_row;
      const std::int64_t ahead = (packing ? prefetch_steps_packing : prefetch_steps) * b_stride;
      // One step of k, `offset` steps after where a and b are.
      const auto step = [&](int offset) __attribute__((always_inline)) {
        Vec<T> row[vectors];
        const T* const from = unrolled ? b + offset * width : b;
        load_vectors<masked>(from, row, last_count);
        if constexpr (packing) {
          for (int j = 0; j < vectors; ++j) store(packed + j * L, row[j]);
          packed += width;
        }
#pragma GCC unroll 16
        for (int j = 0; j < vectors; j += cache_line / vector_bytes) {
          __builtin_prefetch(from + (unrolled ? prefetch_steps_unrolled * width : ahead) + j * L);
        }
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
          const T* const element = side_by_side ? a + (unrolled ? offset * rows : 0) + i
                                                : third[i / 3] + i % 3 * a_row + (unrolled ? offset : 0);
          const Vec<T> x = broadcast(*element);
#pragma GCC unroll 16
          for (int j = 0; j < vectors; ++j) {
            if constexpr (unrolled) {
              accumulate(acc[i][j], x, row[j]);
            } else {
              acc[i][j] = fma(x, row[j], acc[i][j]);
            }
          }
        }
      };
      const auto advance = [&](int steps) __attribute__((always_inline)) {
        b += unrolled ? steps * width : b_stride;
        if constexpr (side_by_side) {
          a += unrolled ? steps * rows : a_step;
          keep_in_register(a);
        } else {
#pragma GCC unroll 8
          for (int i = 0; i < thirds; ++i) {
            third[i] += unrolled ? steps : a_step;
            keep_in_register(third[i]);
          }
        }
      };
      std::int64_t left = steps_of_part;
      if constexpr (unrolled) {
        // A burst of prefetches stops every load behind it, so they come in portions.
#pragma GCC unroll 1
        while (left >= 4) {
          std::int64_t portion = (left < steps_of_portion ? left : steps_of_portion) / 4;
          left -= 4 * portion;
          prefetch_c(c_rows_of_portion);
          if (call.next_a != nullptr) call.next_a->next();
#pragma GCC unroll 1
          for (; portion > 0; --portion) {
#pragma GCC unroll 4
            for (int offset = 0; offset < 4; ++offset) {
              step(offset);
              __asm__ volatile("" ::: "memory");  // the next step's loads stay behind
            }
            advance(4);
          }
        }
      }
#pragma GCC unroll 1
      for (; left > 0; --left) {
        step(0);
        advance(1);
      }
      if constexpr (!side_by_side) a = third[0];  // where a packed A goes on
    }

    if (call.accumulate) {
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i) {
        Vec<T> before[vectors];
        load_vectors<masked>(c + i * ldc, before, last_count);
        for (int j = 0; j < vectors; ++j) acc[i][j] += before[j];
      }
    }
    if (epilogue.relu) {
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i) {
        for (int j = 0; j < vectors; ++j) acc[i][j] = fast_max(Vec<T>{}, acc[i][j]);
      }
    }
    if (epilogue.saved != nullptr) {
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i) {
        Vec<T> y[vectors];
        load_vectors<masked>(epilogue.saved + i * ldc, y, last_count);
        for (int j = 0; j < vectors; ++j) acc[i][j] = select(y[j] > T{0}, acc[i][j], Vec<T>{});
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) store_vectors<masked>(c + i * ldc, acc[i], last_count);
    if (--tile == 0) return;
    c += width;
    column += call.b_tile;
    if (b_start != nullptr) b_start += call.b_tile;
    epilogue.advance(width);
  }
}

}  // namespace dlnative::DLNATIVE_ISA
