// The two types every kernel is written in terms of: an element type and a view of a buffer.
//
// Everything here is forced inline: these headers are compiled once per instruction set, and a function that the
// linker could share between those copies might hold instructions that the running CPU does not have.
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#define DLNATIVE_INLINE __host__ __device__ __forceinline__
#else
#define DLNATIVE_INLINE inline __attribute__((always_inline))
#endif

namespace dlnative {

enum class DType : std::uint8_t { float32, float64, int32, int64, uint8, boolean };

DLNATIVE_INLINE constexpr std::int64_t item_size(DType dtype) {
  switch (dtype) {
    case DType::float32:
    case DType::int32:
      return 4;
    case DType::float64:
    case DType::int64:
      return 8;
    case DType::uint8:
    case DType::boolean:
      return 1;
  }
  return 0;
}

inline constexpr int max_rank = 8;

// A dense, row-major buffer. `size` is the number of elements, the product of `shape`.
struct View {
  void* data = nullptr;
  std::int64_t size = 0;
  DType dtype = DType::float32;
  std::int32_t rank = 0;
  std::int64_t shape[max_rank] = {};

  template <class T>
  DLNATIVE_INLINE T* as() const {
    return static_cast<T*>(data);
  }
  // The extent of an axis; a negative axis counts from the end.
  DLNATIVE_INLINE std::int64_t extent(int axis) const { return shape[axis < 0 ? axis + rank : axis]; }
  // The product of all extents but the last. (A division of the size takes longer than many a kernel.)
  DLNATIVE_INLINE std::int64_t rows() const {
    std::int64_t product = 1;
    for (int axis = 0; axis < rank - 1; ++axis) product *= shape[axis];
    return product;
  }
};

// Activations that a kernel can apply where it writes its result: row(name, formula of csrc/simd/activations.h). The
// order is part of the instruction format: python/dlnative/graph/op.py lists the same names. linear and relu, which are
// done in registers, come first.
// clang-format off
#define DLNATIVE_ACTIVATIONS(row)                                                            \
  row(relu, Relu) row(relu6, Relu6) row(leaky_relu, LeakyRelu)                               \
  row(sigmoid, Sigmoid) row(tanh, Tanh) row(softplus, Softplus)                              \
  row(elu, Elu) row(celu, Celu) row(selu, Selu)                                              \
  row(hard_sigmoid, HardSigmoid) row(sparse_sigmoid, SparseSigmoid) row(hard_tanh, HardTanh) \
  row(log_sigmoid, LogSigmoid) row(hard_shrink, HardShrink) row(soft_shrink, SoftShrink)     \
  row(softsign, Softsign) row(silu, Silu) row(hard_silu, HardSilu)                           \
  row(gelu, Gelu) row(gelu_tanh, GeluTanh) row(mish, Mish)                                   \
  row(tanh_shrink, TanhShrink) row(squareplus, Squareplus) row(sparse_plus, SparsePlus)
// clang-format on

#define DLNATIVE_NAME(name, Formula) name,
enum class Activation : std::int64_t { linear, DLNATIVE_ACTIVATIONS(DLNATIVE_NAME) };
#undef DLNATIVE_NAME

}  // namespace dlnative
