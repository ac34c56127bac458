// Which tile computes a product and into how many parts K is split, by an estimate of the time; and how it is launched.
#pragma once

#include <algorithm>
#include <cmath>

#include "gemm/gemm_kernel.h"
#include "runtime/queue.h"

namespace dlnative::cuda {

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
  using Tiny = Tile<double, 16, 16, 8, 4, 4, 16, 1>;
};

enum class Choice { large, medium, small, deep, tiny };
struct TileChoice {
  Choice tile = Choice::small;
  int splits = 1;
  double nanoseconds = 1e300;
};

// The sizes of a product; `sums`: whether the sums of columns are wanted.
struct ProductSizes {
  std::int64_t M, N, K, batch;
  bool sums = false;

  // Elements of the tiles of the parts of K.
  std::int64_t partials(int splits) const { return splits == 1 ? 0 : splits * (batch * M * N + (sums ? N : 0)); }
};

// Nanoseconds that a product takes with a tile, roughly: waves of blocks, each of them the longer of its arithmetic and
// the latency of its pieces of K; and a second kernel, where K is split. What share of the multiply-adds' rate a tile
// reaches was measured on an H200.
template <class Tile>
double estimate(const ProductSizes& s, int splits) {
  constexpr double latency = 500, beginning = 2000, bytes_a_nanosecond = 2500;
  constexpr int outputs = Tile::TM * Tile::TN;
  constexpr double share = outputs < 64 ? (Tile::BM < 32 ? 0.3 : 0.4) : Tile::slices == 1 ? 0.63 : 0.56;
  constexpr double rate =
      (sizeof(typename Tile::T) == 4 ? 128 : 64) * 1.9 * share;  // multiply-adds a ns, a multiprocessor
  const auto M = static_cast<double>(s.M), N = static_cast<double>(s.N), K = static_cast<double>(s.K);
  const double multiprocessors = device().multiprocessors;
  const double blocks = std::ceil(M / Tile::BM) * std::ceil(N / Tile::BN) * static_cast<double>(s.batch) * splits;
  const double together = std::clamp(std::ceil(blocks / multiprocessors), 1.0, static_cast<double>(Tile::blocks));
  const double waves = std::ceil(blocks / (multiprocessors * together));
  const double pieces = std::ceil(std::ceil(K / (Tile::BK * Tile::slices)) / splits);
  const double of_piece = together * Tile::BM * Tile::BN * Tile::BK * Tile::slices / rate;
  const double partials = static_cast<double>(s.partials(splits)) * sizeof(typename Tile::T);
  return beginning + waves * pieces * std::max(of_piece, latency) +
         (splits == 1 ? 0.0 : beginning + 2 * partials / bytes_a_nanosecond);
}

template <class Tile>
void try_tile(const ProductSizes& s, Choice tile, TileChoice& best) {
  constexpr int most_splits = 64;
  constexpr std::int64_t most_partial_bytes = 64 << 20, most_blocks = 65535;
  const std::int64_t pieces = (s.K + Tile::BK * Tile::slices - 1) / (Tile::BK * Tile::slices);
  for (int splits = 1; splits <= most_splits && (splits == 1 || splits * 2 <= pieces); splits *= 2) {
    if (splits > 1 && (s.partials(splits) * static_cast<std::int64_t>(sizeof(typename Tile::T)) > most_partial_bytes ||
                       s.batch * splits > most_blocks)) {
      break;
    }
    const double nanoseconds = estimate<Tile>(s, splits);
    if (nanoseconds < best.nanoseconds) best = {tile, splits, nanoseconds};
  }
}

// For benchmarks and tests: a tile and a number of parts that are to be chosen, or -1.
struct ForcedTile {
  int tile = -1, splits = -1;
};
extern ForcedTile forced_tile;

