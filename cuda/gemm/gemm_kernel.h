// One product, C = epilogue(op(A) op(B)), by multiply-adds in registers.
//
// A block computes a tile of BM x BN. Its threads form `slices` groups that share out K: group s takes every slices-th
// piece of BK, so that a small C still keeps a multiprocessor busy. Within a group a thread computes TM x TN of the
// tile from pieces of A and B in shared memory, kept k by k, so that what it reads there is 16 bytes wide:
//
//   for each piece:  load the next piece of A and B into registers
//                    for k in BK:  TM of A, TN of B;  acc += outer product
//                    put the loaded piece into the other half of shared memory;  barrier
//   C tile = sum of the groups' tiles, in order, through shared memory;  epilogue;  write
//
// Elements past an edge count as 0. The scheme is that of Volkov & Demmel, "Benchmarking GPUs to tune dense linear
// algebra", SC 2008; CUTLASS calls the groups sliced-K.
#pragma once

#include "device/device.h"
#include "device/scalar.h"
#include "dlnative/gemm.h"

namespace dlnative::cuda {

template <class T_, int BM_, int BN_, int BK_, int TM_, int TN_, int slices_, int blocks_>
struct Tile {
  using T = T_;
  static constexpr int BM = BM_, BN = BN_, BK = BK_, TM = TM_, TN = TN_, slices = slices_;
  static constexpr int blocks = blocks_;  // that a multiprocessor is to hold at once: bounds the registers
  static constexpr int width = pack_width<T>;
  static constexpr int threads_n = BN / TN, threads_m = BM / TM;
  static constexpr int group = threads_m * threads_n;
  static constexpr int threads = group * slices;
  static constexpr int a_packs = BM * BK / width / group, b_packs = BN * BK / width / group;  // a thread loads
  static_assert(TM % width == 0 && TN % width == 0 && BK % width == 0);
  static_assert(a_packs * width * group == BM * BK && b_packs * width * group == BN * BK);

  // A row is longer than the tile, so that the transposing store of a warp meets few banks twice.
  struct Piece {
    T a[BK][BM + width], b[BK][BN + width];
  };
  union Shared {
    Piece piece[slices][2];
    T part[slices][BM][BN];
  };
  // The groups' tiles need it only where there are several.
  static constexpr std::size_t shared_bytes = slices > 1 ? sizeof(Shared) : sizeof(Piece) * 2;
  static_assert(sizeof(Piece) * 2 >= sizeof(T) * BN);
};

// What a kernel needs of the arguments, in 32 bits.
template <class T>
struct GemmCall {
  const T *a, *b, *bias, *residual, *saved;
  T *c, *column_sums;
  std::int64_t a_batch, b_batch, c_batch;
  std::int32_t M, N, K, lda, ldb, ldc;
  bool packs_a, packs_b, packs_c;  // whether packs of them lie on multiples of 16 bytes
  bool relu;
};

// The part of an operand that a group loads: `extent` rows (of A) or columns (of B) by BK, piece after piece of K.
// across: the elements of one k lie side by side, else those of one row or column.
template <class Tile, int extent, int packs, bool across>
class Loader {
 public:
  using T = typename Tile::T;

  // From row or column m0 on, of `limit`, beginning with k0; `aligned`: packs lie on multiples of 16 bytes.
  __device__ __forceinline__ Loader(const T* from, std::int32_t ld, int t, int m0, int k0, int limit, bool aligned)
      : m_(across ? t % side * width : t / side),
        k_(across ? t / side : t % side * width),
        left_(limit - m0 - m_),
        apart_(std::int64_t{ld} * apart),
        step_(across ? std::int64_t{ld} * Tile::BK * Tile::slices : Tile::BK * Tile::slices),
        at_(from + (across ? std::int64_t{k0 + k_} * ld + m0 + m_ : std::int64_t{m0 + m_} * ld + k0 + k_)),
        whole_(aligned && m0 + extent <= limit) {}

