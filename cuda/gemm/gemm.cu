// Products of matrices.
#include "gemm/enqueue.h"
#include "gemm/enqueue_tile.h"

namespace dlnative::cuda {

ForcedTile forced_tile;
void force_gemm_kernel(int number, int splits) { forced_tile = {number, splits}; }

namespace {

constexpr const char* choice_names[gemm_kernels] = {"large", "medium", "small", "deep", "tiny"};

template <class T>
ProductSizes sizes_of(const GemmArguments<T>& g, const Batch& batch) {
  return {g.M, g.N, g.K, batch.count, g.column_sums != nullptr};
}

template <class T, bool transpose_a, bool transpose_b, bool with_sums>
void enqueue_matrices(const GemmArguments<T>& from, const Batch& batch, void* scratch, Queue& queue) {
  constexpr int width = pack_width<T>;
  MatrixProduct<T, transpose_a, transpose_b> g{};
  read_output(from, g);
  g.c = from.c;
  g.column_sums = from.column_sums;
  g.c_batch = batch.c_stride;
  g.M = static_cast<std::int32_t>(from.M);
  g.N = static_cast<std::int32_t>(from.N);
  g.K = static_cast<std::int32_t>(from.K);
  g.ldc = static_cast<std::int32_t>(from.ldc);
  g.packs_c = is_aligned(from.c) && from.ldc % width == 0 && batch.c_stride % width == 0 && is_aligned(from.bias) &&
              is_aligned(from.residual) && is_aligned(from.saved) && is_aligned(from.column_sums);
  g.left = from.a;
  g.right = from.b;
  g.left_batch = batch.a_stride;
  g.right_batch = batch.b_stride;
  g.lda = static_cast<std::int32_t>(from.lda);
  g.ldb = static_cast<std::int32_t>(from.ldb);
  g.packs_a = is_aligned(from.a) && from.lda % width == 0 && batch.a_stride % width == 0;
  g.packs_b = is_aligned(from.b) && from.ldb % width == 0 && batch.b_stride % width == 0;
  enqueue_product<T, false, with_sums>(g, sizes_of(from, batch), scratch, queue);
}

}  // namespace

template <class T>
const char* gemm_kernel_name(std::int64_t M, std::int64_t N, std::int64_t K, std::int64_t batch) {
  return choice_names[static_cast<int>(choose_tile<T, false>({M, N, K, batch}).tile)];
}

template <class T>
std::int64_t gemm_scratch_bytes(const GemmArguments<T>& arguments, const Batch& batch) {
  return product_scratch_bytes<T, false>(sizes_of(arguments, batch));
}

template <class T>
void enqueue_gemm(const GemmArguments<T>& from, const Batch& batch, void* scratch, Queue& queue) {
  constexpr std::int64_t most = (std::int64_t{1} << 31) - 4096;
  if (std::max({from.M, from.N, from.K, from.lda, from.ldb, from.ldc}) >= most) {
    throw Error(std::string("cuda: ") + queue.op + ": the product is too large");
  }
  if (from.column_sums != nullptr && (!from.transpose_a || from.transpose_b || batch.count != 1)) {
    throw Error(std::string("cuda: ") + queue.op + ": column sums only of a product op(A) B, A transposed");
  }
  if (from.M == 0 || from.N == 0 || batch.count == 0) return;
  if (from.column_sums != nullptr) return enqueue_matrices<T, true, false, true>(from, batch, scratch, queue);
  if (from.transpose_a) {
    from.transpose_b ? enqueue_matrices<T, true, true, false>(from, batch, scratch, queue)
                     : enqueue_matrices<T, true, false, false>(from, batch, scratch, queue);
  } else {
    from.transpose_b ? enqueue_matrices<T, false, true, false>(from, batch, scratch, queue)
                     : enqueue_matrices<T, false, false, false>(from, batch, scratch, queue);
  }
}

template void enqueue_gemm(const GemmArguments<float>&, const Batch&, void*, Queue&);
template void enqueue_gemm(const GemmArguments<double>&, const Batch&, void*, Queue&);
template std::int64_t gemm_scratch_bytes(const GemmArguments<float>&, const Batch&);
template std::int64_t gemm_scratch_bytes(const GemmArguments<double>&, const Batch&);
template const char* gemm_kernel_name<float>(std::int64_t, std::int64_t, std::int64_t, std::int64_t);
template const char* gemm_kernel_name<double>(std::int64_t, std::int64_t, std::int64_t, std::int64_t);

}  // namespace dlnative::cuda
