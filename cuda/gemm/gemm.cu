// Which kernel computes a product, and how it is launched.
#include "gemm/enqueue.h"

#include <algorithm>

#include "gemm/gemm_kernel.h"
#include "ops/activation.h"

namespace dlnative::cuda {
namespace {

template <class T>
struct Tiles;
template <>
struct Tiles<float> {
  using Large = Tile<float, 128, 128, 8, 8, 8, 1, 2>;
  using Medium = Tile<float, 64, 64, 8, 8, 8, 4, 2>;
  using Small = Tile<float, 32, 32, 16, 4, 4, 4, 2>;
  using Deep = Tile<float, 32, 32, 16, 4, 4, 8, 1>;
  using Tiny = Tile<float, 16, 16, 8, 4, 4, 16, 2>;
};
template <>
struct Tiles<double> {
  using Large = Tile<double, 64, 64, 8, 4, 4, 1, 2>;
  using Medium = Tile<double, 64, 64, 8, 8, 4, 2, 1>;
  using Small = Tile<double, 32, 32, 8, 4, 4, 4, 2>;
  using Deep = Tile<double, 32, 32, 8, 4, 4, 8, 1>;
  using Tiny = Tile<double, 16, 16, 8, 4, 4, 16, 2>;
};

enum class Choice { large, medium, small, deep, tiny };
constexpr const char* choice_names[gemm_kernels] = {"large", "medium", "small", "deep", "tiny"};
int forced = -1;

// Nanoseconds that a product takes with a tile, roughly: waves of blocks, each of them the longer of its arithmetic and
// the latency of its pieces of K. What share of the multiply-adds' rate a tile reaches was measured on an H200.
template <class Tile>
double estimate(double M, double N, double K, double batch) {
  constexpr double latency = 500, beginning = 2000;
  constexpr int outputs = Tile::TM * Tile::TN;
  constexpr double share = outputs < 64 ? (Tile::BM < 32 ? 0.3 : 0.4) : Tile::slices == 1 ? 0.63 : 0.56;
  constexpr double rate =
      (sizeof(typename Tile::T) == 4 ? 128 : 64) * 1.9 * share;  // multiply-adds a ns, a multiprocessor
  const double multiprocessors = device().multiprocessors;
  const double blocks = std::ceil(M / Tile::BM) * std::ceil(N / Tile::BN) * batch;
  const double together = std::clamp(std::ceil(blocks / multiprocessors), 1.0, static_cast<double>(Tile::blocks));
  const double waves = std::ceil(blocks / (multiprocessors * together));
  const double pieces = std::ceil(K / (Tile::BK * Tile::slices));
  const double of_piece = together * Tile::BM * Tile::BN * Tile::BK * Tile::slices / rate;
  return beginning + waves * pieces * std::max(of_piece, latency);
}

template <class T>
Choice choose(std::int64_t M, std::int64_t N, std::int64_t K, std::int64_t batch) {
  if (forced >= 0) return static_cast<Choice>(forced);
  const auto m = static_cast<double>(M), n = static_cast<double>(N), k = static_cast<double>(K);
  const auto count = static_cast<double>(batch);
  const double times[gemm_kernels] = {
      estimate<typename Tiles<T>::Large>(m, n, k, count), estimate<typename Tiles<T>::Medium>(m, n, k, count),
      estimate<typename Tiles<T>::Small>(m, n, k, count), estimate<typename Tiles<T>::Deep>(m, n, k, count),
      estimate<typename Tiles<T>::Tiny>(m, n, k, count)};
  return static_cast<Choice>(std::min_element(times, times + gemm_kernels) - times);
}

template <class Tile, bool transpose_a, bool transpose_b, bool with_sums>
void enqueue_with(const GemmCall<typename Tile::T>& g, std::int64_t batch, Queue& queue) {
  const Grid grid{blocks_for(g.N, Tile::BN), Tile::threads, Tile::shared_bytes, blocks_for(g.M, Tile::BM),
                  static_cast<unsigned>(batch)};
  launch(queue, gemm_kernel<Tile, transpose_a, transpose_b, with_sums>, grid, g);
}
template <class Tile>
void enqueue_tile(const GemmCall<typename Tile::T>& g, bool transpose_a, bool transpose_b, std::int64_t batch,
                  Queue& queue) {
  if (g.column_sums != nullptr) return enqueue_with<Tile, true, false, true>(g, batch, queue);
  if (transpose_a) {
    transpose_b ? enqueue_with<Tile, true, true, false>(g, batch, queue)
                : enqueue_with<Tile, true, false, false>(g, batch, queue);
  } else {
    transpose_b ? enqueue_with<Tile, false, true, false>(g, batch, queue)
                : enqueue_with<Tile, false, false, false>(g, batch, queue);
  }
}

}  // namespace

void force_gemm_kernel(int number) { forced = number; }

template <class T>
const char* gemm_kernel_name(std::int64_t M, std::int64_t N, std::int64_t K, std::int64_t batch) {
  return choice_names[static_cast<int>(choose<T>(M, N, K, batch))];
}

template <class T>
void enqueue_gemm(const GemmArguments<T>& from, const Batch& batch, Queue& queue) {
  constexpr std::int64_t most = (std::int64_t{1} << 31) - 4096, most_blocks = 65535;
  if (std::max({from.N, from.K, from.lda, from.ldb, from.ldc}) >= most || from.M > most_blocks * 32 ||
      batch.count > most_blocks) {
    throw Error(std::string("cuda: ") + queue.op + ": the product is too large");
  }
  if (from.column_sums != nullptr && (!from.transpose_a || from.transpose_b || batch.count != 1)) {
    throw Error(std::string("cuda: ") + queue.op + ": column sums only of a product op(A) B, A transposed");
  }
  if (from.M == 0 || from.N == 0 || batch.count == 0) return;
  constexpr int width = pack_width<T>;
  // What is not done in registers is a pass of its own, and so is all that comes after it.
  const bool activation_apart = from.activation > Activation::relu;
  const bool has_gradient = from.saved != nullptr && from.gradient_of != Activation::linear;
  const bool gradient_apart = has_gradient && (activation_apart || from.gradient_of > Activation::relu);
  if ((activation_apart || gradient_apart) && (from.ldc != from.N || batch.count != 1)) {
    throw Error(std::string("cuda: ") + queue.op + ": this epilogue needs a dense result");
  }
  GemmCall<T> g{};
  g.a = from.a;
  g.b = from.b;
  g.c = from.c;
  g.a_batch = batch.a_stride;
  g.b_batch = batch.b_stride;
  g.c_batch = batch.c_stride;
  g.M = static_cast<std::int32_t>(from.M);
  g.N = static_cast<std::int32_t>(from.N);
  g.K = static_cast<std::int32_t>(from.K);
  g.lda = static_cast<std::int32_t>(from.lda);
  g.ldb = static_cast<std::int32_t>(from.ldb);
  g.ldc = static_cast<std::int32_t>(from.ldc);
  g.bias = from.bias;
  g.residual = from.residual;
  g.saved = has_gradient && !gradient_apart ? from.saved : nullptr;
  g.column_sums = from.column_sums;
  g.relu = from.activation == Activation::relu;
  g.packs_a = is_aligned(from.a) && from.lda % width == 0 && batch.a_stride % width == 0;
  g.packs_b = is_aligned(from.b) && from.ldb % width == 0 && batch.b_stride % width == 0;
  g.packs_c = is_aligned(from.c) && from.ldc % width == 0 && batch.c_stride % width == 0 && is_aligned(from.bias) &&
              is_aligned(from.residual) && is_aligned(from.saved);
  const auto enqueue = [&]<class Tile>() {
    enqueue_tile<Tile>(g, from.transpose_a, from.transpose_b, batch.count, queue);
  };
  switch (choose<T>(from.M, from.N, from.K, batch.count)) {
    case Choice::large:
      enqueue.template operator()<typename Tiles<T>::Large>();
      break;
    case Choice::medium:
      enqueue.template operator()<typename Tiles<T>::Medium>();
      break;
    case Choice::small:
      enqueue.template operator()<typename Tiles<T>::Small>();
      break;
    case Choice::deep:
      enqueue.template operator()<typename Tiles<T>::Deep>();
      break;
    case Choice::tiny:
      enqueue.template operator()<typename Tiles<T>::Tiny>();
      break;
  }
  if (activation_apart) enqueue_activation(queue, from.activation, from.parameter, from.c, from.M * from.N);
  if (gradient_apart) {
    enqueue_activation_gradient(queue, from.gradient_of, from.parameter, from.c, from.saved, from.M * from.N);
  }
}

template void enqueue_gemm(const GemmArguments<float>&, const Batch&, Queue&);
template void enqueue_gemm(const GemmArguments<double>&, const Batch&, Queue&);
template const char* gemm_kernel_name<float>(std::int64_t, std::int64_t, std::int64_t, std::int64_t);
template const char* gemm_kernel_name<double>(std::int64_t, std::int64_t, std::int64_t, std::int64_t);

}  // namespace dlnative::cuda
