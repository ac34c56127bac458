// Convolutions as products (gemm/product.h): where a thread finds the pieces of an image, and of weights by taps, that
// it loads. What lies outside of the image counts as 0.
#pragma once

#include "gemm/product.h"
#include "ops/windows.h"

namespace dlnative::cuda {

// What an image is seen through: output q sees, by tap i of an axis, the pixel q * step + offset + i * offset_step.
struct TapAxis {
  std::int32_t extent, step, offset, offset_step;
};

// Where a pixel of output pixel `row` of a result lies.
struct Pixels {
  Divisor extents[3];  // last axis first

  __device__ __forceinline__ std::uint32_t split(std::uint32_t row, std::uint32_t (&at)[3]) const {
    DLN_UNROLL
    for (int axis = 2; axis >= 0; --axis) row = extents[2 - axis].divide(row, at[axis]);
    return row;
  }
};

template <class T>
struct Image {
  const T* data;
  TapAxis axes[3];
  std::int32_t C;  // channels of a pixel
  Pixels outputs;
  bool packs;  // packs of channels lie on multiples of 16 bytes, and in one tap

  // Where the pixel lies that an output with these places sees through a tap; negative where it is outside.
  __device__ __forceinline__ std::int64_t place(std::int32_t n, const std::int32_t (&from)[3],
                                                const std::uint32_t (&tap)[3]) const {
    std::int64_t at = n;
    bool inside = true;
    DLN_UNROLL
    for (int i = 0; i < 3; ++i) {
      const std::int32_t p = from[i] + static_cast<std::int32_t>(tap[i]) * axes[i].offset_step;
      inside = inside && p >= 0 && p < axes[i].extent;
      at = at * axes[i].extent + p;
    }
    return inside ? at * C : -1;
  }
  // The places of output `row`, without its taps.
  __device__ __forceinline__ std::int32_t places(std::uint32_t row, std::int32_t (&from)[3]) const {
    std::uint32_t at[3];
    const std::uint32_t n = outputs.split(row, at);
    DLN_UNROLL
    for (int i = 0; i < 3; ++i) from[i] = static_cast<std::int32_t>(at[i]) * axes[i].step + axes[i].offset;
    return static_cast<std::int32_t>(n);
  }
};

// k as (tap, channel).
struct Steps {
  Divisor channels, taps[3];  // taps: of the last axis first

  __device__ __forceinline__ std::int32_t split(std::uint32_t k, std::uint32_t (&tap)[3]) const {
    std::uint32_t channel;
    std::uint32_t rest = channels.divide(k, channel);
    DLN_UNROLL
    for (int axis = 2; axis >= 0; --axis) rest = taps[2 - axis].divide(rest, tap[axis]);
    return static_cast<std::int32_t>(channel);
  }
};

// Pieces of A whose rows are outputs: neighbours in k, side by side.
template <class Tile, int packs>
class WindowLoader {
 public:
  using T = typename Tile::T;

  __device__ __forceinline__ WindowLoader(const Image<T>& image, const Steps& steps, int t, int m0, int k0, int limit)
      : image_(image), steps_(steps), m_(t / side), k_(t % side * width), next_(k0 + k_) {
    DLN_UNROLL
    for (int i = 0; i < packs; ++i) {
      const int row = m0 + m_ + i * apart;
      inside_[i] = row < limit;
      n_[i] = inside_[i] ? image.places(static_cast<std::uint32_t>(row), from_[i]) : 0;
    }
  }
  __device__ __forceinline__ void load(int k_left) {
    std::uint32_t tap[3];
    if (image_.packs && k_ < k_left) {
      const std::int32_t channel = steps_.split(static_cast<std::uint32_t>(next_), tap);
      DLN_UNROLL
      for (int i = 0; i < packs; ++i) {
        const std::int64_t at = inside_[i] ? image_.place(n_[i], from_[i], tap) : -1;
        pack_[i] = Pack<T>{};
        if (at >= 0) pack_[i] = load_pack(image_.data + at + channel);
      }
    } else {
      DLN_UNROLL
      for (int v = 0; v < width; ++v) {
        const bool counts = k_ + v < k_left;
        const std::int32_t channel = counts ? steps_.split(static_cast<std::uint32_t>(next_ + v), tap) : 0;
        DLN_UNROLL
        for (int i = 0; i < packs; ++i) {
          const std::int64_t at = counts && inside_[i] ? image_.place(n_[i], from_[i], tap) : -1;
          pack_[i].at[v] = at >= 0 ? image_.data[at + channel] : T{0};
        }
      }
    }
    next_ += Tile::BK * Tile::slices;
  }
  template <class Rows>
  __device__ __forceinline__ void store(Rows& to) const {
    DLN_UNROLL
    for (int i = 0; i < packs; ++i) {
      DLN_UNROLL
      for (int v = 0; v < width; ++v) to[k_ + v][m_ + i * apart] = pack_[i].at[v];
    }
  }

