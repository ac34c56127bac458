// Convolution of images with channels last and its gradients, as products whose left operand is found in the image;
// csrc/ops/convolution.cpp says what each op computes.
//
//   conv                  rows are output pixels, k is (tap, channel): x where the tap sees it, 0 outside
//   conv_input_gradient   the same over dy with the taps that meet an input; with strides, one product for each
//   remainder
//                         of the input's place, over the taps of the window that it meets
//   conv_weight_gradient  rows are (tap, channel), k is output pixels of all samples, of which blocks sum parts
//
// The kernel is that of matrix products (gemm/gemm_kernel.h), with its tiles and its epilogue; what differs is where a
// thread finds the pieces that it loads. Groups of channels are a batch.
#include "gemm/enqueue_tile.h"
#include "ops/epilogue.h"
#include "ops/windows.h"

namespace dlnative::cuda {
namespace {

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

// y = x seen through a window, times w.
template <class T>
struct ForwardProduct : Output<T> {
  Image<T> image;
  Steps steps;
  const T* weights;
  std::int32_t image_batch, weights_batch, ldb;
  bool packs_b;

  __device__ __forceinline__ void enter(int batch) {
    image.data += batch * image_batch;
    weights += batch * weights_batch;
    this->enter_output(batch);
  }
  template <class Tile>
  __device__ __forceinline__ auto a(int t, int m0, int k0) const {
    return WindowLoader<Tile, Tile::a_packs>(image, steps, t, m0, k0, this->M);
  }
  template <class Tile>
  __device__ __forceinline__ auto b(int t, int n0, int k0) const {
    return Loader<Tile, Tile::BN, Tile::b_packs, true>(weights, ldb, t, n0, k0, this->N, packs_b);
  }
};

// dx = dy seen through some taps, times their weights, in inputs that lie apart.
template <class T>
struct BackwardProduct : Output<T> {
  Image<T> image;
  Steps steps;
  TapWeights<T> weights;
  std::int32_t image_batch, weights_batch;
  std::int64_t sample, axis[3];  // where the result of a pixel lies

  __device__ __forceinline__ void enter(int batch) {
    image.data += batch * image_batch;
    weights.data += batch * weights_batch;
    this->enter_output(batch);
  }
  template <class Tile>
  __device__ __forceinline__ auto a(int t, int m0, int k0) const {
    return WindowLoader<Tile, Tile::a_packs>(image, steps, t, m0, k0, this->M);
  }
  template <class Tile>
  __device__ __forceinline__ auto b(int t, int n0, int k0) const {
    return WeightLoader<Tile, Tile::b_packs>(weights, steps, t, n0, k0, this->N);
  }
  __device__ __forceinline__ std::int64_t place(std::int32_t row) const {
    std::uint32_t at[3];
    std::int64_t where = image.outputs.split(static_cast<std::uint32_t>(row), at) * sample;
    DLN_UNROLL
    for (int i = 0; i < 3; ++i) where += at[i] * axis[i];
    return where;
  }
};

// dw = x seen through a window, transposed, times dy.
template <class T>
struct WeightProduct : Output<T> {
  Image<T> image;
  Steps steps;
  const T* arriving;
  std::int32_t image_batch, arriving_batch, ldb;
  bool packs_b;

  __device__ __forceinline__ void enter(int batch) {
    image.data += batch * image_batch;
    arriving += batch * arriving_batch;
    this->enter_output(batch);
  }
  template <class Tile>
  __device__ __forceinline__ auto a(int t, int m0, int k0) const {
    return WindowColumnLoader<Tile, Tile::a_packs>(image, steps, t, m0, k0, this->M);
  }
  template <class Tile>
  __device__ __forceinline__ auto b(int t, int n0, int k0) const {
    return Loader<Tile, Tile::BN, Tile::b_packs, true>(arriving, ldb, t, n0, k0, this->N, packs_b);
  }
};

Divisor divisor(std::int64_t x) { return Divisor(static_cast<std::uint32_t>(x < 1 ? 1 : x)); }
template <class T>
bool in_packs(const void* data, std::int64_t stride) {
  return is_aligned(data) && stride % pack_width<T> == 0;
}

template <class T>
Image<T> image_of(const View& x, const std::int64_t (&extents)[3], const std::int64_t (&outputs)[3],
                  const std::int64_t (&step)[3], const Taps (&taps)[3], std::int64_t channels) {
  Image<T> image{};
  image.data = x.as<const T>();
  image.C = static_cast<std::int32_t>(x.extent(-1));
  for (int i = 0; i < 3; ++i) {
    image.axes[i] = {static_cast<std::int32_t>(extents[i]), static_cast<std::int32_t>(step[i]),
                     static_cast<std::int32_t>(taps[i].offset), static_cast<std::int32_t>(taps[i].offset_step)};
    image.outputs.extents[2 - i] = divisor(outputs[i]);
  }
  image.packs = in_packs<T>(x.data, channels) && x.extent(-1) % pack_width<T> == 0;
  return image;
}
Steps steps_of(const Taps (&taps)[3], std::int64_t channels) {
  return {divisor(channels), {divisor(taps[2].count), divisor(taps[1].count), divisor(taps[0].count)}};
}

// What is common to all three: geometry, channels and filters of a group.
template <class T>
struct Geometry {
  Windows windows;
  std::int64_t groups, C, F, in[3], out[3], stride[3];
  Taps taps[3];

