// The innermost loop of a matrix product: a tile of C, `rows` x `vectors`, held in registers while k runs.
//
//   C[i][j] = first + sum over k of A[i][k] * B[k][j]        first: 0 or bias[j]; and then + C[i][j] of the blocks of k
//                                                            before
//
// Each step loads the vectors of one row of B and broadcasts one element of A for each row of the tile. Every element
// of C is one chain of multiply-adds in the order of k, whatever the shape of the tile: so tiles may be cut at will, by
// threads too, and the result is the same. C is asked for first and needed last, so that it comes while k runs.
//
// Where a product has to move data from the last cache it is done here, in the shadow of the arithmetic: the first
// tiles that read a block of B leave it packed for the others, and whole tiles ask for what the next panel of A is made
// of. With few steps of k there is no such shadow, and what is done once for each tile counts.
#pragma once

#include "gemm/tile.h"

namespace dlnative::DLNATIVE_ISA {

inline constexpr int line = 64;  // bytes of a cache line

// What will be read soon: with every `line` bytes of k, `pairs` times, the lines at `at` and `at + run` are asked for,
// and `at` moves on by `step`.
template <class T>
struct Ahead {
  const T* at;
  std::int64_t run, step, pairs;

  DLNATIVE_INLINE void ask() {
#pragma GCC unroll 1
    for (std::int64_t i = pairs; i > 0; --i, at += step) {
      __builtin_prefetch(at, 0, 2);
      __builtin_prefetch(at + run, 0, 2);
    }
  }
};

// The same for one tile after another: the first `shares` of them ask, each from `share` elements further on.
template <class T>
struct Request {
  Ahead<T> ahead{};
  std::int64_t share = 0, shares = 0;