 private:
  static constexpr int width = Tile::width, side = Tile::BK / width, apart = Tile::group / side;
  static_assert(Tile::group % side == 0);

  const Image<T>& image_;
  const Steps& steps_;
  int m_, k_, next_;
  std::int32_t n_[packs], from_[packs][3];
  bool inside_[packs];
  Pack<T> pack_[packs];
};

// Pieces of A whose rows are (tap, channel) and whose k is outputs: neighbours in rows, side by side.
template <class Tile, int packs>
class WindowColumnLoader {
 public:
  using T = typename Tile::T;

  __device__ __forceinline__ WindowColumnLoader(const Image<T>& image, const Steps& steps, int t, int m0, int k0,
                                                int limit)
      : image_(image),
        steps_(steps),
        m_(t % side * width),
        k_(t / side),
        row_(m0 + m_),
        limit_(limit),
        next_(k0 + k_) {}
  __device__ __forceinline__ void load(int k_left) {
    std::uint32_t tap[3];
    DLN_UNROLL
    for (int i = 0; i < packs; ++i) {
      pack_[i] = Pack<T>{};
      if (k_ + i * apart >= k_left) continue;
      std::int32_t from[3];
      const std::int32_t n = image_.places(static_cast<std::uint32_t>(next_ + i * apart), from);
      if (image_.packs) {
        if (row_ >= limit_) continue;
        const std::int32_t channel = steps_.split(static_cast<std::uint32_t>(row_), tap);
        const std::int64_t at = image_.place(n, from, tap);
        if (at >= 0) pack_[i] = load_pack(image_.data + at + channel);
        continue;
      }
      DLN_UNROLL
      for (int v = 0; v < width; ++v) {
        if (row_ + v >= limit_) continue;
        const std::int32_t channel = steps_.split(static_cast<std::uint32_t>(row_ + v), tap);
        const std::int64_t at = image_.place(n, from, tap);
        if (at >= 0) pack_[i].at[v] = image_.data[at + channel];
      }
    }
    next_ += Tile::BK * Tile::slices;
  }
  template <class Rows>
  __device__ __forceinline__ void store(Rows& to) const {
    DLN_UNROLL
    for (int i = 0; i < packs; ++i) store_pack(&to[k_ + i * apart][m_], pack_[i]);
  }

 private:
  static constexpr int width = Tile::width, side = Tile::BM / width, apart = Tile::group / side;
  static_assert(Tile::group % side == 0);

  const Image<T>& image_;
  const Steps& steps_;
  int m_, k_, row_, limit_, next_;
  Pack<T> pack_[packs];
};

// The weights of taps, each N x channels with rows of `ld`: neighbours in k, side by side.
template <class T>
struct TapWeights {
  const T* data;
  std::int32_t first[3], step[3], stride[3];  // taps of the window by number, and how far apart they lie
  std::int32_t ld;
  bool packs;

  __device__ __forceinline__ std::int64_t place(const std::uint32_t (&tap)[3]) const {
    std::int64_t at = 0;
    DLN_UNROLL
    for (int i = 0; i < 3; ++i) {
      at += std::int64_t{first[i] + static_cast<std::int32_t>(tap[i]) * step[i]} * stride[i];
    }
    return at;
  }
};
template <class Tile, int packs>
class WeightLoader {
 public:
  using T = typename Tile::T;