  Geometry(const Call& call, const View& image, const View& result, const std::int64_t* window)
      : windows(call, image, result, window), groups(*Windows::rest(call)), C(image.extent(-1)), F(result.extent(-1)) {
    for (int i = 0; i < 3; ++i) {
      const Axis& axis = windows.axes[i];
      in[i] = axis.in;
      out[i] = axis.out;
      stride[i] = axis.stride;
      taps[i] = forward_taps(axis);
    }
  }
  std::int64_t channels() const { return C / groups; }
  std::int64_t filters() const { return F / groups; }
  std::int64_t steps() const { return windows.window() * channels(); }
  void refuse_large(const Queue& queue) const {
    constexpr std::int64_t most = (std::int64_t{1} << 31) - 4096;
    if (windows.N * windows.pixels_out() >= most || windows.N * windows.pixels_in() >= most || steps() >= most) {
      throw Error(std::string("cuda: ") + queue.op + ": the product is too large");
    }
  }
};

template <class T>
void read_epilogue_of(const Call& call, Output<T>& g, std::int64_t columns) {
  GemmArguments<T> from;
  read_epilogue(call, static_cast<int>(Windows::rest(call) - call.ints) + 1, from);
  read_output(from, g);
  g.c = call.outputs[0].as<T>();
  g.N = static_cast<std::int32_t>(columns);
  g.c_batch = g.bias_batch = columns;
  const std::int64_t ld = call.outputs[0].extent(-1);
  g.ldc = static_cast<std::int32_t>(ld);
  g.packs_c = in_packs<T>(g.c, ld) && columns % pack_width<T> == 0 && is_aligned(g.bias) && is_aligned(g.residual) &&
              is_aligned(g.saved);
}

template <class T>
ProductSizes forward_sizes(const Geometry<T>& p) {
  return {p.windows.N * p.windows.pixels_out(), p.filters(), p.steps(), p.groups};
}
template <class T>
void convolution(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &w = call.inputs[1], &y = call.outputs[0];
  if (y.size == 0) return;
  const Geometry<T> p(call, x, y, w.shape);
  p.refuse_large(queue);
  const ProductSizes sizes = forward_sizes(p);
  ForwardProduct<T> g{};
  read_epilogue_of(call, g, p.filters());
  g.M = static_cast<std::int32_t>(sizes.M);
  g.K = static_cast<std::int32_t>(sizes.K);
  g.image = image_of<T>(x, p.in, p.out, p.stride, p.taps, p.channels());
  g.image_batch = static_cast<std::int32_t>(p.channels());
  g.steps = steps_of(p.taps, p.channels());
  g.weights = w.as<const T>();
  g.ldb = static_cast<std::int32_t>(p.F);
  g.weights_batch = static_cast<std::int32_t>(p.filters());
  g.packs_b = in_packs<T>(w.data, p.F) && p.filters() % pack_width<T> == 0;
  enqueue_product<T, true, false>(g, sizes, call.scratch, queue);
}
template <class T>
std::int64_t convolution_bytes(const Call& call) {
  if (call.outputs[0].size == 0) return 0;
  const Geometry<T> p(call, call.inputs[0], call.outputs[0], call.inputs[1].shape);
  return product_scratch_bytes<T, true>(forward_sizes(p));
}

// Calls body(remainders, taps, inputs on each axis, sizes) for each class of inputs.
template <class T, class Body>
void for_classes(const Geometry<T>& p, const Body& body) {
  const auto classes = [&](int i) { return p.stride[i] < p.in[i] ? p.stride[i] : p.in[i]; };
  std::int64_t r[3];
  for (r[0] = 0; r[0] < classes(0); ++r[0]) {
    for (r[1] = 0; r[1] < classes(1); ++r[1]) {
      for (r[2] = 0; r[2] < classes(2); ++r[2]) {
        Taps taps[3];
        std::int64_t Q[3];
        for (int i = 0; i < 3; ++i) {
          taps[i] = backward_taps(p.windows.axes[i], r[i]);
          Q[i] = (p.in[i] - r[i] + p.stride[i] - 1) / p.stride[i];
        }
        const std::int64_t K = taps[0].count * taps[1].count * taps[2].count * p.filters();
        body(r, taps, Q, ProductSizes{p.windows.N * Q[0] * Q[1] * Q[2], p.channels(), K, p.groups});
      }
    }
  }
}
template <class T>
void input_gradient(const Call& call, Queue& queue) {
  const View &dy = call.inputs[0], &w = call.inputs[1], &dx = call.outputs[0];
  if (dx.size == 0) return;
  const Geometry<T> p(call, dx, dy, w.shape);
  p.refuse_large(queue);
  constexpr std::int64_t ones[3] = {1, 1, 1};
  for_classes(
      p, [&](const std::int64_t (&r)[3], const Taps(&taps)[3], const std::int64_t (&Q)[3], const ProductSizes& sizes) {
        if (sizes.M == 0) return;
        BackwardProduct<T> g{};
        read_epilogue_of(call, g, p.channels());
        g.M = static_cast<std::int32_t>(sizes.M);
        g.K = static_cast<std::int32_t>(sizes.K);
        g.image = image_of<T>(dy, p.out, Q, ones, taps, p.filters());
        g.image_batch = static_cast<std::int32_t>(p.filters());
        g.steps = steps_of(taps, p.filters());
        g.weights.data = w.as<const T>();
        g.weights.ld = static_cast<std::int32_t>(p.F);
        g.weights.packs = in_packs<T>(w.data, p.F) && p.filters() % pack_width<T> == 0;
        g.weights_batch = static_cast<std::int32_t>(p.filters());
        std::int64_t tap = p.channels() * p.F, place = p.C, origin = 0;
        for (int i = 2; i >= 0; --i) {
          g.weights.first[i] = static_cast<std::int32_t>(taps[i].first);
          g.weights.step[i] = static_cast<std::int32_t>(taps[i].step);
          g.weights.stride[i] = static_cast<std::int32_t>(tap);
          tap *= p.windows.axes[i].window;
          g.axis[i] = p.stride[i] * place;
          origin += r[i] * place;
          place *= p.in[i];
        }
        g.sample = place;
        g.c += origin;
        if (g.residual != nullptr) g.residual += origin;
        if (g.saved != nullptr) g.saved += origin;
        enqueue_product<T, true, false>(g, sizes, call.scratch, queue);
      });
}
template <class T>
std::int64_t input_gradient_bytes(const Call& call) {
  if (call.outputs[0].size == 0) return 0;
  const Geometry<T> p(call, call.outputs[0], call.inputs[0], call.inputs[1].shape);
  std::int64_t most = 0;
  for_classes(p, [&](const auto&, const auto&, const auto&, const ProductSizes& sizes) {
    most = std::max(most, product_scratch_bytes<T, true>(sizes));
  });
  return most;
}

template <class T>
ProductSizes weight_sizes(const Geometry<T>& p) {
  return {p.steps(), p.filters(), p.windows.N * p.windows.pixels_out(), p.groups};
}
template <class T>
void weight_gradient(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &dy = call.inputs[1], &dw = call.outputs[0];
  if (dw.size == 0) return;
  const Geometry<T> p(call, x, dy, dw.shape);
  p.refuse_large(queue);
  const ProductSizes sizes = weight_sizes(p);
  WeightProduct<T> g{};
  g.c = dw.as<T>();
  g.M = static_cast<std::int32_t>(sizes.M);
  g.N = static_cast<std::int32_t>(sizes.N);
  g.K = static_cast<std::int32_t>(sizes.K);
  g.ldc = static_cast<std::int32_t>(p.F);
  g.c_batch = p.filters();
  g.packs_c = in_packs<T>(dw.data, p.F) && p.filters() % pack_width<T> == 0;
  g.image = image_of<T>(x, p.in, p.out, p.stride, p.taps, p.channels());
  g.image_batch = static_cast<std::int32_t>(p.channels());
  g.steps = steps_of(p.taps, p.channels());
  g.arriving = dy.as<const T>();
  g.arriving_batch = static_cast<std::int32_t>(p.filters());
  g.ldb = static_cast<std::int32_t>(p.F);
  g.packs_b = in_packs<T>(dy.data, p.F) && p.filters() % pack_width<T> == 0;
  enqueue_product<T, true, false>(g, sizes, call.scratch, queue);
}
template <class T>
std::int64_t weight_gradient_bytes(const Call& call) {
  if (call.outputs[0].size == 0) return 0;
  const Geometry<T> p(call, call.inputs[0], call.inputs[1], call.outputs[0].shape);
  return product_scratch_bytes<T, true>(weight_sizes(p));
}

template <std::int64_t (*single)(const Call&), std::int64_t (*twice)(const Call&)>
std::int64_t bytes_by_float(const Call& call) {
  return call.outputs[0].dtype == DType::float32 ? single(call) : twice(call);
}

}  // namespace

#define DLNATIVE_BY_FLOAT(kernel) \
  by_float<kernel<float>, kernel<double>>, same<Floats>, bytes_by_float<kernel##_bytes<float>, kernel##_bytes<double>>
extern const Row convolution_rows[] = {
    {"conv", DLNATIVE_BY_FLOAT(convolution)},
    {"conv_input_gradient", DLNATIVE_BY_FLOAT(input_gradient)},
    {"conv_weight_gradient", DLNATIVE_BY_FLOAT(weight_gradient)},
};
#undef DLNATIVE_BY_FLOAT
extern const int convolution_row_count = sizeof(convolution_rows) / sizeof(convolution_rows[0]);

}  // namespace dlnative::cuda