  // Loads a piece that has k_left elements of K, and moves on to the next.
  __device__ __forceinline__ void load(int k_left) {
    if (whole_ && k_left >= Tile::BK) {
      DLN_UNROLL
      for (int i = 0; i < packs; ++i) pack_[i] = load_pack(at_ + i * apart_);
    } else {
      DLN_UNROLL
      for (int i = 0; i < packs; ++i) {
        DLN_UNROLL
        for (int v = 0; v < width; ++v) {
          const bool inside = across ? v < left_ && k_ + i * apart < k_left : i * apart < left_ && k_ + v < k_left;
          pack_[i].at[v] = inside ? at_[i * apart_ + v] : T{0};
        }
      }
    }
    at_ += step_;
  }
  template <class Rows>
  __device__ __forceinline__ void store(Rows& to) const {
    DLN_UNROLL
    for (int i = 0; i < packs; ++i) {
      if constexpr (across) {
        store_pack(&to[k_ + i * apart][m_], pack_[i]);
      } else {
        DLN_UNROLL
        for (int v = 0; v < width; ++v) to[k_ + v][m_ + i * apart] = pack_[i].at[v];
      }
    }
  }

 private:
  static constexpr int width = Tile::width;
  static constexpr int side = (across ? extent : Tile::BK) / width;  // packs that lie side by side
  static constexpr int apart = Tile::group / side;                   // rows from one pack of a thread to the next
  static_assert(Tile::group % side == 0);