  __device__ __forceinline__ WeightLoader(const TapWeights<T>& weights, const Steps& steps, int t, int n0, int k0,
                                          int limit)
      : weights_(weights),
        steps_(steps),
        n_(t / side),
        k_(t % side * width),
        next_(k0 + k_),
        row_(n0 + n_),
        limit_(limit) {}
  __device__ __forceinline__ void load(int k_left) {
    std::uint32_t tap[3];
    if (weights_.packs && k_ < k_left) {
      const std::int64_t at = steps_.split(static_cast<std::uint32_t>(next_), tap) + weights_.place(tap);
      DLN_UNROLL
      for (int i = 0; i < packs; ++i) {
        const int row = row_ + i * apart;
        pack_[i] = Pack<T>{};
        if (row < limit_) pack_[i] = load_pack(weights_.data + at + std::int64_t{row} * weights_.ld);
      }
    } else {
      DLN_UNROLL
      for (int v = 0; v < width; ++v) {
        const bool counts = k_ + v < k_left;
        std::int64_t at = 0;
        if (counts) {
          at = steps_.split(static_cast<std::uint32_t>(next_ + v), tap);
          at += weights_.place(tap);
        }
        DLN_UNROLL
        for (int i = 0; i < packs; ++i) {
          const int row = row_ + i * apart;
          pack_[i].at[v] = counts && row < limit_ ? weights_.data[at + std::int64_t{row} * weights_.ld] : T{0};
        }
      }
    }
    next_ += Tile::BK * Tile::slices;
  }
  template <class Rows>
  __device__ __forceinline__ void store(Rows& to) const {
    DLN_UNROLL
    for (int i = 0; i < packs; ++i) {
      DLN_UNROLL
      for (int v = 0; v < width; ++v) to[k_ + v][n_ + i * apart] = pack_[i].at[v];
    }
  }

 private:
  static constexpr int width = Tile::width, side = Tile::BK / width, apart = Tile::group / side;
  static_assert(Tile::group % side == 0);

  const TapWeights<T>& weights_;
  const Steps& steps_;
  int n_, k_, next_, row_, limit_;
  Pack<T> pack_[packs];
};

// A product whose first operand is an image, seen through a window.
template <class T>
struct ImageProduct : Output<T> {
  Image<T> image;
  Steps steps;
  std::int32_t image_batch;

  __device__ __forceinline__ void enter_image(int batch) {
    image.data += batch * image_batch;
    this->enter_output(batch);
  }
};

// And whose second one is a matrix.
template <class T>
struct ImageMatrixProduct : ImageProduct<T> {
  const T* matrix;
  std::int32_t matrix_batch, ldb;
  bool packs_b;

  __device__ __forceinline__ void enter(int batch) {
    matrix += batch * matrix_batch;
    this->enter_image(batch);
  }
  template <class Tile>
  __device__ __forceinline__ auto b(int t, int n0, int k0) const {
    return Loader<Tile, Tile::BN, Tile::b_packs, true>(matrix, ldb, t, n0, k0, this->N, packs_b);
  }
};

// y = x seen through a window, times w.
template <class T>
struct ForwardProduct : ImageMatrixProduct<T> {
  template <class Tile>
  __device__ __forceinline__ auto a(int t, int m0, int k0) const {
    return WindowLoader<Tile, Tile::a_packs>(this->image, this->steps, t, m0, k0, this->M);
  }
};

// dx = dy seen through some taps, times their weights, in inputs that lie apart.
template <class T>
struct BackwardProduct : ImageProduct<T> {
  TapWeights<T> weights;
  std::int32_t weights_batch;
  std::int64_t sample, axis[3];  // where the result of a pixel lies

  __device__ __forceinline__ void enter(int batch) {
    weights.data += batch * weights_batch;
    this->enter_image(batch);
  }
  template <class Tile>
  __device__ __forceinline__ auto a(int t, int m0, int k0) const {
    return WindowLoader<Tile, Tile::a_packs>(this->image, this->steps, t, m0, k0, this->M);
  }
  template <class Tile>
  __device__ __forceinline__ auto b(int t, int n0, int k0) const {
    return WeightLoader<Tile, Tile::b_packs>(weights, this->steps, t, n0, k0, this->N);
  }
  __device__ __forceinline__ std::int64_t place(std::int32_t row) const {
    std::uint32_t at[3];
    std::int64_t where = this->image.outputs.split(static_cast<std::uint32_t>(row), at) * sample;
    DLN_UNROLL
    for (int i = 0; i < 3; ++i) where += at[i] * axis[i];
    return where;
  }
};

// dw = x seen through a window, transposed, times dy.
template <class T>
struct WeightProduct : ImageMatrixProduct<T> {
  template <class Tile>
  __device__ __forceinline__ auto a(int t, int m0, int k0) const {
    return WindowColumnLoader<Tile, Tile::a_packs>(this->image, this->steps, t, m0, k0, this->M);
  }
};

}  // namespace dlnative::cuda
