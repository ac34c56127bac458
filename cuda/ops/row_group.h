// Rows of C elements, each taken by a group of threads: 4 to 32 lanes of a warp, or a block of 256 for long rows. A
// thread keeps its elements in registers, `items` packs of `width` neighbours, or reads them again where a row is too
// long for that (items = 0).
//
// Lanes whose row is past the end come along, since shuffles are for whole warps; they read and write nothing.
#pragma once

#include "device/reduce.h"
#include "device/scalar.h"
#include "ops/rows.h"

namespace dlnative::cuda {

constexpr int row_threads = 256;
constexpr int row_blocks = 2;  // of a multiprocessor at least: bounds the registers

struct Larger {
  template <class T>
  DLNATIVE_INLINE T operator()(T a, T b) const {
    return maximum(a, b);
  }
};

template <class T, int group_, int width_, int items_>
struct RowGroup {
  static constexpr int group = group_, width = width_, items = items_;
  static constexpr int rows_of_block = row_threads / group;
  struct Shared {
    T between[row_threads / 32];
  };
  // The thread's elements of a row.
  struct Kept {
    Pack<T, width> pack[items > 0 ? items : 1];
    const T* from;
  };

  std::int64_t row;
  int C, lane;
  bool inside;

  __device__ __forceinline__ RowGroup(std::int64_t rows, int length)
      : row(std::int64_t{blockIdx.x} * rows_of_block + static_cast<int>(threadIdx.x) / group),
        C(row < rows ? length : 0),
        lane(static_cast<int>(threadIdx.x) % group),
        inside(row < rows) {}

  // Whether there is something to do for one thread of the row.
  __device__ __forceinline__ bool first() const { return inside && lane == 0; }

  __device__ __forceinline__ Kept load(const T* x) const {
    Kept kept;
    kept.from = x + row * C;
    if constexpr (items > 0) {
      DLN_UNROLL
      for (int k = 0; k < items; ++k) {
        const int i = (k * group + lane) * width;
        if (i < C) kept.pack[k] = *reinterpret_cast<const Pack<T, width>*>(kept.from + i);
      }
    }
    return kept;
  }
  // Calls f(k, v, i, x[i]) for the thread's elements, of which x[i] is the v-th of pack k: what it was when it was
  // loaded, if it is kept, or is now.
  template <class F>
  __device__ __forceinline__ void each(const Kept& kept, F f) const {
    if constexpr (items > 0) {
      DLN_UNROLL
      for (int k = 0; k < items; ++k) {
        const int i = (k * group + lane) * width;
        if (i >= C) continue;
        DLN_UNROLL
        for (int v = 0; v < width; ++v) f(k, v, i + v, kept.pack[k].at[v]);
      }
    } else {
      for (int i = lane; i < C; i += group) f(0, 0, i, kept.from[i]);
    }
  }
  // y[i] = f(i, x[i])
  template <class F>
  __device__ __forceinline__ void write(T* y, const Kept& kept, F f) const {
    T* const to = y + row * C;
    if constexpr (items > 0) {
      DLN_UNROLL
      for (int k = 0; k < items; ++k) {
        const int i = (k * group + lane) * width;
        if (i >= C) continue;
        Pack<T, width> pack;
        DLN_UNROLL
        for (int v = 0; v < width; ++v) pack.at[v] = f(k, v, i + v, kept.pack[k].at[v]);
        *reinterpret_cast<Pack<T, width>*>(to + i) = pack;
      }
    } else {
      for (int i = lane; i < C; i += group) to[i] = f(0, 0, i, kept.from[i]);
    }
  }
  template <class Join>
  __device__ __forceinline__ T reduce(T x, Join join) const {
    if constexpr (group <= 32) {
      return fold_lanes<group>(x, join);
    } else {
      return fold_block<group>(x, shared<Shared>().between, join);
    }
  }
  __device__ __forceinline__ T max(const Kept& kept) const {
    T largest = -static_cast<T>(__builtin_huge_val());
    each(kept, [&](int, int, int, T x) { largest = maximum(largest, x); });
    return reduce(largest, Larger{});
  }
  // sum(exp(x - M))
  __device__ __forceinline__ T sum_exp(const Kept& kept, T M) const {
    T total = 0;
    each(kept, [&](int, int, int, T x) { total += exp(x - M); });
    return reduce(total, Plus{});
  }
  // The same; where elements are kept, they become exp(x - M).
  __device__ __forceinline__ T sum_exp_in_place(Kept& kept, T M) const {
    T total = 0;
    if constexpr (items > 0) {
      DLN_UNROLL
      for (int k = 0; k < items; ++k) {
        if ((k * group + lane) * width >= C) continue;
        DLN_UNROLL
        for (int v = 0; v < width; ++v) total += kept.pack[k].at[v] = exp(kept.pack[k].at[v] - M);
      }
    } else {
      each(kept, [&](int, int, int, T x) { total += exp(x - M); });
    }
    return reduce(total, Plus{});
  }
  // exp(x - M) of what sum_exp_in_place left of x.
  static __device__ __forceinline__ T exp_of(T x, T M) { return items > 0 ? x : exp(x - M); }
  // Element i of another row, which each() and write() have as v-th of pack k.
  static __device__ __forceinline__ T of(const Kept& other, int k, int v, int i) {
    return items > 0 ? other.pack[k].at[v] : other.from[i];
  }
};

template <class Group>
Grid row_grid(std::int64_t rows) {
  return {blocks_for(rows, Group::rows_of_block), row_threads, sizeof(typename Group::Shared)};
}

// Calls body(group) with the kind of group that suits rows of C elements; `packs`: rows lie on multiples of 16 bytes.
template <class T, class Body>
void with_row_group(std::int64_t C, bool packs, const Body& body) {
  constexpr int width = pack_width<T>;
  if (C <= 16) return body.template operator()<RowGroup<T, 4, 1, 4>>();
  if (packs && C % width == 0) {
    if (C <= 32 * width) return body.template operator()<RowGroup<T, 8, width, 4>>();
    if (C <= 256 * width) return body.template operator()<RowGroup<T, 32, width, 8>>();
    if (C <= 1024 * width) return body.template operator()<RowGroup<T, 256, width, 4>>();
  } else {
    if (C <= 64) return body.template operator()<RowGroup<T, 8, 1, 8>>();
    if (C <= 256) return body.template operator()<RowGroup<T, 32, 1, 8>>();
    if (C <= 2048) return body.template operator()<RowGroup<T, 256, 1, 8>>();
  }
  body.template operator()<RowGroup<T, 256, 1, 0>>();
}

}  // namespace dlnative::cuda
