// What every kernel is written in terms of: the element types and a view of a buffer.
//
// Everything here is forced inline: these headers are compiled once per instruction set, and a function that the
// linker could share between those copies might hold instructions that the running CPU does not have.
#pragma once

#include <cstdint>

// For nvcc, what kernels use is compiled for the GPU as well; what only chooses among them is not.
#define DLNATIVE_HOST_INLINE inline __attribute__((always_inline))
#if defined(__CUDACC__)
#define DLNATIVE_INLINE __host__ __device__ __forceinline__
#else
#define DLNATIVE_INLINE DLNATIVE_HOST_INLINE
#endif

namespace dlnative {

// Floats of 16 bits are only stored; they are computed with as float (csrc/ops/convert.cpp).
struct Float16 {
  std::uint16_t bits;
};
struct BFloat16 {
  std::uint16_t bits;
};
// A byte, 0 or 1; whatever is not 0 counts as true.
struct Boolean {
  std::uint8_t byte;
};

// The element types: row(name, element, name in Python). The order is part of the instruction format:
// python/dlnative/dtypes.py lists the same, and backends/cpu.py compares the two.
// clang-format off
#define DLNATIVE_DTYPES(row)                                                                                      \
  row(float32, float, "float32") row(float64, double, "float64")                                                  \
  row(int32, std::int32_t, "int32") row(int64, std::int64_t, "int64") row(uint8, std::uint8_t, "uint8")           \
  row(boolean, Boolean, "bool") row(int8, std::int8_t, "int8") row(int16, std::int16_t, "int16")                  \
  row(uint16, std::uint16_t, "uint16") row(uint32, std::uint32_t, "uint32") row(uint64, std::uint64_t, "uint64")  \
  row(float16, Float16, "float16") row(bfloat16, BFloat16, "bfloat16")
// clang-format on

#define DLNATIVE_ROW(name, Element, text) name,
enum class DType : std::uint8_t { DLNATIVE_DTYPES(DLNATIVE_ROW) };
#undef DLNATIVE_ROW

#define DLNATIVE_ROW(name, Element, text) text,
inline constexpr const char* dtype_names[] = {DLNATIVE_DTYPES(DLNATIVE_ROW)};
#undef DLNATIVE_ROW
inline constexpr int dtype_count = sizeof(dtype_names) / sizeof(dtype_names[0]);

#define DLNATIVE_ROW(name, Element, text) sizeof(Element),
inline constexpr std::int8_t item_sizes[] = {DLNATIVE_DTYPES(DLNATIVE_ROW)};
#undef DLNATIVE_ROW

DLNATIVE_HOST_INLINE constexpr std::int64_t item_size(DType dtype) { return item_sizes[static_cast<int>(dtype)]; }

// y[i] = x[i] in another type, for two types.
using ConvertLoop = void (*)(const void* x, void* y, std::int64_t count);

// A set of element types: the bit of each is set.
using TypeSet = std::uint32_t;
DLNATIVE_HOST_INLINE constexpr TypeSet set_of(DType dtype) { return TypeSet{1} << static_cast<int>(dtype); }
inline constexpr TypeSet all_types = (TypeSet{1} << dtype_count) - 1;

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
