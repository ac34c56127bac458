// The kernels of elementwise ops: y[i] = f(a[i], b[i], ...), with NumPy's broadcasting.
//
// A thread computes 16 bytes of the result, which lie 16 bytes wide in memory. Operands of y's shape and single
// elements are read so; of anything else each element is found by its index (one multiplication an axis).
#pragma once

#include "device/divisor.h"
#include "ops/broadcast.h"
#include "ops/elementwise_formulas.h"
#include "ops/rows.h"

namespace dlnative::cuda {

constexpr int elementwise_threads = 256;

// Element i of an operand that has y's shape, or one element.
template <class T>
struct Operand {
  const T* from;
  bool single;
};

template <class T, int width>
__device__ __forceinline__ Pack<T, width> read(const Operand<T>& operand, std::int64_t first) {
  if (!operand.single) return *reinterpret_cast<const Pack<T, width>*>(operand.from + first);
  Pack<T, width> pack;
  const T value = *operand.from;
  DLN_UNROLL
  for (int i = 0; i < width; ++i) pack.at[i] = value;
  return pack;
}
template <class T>
__device__ __forceinline__ T read_one(const Operand<T>& operand, std::int64_t i) {
  return operand.from[operand.single ? 0 : i];
}

// Formula::of over each of `size` elements, `width` a thread. `aligned`: all packs lie on multiples of their size.
template <class Apply, class Y, int width, class... Ts>
__global__ void __launch_bounds__(elementwise_threads, sizeof(Y) == 8 ? 4 : 8)
    elementwise_kernel(Apply apply, Y* y, std::int64_t size, bool aligned, Operand<Ts>... operands) {
  wait_for_previous_kernel();
  const std::int64_t first = (std::int64_t{blockIdx.x} * elementwise_threads + threadIdx.x) * width;
  if (aligned && first + width <= size) {
    Pack<Y, width> result;
    const auto compute = [&](const auto&... packs) {
      DLN_UNROLL
      for (int i = 0; i < width; ++i) result.at[i] = apply(packs.at[i]...);
    };
    compute(read<Ts, width>(operands, first)...);
    *reinterpret_cast<Pack<Y, width>*>(y + first) = result;
  } else {
    for (std::int64_t i = first; i < first + width && i < size; ++i) y[i] = apply(read_one(operands, i)...);
  }
}

// Where operand k of element i of the result lies.
template <int inputs>
struct Places {
  int rank;
  Divisor extent[max_rank];  // last axis first
  std::int32_t stride[max_rank][inputs];

