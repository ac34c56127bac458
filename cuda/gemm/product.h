// What a product's kernel is given: how its tiles are cut, where its operands lie, and what becomes of its result.
//
// A product is a type with
//   M, N, K, and what Output has
//   enter(batch)                   moves to the operands and the result of a batch
//   a<Tile>(t, m0, k0), b<...>     loaders of the pieces of A and B that begin there, for thread t of a group
//   place(row)                     where a row of the result begins
// A loader loads piece after piece of K into registers, and stores it in shared memory, k by k.
#pragma once

#include "device/device.h"
#include "device/scalar.h"
#include "dlnative/gemm.h"
#include "gemm/activate.h"

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
  // Which part of the tile a thread of a group computes, in units of packs: in patches of 4 x 8 a warp, if they fit.
  static constexpr bool patches = threads_n % 8 == 0 && threads_m % 4 == 0;
  static DLNATIVE_INLINE int column_of_thread(int t) {
    return patches ? t / 32 % (threads_n / (patches ? 8 : 1)) * 8 + t % 8 : t % threads_n;
  }
  static DLNATIVE_INLINE int row_of_thread(int t) {
    return patches ? t / 32 / (threads_n / (patches ? 8 : 1)) * 4 + t % 32 / 8 : t / threads_n;
  }
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

// What becomes of the sums, in this order: c += bias, c += residual, c = act(c), c *= act'(saved).
template <class T>
struct Output {
  T* c = nullptr;
  const T *bias = nullptr, *residual = nullptr, *saved = nullptr;
  T *column_sums = nullptr, *partials = nullptr;  // partials: the tiles of the parts of K, where it is split
  std::int64_t c_batch = 0, bias_batch = 0;
  double parameter = 0;
  std::int32_t M = 0, N = 0, K = 0, ldc = 0, splits = 1;
  Activation activation = Activation::linear, gradient_of = Activation::linear;
  bool packs_c = false;  // packs of the result and of what is joined with it lie on multiples of 16 bytes

  DLNATIVE_INLINE void enter_output(int batch) {
    c += batch * c_batch;
    if (bias != nullptr) bias += batch * bias_batch;
    if (residual != nullptr) residual += batch * c_batch;
    if (saved != nullptr) saved += batch * c_batch;
  }
  // Whether the formulas are more than relu and its gradient.
  DLNATIVE_INLINE bool has_formula() const { return activation > Activation::relu || gradient_of > Activation::relu; }
  DLNATIVE_INLINE std::int64_t place(std::int32_t row) const { return std::int64_t{row} * ldc; }
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

// C = op(A) op(B), of matrices.
template <class T, bool transpose_a, bool transpose_b>
struct MatrixProduct : Output<T> {
  const T *left, *right;
  std::int64_t left_batch, right_batch;
  std::int32_t lda, ldb;
  bool packs_a, packs_b;

  DLNATIVE_INLINE void enter(int batch) {
    left += batch * left_batch;
    right += batch * right_batch;
    this->enter_output(batch);
  }
  template <class Tile>
  __device__ __forceinline__ auto a(int t, int m0, int k0) const {
    return Loader<Tile, Tile::BM, Tile::a_packs, transpose_a>(left, lda, t, m0, k0, this->M, packs_a);
  }
  template <class Tile>
  __device__ __forceinline__ auto b(int t, int n0, int k0) const {
    return Loader<Tile, Tile::BN, Tile::b_packs, !transpose_b>(right, ldb, t, n0, k0, this->N, packs_b);
  }
};

// Reads `width` neighbouring elements of a row that ends at column N; `whole`: all of them, on a multiple of 16 bytes.
template <class T>
__device__ __forceinline__ Pack<T> read_pack(const T* from, std::int64_t place, int left, bool whole) {
  if (whole) return load_pack(from + place);
  Pack<T> pack;
  DLN_UNROLL
  for (int v = 0; v < pack_width<T>; ++v) pack.at[v] = v < left ? from[place + v] : T{0};
  return pack;
}
template <class T>
__device__ __forceinline__ void write_pack(T* to, std::int64_t place, int left, bool whole, const Pack<T>& pack) {
  if (whole) return store_pack(to + place, pack);
  DLN_UNROLL
  for (int v = 0; v < pack_width<T>; ++v) {
    if (v < left) to[place + v] = pack.at[v];
  }
}

// Finishes `width` neighbouring elements of C and writes them. Of formulas those that `formulas` allows; the others are
// left for apply_formulas.
template <bool formulas, class Product, class T>
__device__ __forceinline__ void finish(const Product& g, std::int32_t row, std::int32_t column, Pack<T> x) {
  constexpr int width = pack_width<T>;
  if (row >= g.M || column >= g.N) return;
  const std::int64_t at = g.place(row) + column;
  const int left = g.N - column;
  const bool whole = g.packs_c && left >= width;
  if (g.bias != nullptr) {
    const Pack<T> bias = read_pack(g.bias, column, left, whole);
    DLN_UNROLL
    for (int v = 0; v < width; ++v) x.at[v] += bias.at[v];
  }
  if (g.residual != nullptr) {
    const Pack<T> residual = read_pack(g.residual, at, left, whole);
    DLN_UNROLL
    for (int v = 0; v < width; ++v) x.at[v] += residual.at[v];
  }
  if (!g.has_formula()) {
    if (g.activation == Activation::relu) {
      DLN_UNROLL
      for (int v = 0; v < width; ++v) x.at[v] = fast_max(T{0}, x.at[v]);
    }
    if (g.saved != nullptr) {
      const Pack<T> saved = read_pack(g.saved, at, left, whole);
      DLN_UNROLL
      for (int v = 0; v < width; ++v) x.at[v] = saved.at[v] > T{0} ? x.at[v] : T{0};
    }
  } else if constexpr (formulas) {
    x = activated(g.activation, static_cast<T>(g.parameter), x);
    if (g.saved != nullptr) {
      x = times_derivative(g.gradient_of, static_cast<T>(g.parameter), x, read_pack(g.saved, at, left, whole));
    }
  }
  write_pack(g.c, at, left, whole, x);
}

// The formulas on elements that the same thread has written.
template <class Product>
__device__ __forceinline__ void apply_formulas(const Product& g, std::int32_t row, std::int32_t column) {
  using T = std::remove_pointer_t<decltype(g.c)>;
  if (row >= g.M || column >= g.N) return;
  const std::int64_t at = g.place(row) + column;
  const int left = g.N - column;
  const bool whole = g.packs_c && left >= pack_width<T>;
  const T* const from = g.c;
  Pack<T> x = activated(g.activation, static_cast<T>(g.parameter), read_pack(from, at, left, whole));
  if (g.saved != nullptr) {
    x = times_derivative(g.gradient_of, static_cast<T>(g.parameter), x, read_pack(g.saved, at, left, whole));
  }
  write_pack(g.c, at, left, whole, x);
}

}  // namespace dlnative::cuda