template <class T, bool few>
TileChoice choose_tile(const ProductSizes& s) {
  TileChoice best;
  try_tile<typename Tiles<T>::Large>(s, Choice::large, best);
  if constexpr (!few) try_tile<typename Tiles<T>::Medium>(s, Choice::medium, best);
  try_tile<typename Tiles<T>::Small>(s, Choice::small, best);
  if constexpr (!few) try_tile<typename Tiles<T>::Deep>(s, Choice::deep, best);
  if constexpr (!few) try_tile<typename Tiles<T>::Tiny>(s, Choice::tiny, best);
  if (forced_tile.tile >= 0) {
    const auto tile = static_cast<Choice>(forced_tile.tile);
    best = {few && tile != Choice::large ? Choice::small : tile, 1, 0};
  }
  if (forced_tile.splits > 0) best.splits = forced_tile.splits;
  return best;
}

template <class Tile, bool with_sums, class Product>
void enqueue_tile(const Product& g, std::int64_t batch, Queue& queue) {
  const Grid grid{blocks_for(g.N, Tile::BN), Tile::threads, Tile::shared_bytes, blocks_for(g.M, Tile::BM),
                  static_cast<unsigned>(batch * g.splits)};
  launch(queue, gemm_kernel<Tile, Product, with_sums>, grid, g);
}

// `few`: of the tiles the large and the small one alone, which is less to compile. `scratch` holds the partials.
template <class T, bool few, bool with_sums, class Product>
void enqueue_product(Product g, const ProductSizes& sizes, void* scratch, Queue& queue) {
  constexpr std::int64_t most_blocks = 65535;
  const TileChoice choice = choose_tile<T, few>(sizes);
  g.splits = choice.splits;
  g.partials = static_cast<T*>(scratch);
  const std::int64_t rows = choice.tile == Choice::large ? Tiles<T>::Large::BM : Tiles<T>::Tiny::BM;
  if (sizes.M > most_blocks * rows || sizes.batch * g.splits > most_blocks) {
    throw Error(std::string("cuda: ") + queue.op + ": the product is too large");
  }
  switch (choice.tile) {
    case Choice::large:
      enqueue_tile<typename Tiles<T>::Large, with_sums>(g, sizes.batch, queue);
      break;
    case Choice::small:
      enqueue_tile<typename Tiles<T>::Small, with_sums>(g, sizes.batch, queue);
      break;
    default:
      if constexpr (!few) {
        if (choice.tile == Choice::medium) enqueue_tile<typename Tiles<T>::Medium, with_sums>(g, sizes.batch, queue);
        if (choice.tile == Choice::deep) enqueue_tile<typename Tiles<T>::Deep, with_sums>(g, sizes.batch, queue);
        if (choice.tile == Choice::tiny) enqueue_tile<typename Tiles<T>::Tiny, with_sums>(g, sizes.batch, queue);
      }
  }
  if (g.splits == 1) return;
  constexpr int width = pack_width<T>, threads = 256;
  const auto packs = static_cast<std::uint32_t>((sizes.N + width - 1) / width);
  const auto all = static_cast<std::uint32_t>(sizes.M + (with_sums ? 1 : 0));
  launch(queue, split_kernel<T, Product>,
         Grid{blocks_for(std::int64_t{packs} * all, threads), threads, 0, 1, static_cast<unsigned>(sizes.batch)}, g,
         packs, all);
}

template <class T, bool few>
std::int64_t product_scratch_bytes(const ProductSizes& sizes) {
  if (sizes.M == 0 || sizes.N == 0 || sizes.batch == 0) return 0;
  return sizes.partials(choose_tile<T, few>(sizes).splits) * static_cast<std::int64_t>(sizeof(T));
}

// The epilogue of a product.
template <class T>
void read_output(const Epilogue<T>& from, Output<T>& g) {
  g.bias = from.bias;
  g.residual = from.residual;
  g.activation = from.activation;
  g.gradient_of = from.saved != nullptr ? from.gradient_of : Activation::linear;
  g.saved = g.gradient_of != Activation::linear ? from.saved : nullptr;
  g.parameter = from.parameter;
}

}  // namespace dlnative::cuda