  Places(const Broadcast<inputs>& broadcast, int width) : rank(broadcast.rank) {
    for (int axis = 0; axis < rank; ++axis) {
      const int of_axis = axis == 0 ? width : 1;  // elements that make one step along it
      extent[axis] = Divisor(static_cast<std::uint32_t>(broadcast.shape[axis] / of_axis));
      for (int k = 0; k < inputs; ++k) stride[axis][k] = static_cast<std::int32_t>(broadcast.stride[axis][k] * of_axis);
    }
  }
};

// `width` neighbours a thread: along the last axis an operand is walked, or is one element.
template <class Apply, class Y, int width, int inputs, class... Ts>
__global__ void __launch_bounds__(elementwise_threads, sizeof(Y) == 8 ? 4 : 8)
    broadcast_kernel(Apply apply, Y* y, std::uint32_t packs, Places<inputs> places, Operand<Ts>... operands) {
  wait_for_previous_kernel();
  const std::uint32_t i = blockIdx.x * elementwise_threads + threadIdx.x;
  if (i >= packs) return;
  std::int32_t offset[inputs] = {};
  std::uint32_t rest = i;
  for (int axis = 0; axis < places.rank; ++axis) {
    std::uint32_t index;
    rest = places.extent[axis].divide(rest, index);
    DLN_UNROLL
    for (int k = 0; k < inputs; ++k) offset[k] += static_cast<std::int32_t>(index) * places.stride[axis][k];
  }
  Pack<Y, width> result;
  const auto compute = [&](const auto&... of_operands) {
    DLN_UNROLL
    for (int v = 0; v < width; ++v) result.at[v] = apply(of_operands.at[v]...);
  };
  const auto read_all = [&]<int... k>(std::integer_sequence<int, k...>) {
    compute(read<Ts, width>(Operand<Ts>{operands.from + offset[k], operands.single}, 0)...);
  };
  read_all(std::make_integer_sequence<int, inputs>{});
  reinterpret_cast<Pack<Y, width>*>(y)[i] = result;
}

// Enqueues y = apply(inputs...), whose element types are Ts.
template <class Y, class... Ts, class Apply, int... k>
void enqueue_elementwise(const Call& call, Queue& queue, const Apply& apply, std::integer_sequence<int, k...>) {
  constexpr int inputs = sizeof...(Ts);
  const View* x = call.inputs;
  const View& y = call.outputs[0];
  constexpr int width = (sizeof(Y) > 1 ? 16 : 4) / static_cast<int>(sizeof(Y));  // elements of the result a thread
  if (y.size == 0) return;
  if (((x[k].size == y.size || x[k].size == 1) && ...)) {
    const bool aligned = is_aligned(y.data) && ((is_aligned(x[k].data) || x[k].size == 1) && ...);
    const Grid grid{blocks_for(y.size, elementwise_threads * width), elementwise_threads};
    return launch(queue, elementwise_kernel<Apply, Y, width, Ts...>, grid, apply, y.as<Y>(), y.size, aligned,
                  Operand<Ts>{x[k].template as<const Ts>(), x[k].size == 1}...);
  }
  if (y.size >= std::int64_t{1} << 31) {
    throw Error(std::string("cuda: ") + queue.op + ": more than 2^31 elements, and operands of other shapes");
  }
  const Broadcast<inputs> broadcast(x, y);
  // Packs, where rows of y, and those of the operands that are walked, lie on multiples of them.
  const auto in_packs = [&](int operand, const void* data) {
    bool fits = broadcast.stride[0][operand] == 0 || is_aligned(data);
    for (int axis = 1; axis < broadcast.rank; ++axis) {
      fits = fits && (broadcast.stride[0][operand] == 0 || broadcast.stride[axis][operand] % width == 0);
    }
    return fits;
  };
  const auto enqueue = [&]<int elements>() {
    const Grid grid{blocks_for(y.size / elements, elementwise_threads), elementwise_threads};
    launch(queue, broadcast_kernel<Apply, Y, elements, inputs, Ts...>, grid, apply, y.as<Y>(),
           static_cast<std::uint32_t>(y.size / elements), Places<inputs>(broadcast, elements),
           Operand<Ts>{x[k].template as<const Ts>(), broadcast.stride[0][k] == 0}...);
  };
  if (broadcast.shape[0] % width == 0 && is_aligned(y.data) && (in_packs(k, x[k].data) && ...)) {
    enqueue.template operator()<width>();
  } else {
    enqueue.template operator()<1>();
  }
}
template <class Y, class... Ts, class Apply>
void enqueue_elementwise(const Call& call, Queue& queue, const Apply& apply) {
  enqueue_elementwise<Y, Ts...>(call, queue, apply, std::make_integer_sequence<int, sizeof...(Ts)>{});
}

// A formula with its parameter, as a kernel's argument.
template <class Formula, class T>
struct Applied {
  T parameter;
  template <class... Vs>
  DLNATIVE_INLINE auto operator()(T first, Vs... others) const {
    if constexpr (Formula::has_parameter) {
      return Formula::of(first, others..., parameter);
    } else {
      return Formula::of(first, others...);
    }
  }
};

template <class Formula, class T>
Applied<Formula, T> applied(const Call& call) {
  return {Formula::has_parameter ? static_cast<T>(call.floats[0]) : T{0}};
}

// Rows of ops whose operands and result have one type, one of the list.
template <class Formula, class T>
void enqueue_unary(const Call& call, Queue& queue) {
  enqueue_elementwise<T, T>(call, queue, applied<Formula, T>(call));
}
template <class Formula, class T>
void enqueue_binary(const Call& call, Queue& queue) {
  enqueue_elementwise<T, T, T>(call, queue, applied<Formula, T>(call));
}
template <class Formula, class List>
void unary(const Call& call, Queue& queue) {
  with_type(List{}, call.outputs[0].dtype, [&](auto type) { enqueue_unary<Formula, decltype(type)>(call, queue); });
}
template <class Formula, class List>
void binary(const Call& call, Queue& queue) {
  with_type(List{}, call.outputs[0].dtype, [&](auto type) { enqueue_binary<Formula, decltype(type)>(call, queue); });
}

}  // namespace dlnative::cuda