  DLNATIVE_INLINE Ahead<T> next_share() {
    if (shares == 0) return {};
    --shares;
    const Ahead<T> now = ahead;
    ahead.at += share;
    return now;
  }
  DLNATIVE_INLINE void skip(std::int64_t count) {
    count = least(count, shares);
    shares -= count;
    ahead.at += count * share;
  }
};

// One tile, or several side by side, all as wide as the kernel: what they share is done once.
template <class T>
struct TileCall {
  std::int64_t tiles, K;
  const T* a;
  std::int64_t a_stride;  // between the rows of A where k is contiguous, between steps of k where rows are
  const T* b;
  std::int64_t b_stride;  // between steps of k,
  std::int64_t b_tile;    // and between tiles
  T* c;
  std::int64_t ldc;
  const T* bias;    // for the columns of the tile, or null
  const T* saved;   // the tile of y that a relu gave, whose derivative multiplies the result; or null
  int last_count;   // columns in the last vector
  bool accumulate;  // onto C
  bool relu;
  T* packed;  // where a packing kernel leaves the rows of B it reads
  Request<T> next_a;
};

// How the elements of A lie: rows apart by a stride and k contiguous, or the other way round.
enum class Layout { k_contiguous, rows_contiguous };

// What a tile does beside its multiply-adds. `nothing`: at most ask for C, all at once, where k leaves time for it.
// `ask`: for the next panel of A and, in portions, for C. `pack`: leave the rows of B it reads where the others find
// them; and ask, if A leaves slots for that.
enum class Beside { nothing, ask, pack };

// A in place takes every slot that a step has.
template <Layout layout>
inline constexpr bool may_ask = spare_slots && layout == Layout::rows_contiguous;

inline constexpr int steps_ahead = 7;     // how far ahead B is asked for, in steps of k,
inline constexpr int steps_packing = 24;  // where it comes from the last cache,
inline constexpr int a_ahead = 8;         // and an A whose rows are contiguous
inline constexpr int far_ahead = 64;      // steps of k that leave time to fetch a tile of C or the next panel
inline constexpr int c_rows_at_once = 4;  // rows of C asked for with each line of k, where that is spread out

// Keeps the compiler from turning this pointer and its neighbours into induction variables of their own: a tile has
// more rows than there are integer registers.
template <class T>
DLNATIVE_INLINE void keep_in_register(const T*& pointer) {
  __asm__("" : "+r"(pointer));
}

template <class T, int rows, int vectors, bool masked, Layout layout, Beside beside>
void tile_kernel(const TileCall<T>& call) {
  constexpr int L = lanes<T>;
  const int last_count = call.last_count;

  constexpr bool packing = beside == Beside::pack;
  constexpr bool asking = may_ask<layout> && beside != Beside::nothing;
  const std::int64_t K = call.K, ldc = call.ldc, stride = call.a_stride, b_stride = call.b_stride;
  std::int64_t third[(rows + 2) / 3];  // of every third row; x86 addresses the two after it by a scaled index
#pragma GCC unroll 8
  for (int i = 0; i < (rows + 2) / 3; ++i) third[i] = 3 * i * stride;
  const std::int64_t ahead = (packing ? steps_packing : steps_ahead) * b_stride, a_next = a_ahead * stride;
  T* c = call.c;
  const T *b_start = call.b, *bias = call.accumulate ? nullptr : call.bias, *saved = call.saved;
  T* packed = call.packed;
  Request<T> wanted = call.next_a;

  for (std::int64_t tile = call.tiles;;) {
    Vec<T> acc[rows][vectors] = {};
    const T* c_ahead = c;
    const auto ask_for_row = [&]() __attribute__((always_inline)) {
      for (int j = 0; j < vectors; j += line / vector_bytes) __builtin_prefetch(c_ahead + j * L, 1);
      c_ahead += ldc;
    };
    if (!asking && K >= far_ahead) {
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i) ask_for_row();
    }
    if (bias != nullptr) {
      load_vectors<masked>(bias, acc[0], last_count);
#pragma GCC unroll 16
      for (int i = 1; i < rows; ++i) {
        for (int j = 0; j < vectors; ++j) acc[i][j] = acc[0][j];
      }
    }

    const T *a = call.a, *b = b_start;
    const auto step = [&]() __attribute__((always_inline)) {
      Vec<T> row[vectors];
      load_vectors<masked>(b, row, last_count);
      b += b_stride;
      if constexpr (packing) {
        for (int j = 0; j < vectors; ++j) store(packed + j * L, row[j]);
        packed += vectors * L;
      }
#pragma GCC unroll 16
      for (int j = 0; j < vectors; j += line / vector_bytes) __builtin_prefetch(b + ahead + j * L);
      keep_in_register(a);
      for (int i = 0; asking && i < rows; i += line / static_cast<int>(sizeof(T))) __builtin_prefetch(a + a_next + i);
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i) {
        const Vec<T> x = broadcast(layout == Layout::k_contiguous ? (a + third[i / 3])[i % 3 * stride] : a[i]);
#pragma GCC unroll 16
        for (int j = 0; j < vectors; ++j) acc[i][j] = fma(x, row[j], acc[i][j]);
      }
      a += layout == Layout::k_contiguous ? 1 : stride;
    };
    constexpr std::int64_t stretch = line / static_cast<int>(sizeof(T));
    if constexpr (asking) {
      Ahead<T> next_a = wanted.next_share();
      int c_turns = (rows + c_rows_at_once - 1) / c_rows_at_once;
#pragma GCC unroll 1
      for (std::int64_t left = K; left > 0;) {
        std::int64_t steps = least(left, stretch);
        left -= steps;
        next_a.ask();
        if (c_turns > 0) {
          --c_turns;
          for (int i = 0; i < c_rows_at_once; ++i) ask_for_row();
        }
#pragma GCC unroll 1
        for (; steps > 0; --steps) step();
      }
    } else {
#pragma GCC unroll 1
      for (std::int64_t left = K; left > 0; --left) step();
    }

    if (call.accumulate) {
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i) {
        Vec<T> before[vectors];
        load_vectors<masked>(c + i * ldc, before, last_count);
        for (int j = 0; j < vectors; ++j) acc[i][j] += before[j];
      }
    }
    if (call.relu) {
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i) {
        for (int j = 0; j < vectors; ++j) acc[i][j] = fast_max(Vec<T>{}, acc[i][j]);
      }
    }
    if (saved != nullptr) {
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i) {
        Vec<T> y[vectors];
        load_vectors<masked>(saved + i * ldc, y, last_count);
        for (int j = 0; j < vectors; ++j) acc[i][j] = select(y[j] > T{0}, acc[i][j], Vec<T>{});
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
      store_vectors<masked>(c + i * ldc, acc[i], last_count);
    }
    if (--tile == 0) return;
    c += vectors * L;
    b_start += call.b_tile;
    if (bias != nullptr) bias += vectors * L;
    if (saved != nullptr) saved += vectors * L;
  }
}

}  // namespace dlnative::DLNATIVE_ISA