  int m_, k_;  // of the first pack in the piece
  int left_;   // rows or columns from there to the edge
  std::int64_t apart_, step_;
  const T* at_;
  bool whole_;
  Pack<T> pack_[packs];
};

// Finishes `width` neighbouring elements of C and writes them.
template <class T>
__device__ __forceinline__ void finish(const GemmCall<T>& g, std::int32_t row, std::int32_t column, Pack<T> x) {
  constexpr int width = pack_width<T>;
  if (row >= g.M || column >= g.N) return;
  const std::int64_t at = std::int64_t{row} * g.ldc + column;
  const bool whole = g.packs_c && column + width <= g.N;
  const auto read = [&](const T* from, std::int64_t place) {
    Pack<T> pack;
    if (whole) {
      pack = load_pack(from + place);
    } else {
      DLN_UNROLL
      for (int v = 0; v < width; ++v) pack.at[v] = column + v < g.N ? from[place + v] : T{0};
    }
    return pack;
  };
  if (g.bias != nullptr) {
    const Pack<T> bias = read(g.bias, column);
    DLN_UNROLL
    for (int v = 0; v < width; ++v) x.at[v] += bias.at[v];
  }
  if (g.residual != nullptr) {
    const Pack<T> residual = read(g.residual, at);
    DLN_UNROLL
    for (int v = 0; v < width; ++v) x.at[v] += residual.at[v];
  }
  if (g.relu) {
    DLN_UNROLL
    for (int v = 0; v < width; ++v) x.at[v] = fast_max(T{0}, x.at[v]);
  }
  if (g.saved != nullptr) {
    const Pack<T> saved = read(g.saved, at);
    DLN_UNROLL
    for (int v = 0; v < width; ++v) x.at[v] = saved.at[v] > T{0} ? x.at[v] : T{0};
  }
  if (whole) {
    store_pack(g.c + at, x);
  } else {
    DLN_UNROLL
    for (int v = 0; v < width; ++v) {
      if (column + v < g.N) g.c[at + v] = x.at[v];
    }
  }
}

// with_sums: the first row of blocks also adds up the columns of B, a bias gradient.
template <class Tile, bool transpose_a, bool transpose_b, bool with_sums>
__global__ void __launch_bounds__(Tile::threads, Tile::blocks) gemm_kernel(GemmCall<typename Tile::T> g) {
  using T = typename Tile::T;
  constexpr int width = Tile::width, BM = Tile::BM, BN = Tile::BN, BK = Tile::BK, TM = Tile::TM, TN = Tile::TN;
  wait_for_previous_kernel();
  auto& s = shared<typename Tile::Shared>();
  g.a += blockIdx.z * g.a_batch;
  g.b += blockIdx.z * g.b_batch;
  g.c += blockIdx.z * g.c_batch;
  const int slice = static_cast<int>(threadIdx.x) / Tile::group, t = static_cast<int>(threadIdx.x) % Tile::group;
  const int tn = t % Tile::threads_n * width, tm = t / Tile::threads_n * width;
  const int m0 = static_cast<int>(blockIdx.y) * BM, n0 = static_cast<int>(blockIdx.x) * BN;
  auto& piece = s.piece[slice];

  T acc[TM][TN];
  DLN_UNROLL
  for (int i = 0; i < TM; ++i) {
    DLN_UNROLL
    for (int j = 0; j < TN; ++j) acc[i][j] = 0;
  }
  [[maybe_unused]] T sums[with_sums ? TN : 1];
  if constexpr (with_sums) {
    DLN_UNROLL
    for (int j = 0; j < TN; ++j) sums[j] = 0;
  }

  constexpr int step = BK * Tile::slices;
  const int pieces = (g.K + step - 1) / step, k0 = slice * BK;
  Loader<Tile, BM, Tile::a_packs, transpose_a> a(g.a, g.lda, t, m0, k0, g.M, g.packs_a);
  Loader<Tile, BN, Tile::b_packs, !transpose_b> b(g.b, g.ldb, t, n0, k0, g.N, g.packs_b);
  int k_left = g.K - k0;
  a.load(k_left);
  b.load(k_left);
  a.store(piece[0].a);
  b.store(piece[0].b);
  __syncthreads();
  for (int p = 0; p < pieces; ++p) {
    const bool more = p + 1 < pieces;
    if (more) {
      k_left -= step;
      a.load(k_left);
      b.load(k_left);
    }
    const auto& now = piece[p % 2];
    DLN_UNROLL
    for (int k = 0; k < BK; ++k) {
      T x[TM], y[TN];
      DLN_UNROLL
      for (int i = 0; i < TM; i += width) {
        const Pack<T> pack = load_pack(&now.a[k][i * Tile::threads_m + tm]);
        DLN_UNROLL
        for (int v = 0; v < width; ++v) x[i + v] = pack.at[v];
      }
      DLN_UNROLL
      for (int j = 0; j < TN; j += width) {
        const Pack<T> pack = load_pack(&now.b[k][j * Tile::threads_n + tn]);
        DLN_UNROLL
        for (int v = 0; v < width; ++v) y[j + v] = pack.at[v];
      }
      DLN_UNROLL
      for (int i = 0; i < TM; ++i) {
        DLN_UNROLL
        for (int j = 0; j < TN; ++j) acc[i][j] = fma(x[i], y[j], acc[i][j]);
      }
      if constexpr (with_sums) {
        DLN_UNROLL
        for (int j = 0; j < TN; ++j) sums[j] += y[j];
      }
    }
    if (more) {
      auto& next = piece[(p + 1) % 2];
      a.store(next.a);
      b.store(next.b);
    }
    __syncthreads();
  }

  // Row i and column j of the thread's part, in the tile.
  const auto row_of = [&](int i) { return i / width * width * Tile::threads_m + tm + i % width; };
  const auto column_of = [&](int j) { return j / width * width * Tile::threads_n + tn + j % width; };
  const auto pack_of = [&](int i, int j) {
    Pack<T> pack;
    DLN_UNROLL
    for (int v = 0; v < width; ++v) pack.at[v] = acc[i][j + v];
    return pack;
  };
  if constexpr (with_sums) {
    if (blockIdx.y == 0) {
      auto& of_slices = reinterpret_cast<T(&)[Tile::slices][BN]>(s);
      if (tm == 0) {  // all threads of a column have the same sums
        DLN_UNROLL
        for (int j = 0; j < TN; ++j) of_slices[slice][column_of(j)] = sums[j];
      }
      __syncthreads();
      for (int n = static_cast<int>(threadIdx.x); n < BN && n0 + n < g.N; n += Tile::threads) {
        T total = of_slices[0][n];
        for (int other = 1; other < Tile::slices; ++other) total += of_slices[other][n];
        g.column_sums[n0 + n] = total;
      }
      __syncthreads();
    }
  }
  if constexpr (Tile::slices == 1) {
    DLN_UNROLL
    for (int i = 0; i < TM; ++i) {
      DLN_UNROLL
      for (int j = 0; j < TN; j += width) finish(g, m0 + row_of(i), n0 + column_of(j), pack_of(i, j));
    }
  } else {
    DLN_UNROLL
    for (int i = 0; i < TM; ++i) {
      DLN_UNROLL
      for (int j = 0; j < TN; j += width) store_pack(&s.part[slice][row_of(i)][column_of(j)], pack_of(i, j));
    }
    __syncthreads();
    for (int index = static_cast<int>(threadIdx.x); index < BM * BN / width; index += Tile::threads) {
      const int row = index / (BN / width), column = index % (BN / width) * width;
      Pack<T> total = load_pack(&s.part[0][row][column]);
      DLN_UNROLL
      for (int other = 1; other < Tile::slices; ++other) {
        const Pack<T> part = load_pack(&s.part[other][row][column]);
        DLN_UNROLL
        for (int v = 0; v < width; ++v) total.at[v] += part.at[v];
      }
      finish(g, m0 + row, n0 + column, total);
    }
  }
}

}  // namespace dlnative::cuda
