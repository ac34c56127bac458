// One step of a chain, on the packs of a thread.
#pragma once

#include "ops/chain.h"
#include "ops/convert.h"
#include "ops/elementwise_loops.h"

namespace dlnative::cuda {

template <class Element>
inline constexpr DType dtype_of = DType::float32;
#define DLNATIVE_ROW(name, Element, text) \
  template <>                             \
  inline constexpr DType dtype_of<Element> = DType::name;
DLNATIVE_DTYPES(DLNATIVE_ROW)
#undef DLNATIVE_ROW

#define DLNATIVE_ROW(name, Element, text) , Element
template <class Nothing, class... Elements>
struct ListOf {
  using type = Types<Elements...>;
};
using AllTypes = ListOf<void DLNATIVE_DTYPES(DLNATIVE_ROW)>::type;
#undef DLNATIVE_ROW

// Calls body(Element{}) for the type, of those of a list that are no wider than `word` bytes.
template <int word, class Element, class... Others, class Body>
__device__ __forceinline__ void on_type(Types<Element, Others...>, DType dtype, Body body) {
  if constexpr (sizeof(Element) <= word) {
    if (dtype_of<Element> == dtype) return body(Element{});
  }
  if constexpr (sizeof...(Others) > 0) on_type<word>(Types<Others...>{}, dtype, body);
}

// The packs of one thread; no element is wider than `word` bytes.
template <int word>
struct ChainPacks {
  static constexpr int width = 16 / word;
  unsigned char* first;  // of value 0

  __device__ __forceinline__ void* slot(int value) const { return first + value * sizeof(ChainColumn); }
  template <class T>
  __device__ __forceinline__ Pack<T, width> get(int value) const {
    return *static_cast<const Pack<T, width>*>(slot(value));
  }
  template <class T>
  __device__ __forceinline__ void put(int value, const Pack<T, width>& pack) const {
    *static_cast<Pack<T, width>*>(slot(value)) = pack;
  }

  template <class Y, class T, class F>
  __device__ __forceinline__ void one(const ChainStep& step, F f) const {
    const auto x = get<T>(step.operands[0]);
    Pack<Y, width> y;
    DLN_UNROLL
    for (int v = 0; v < width; ++v) y.at[v] = f(x.at[v]);
    put(step.destination, y);
  }
  template <class Y, class T, class F>
  __device__ __forceinline__ void two(const ChainStep& step, F f) const {
    const auto a = get<T>(step.operands[0]), b = get<T>(step.operands[1]);
    Pack<Y, width> y;
    DLN_UNROLL
    for (int v = 0; v < width; ++v) y.at[v] = f(a.at[v], b.at[v]);
    put(step.destination, y);
  }

  template <class Formula, class List>
  __device__ __forceinline__ void unary(const ChainStep& step) const {
    on_type<word>(List{}, step.type, [&](auto type) {
      using T = decltype(type);
      one<T, T>(step, Applied<Formula, T>{static_cast<T>(step.parameter)});
    });
  }
  template <class Formula, class List>
  __device__ __forceinline__ void binary(const ChainStep& step) const {
    on_type<word>(List{}, step.type, [&](auto type) {
      using T = decltype(type);
      two<T, T>(step, Applied<Formula, T>{static_cast<T>(step.parameter)});
    });
  }
  template <class Formula>
  __device__ __forceinline__ void comparison(const ChainStep& step) const {
    on_type<word>(Comparable{}, step.type, [&](auto type) {
      using T = Number<decltype(type)>;
      two<std::uint8_t, T>(step, [](T a, T b) { return static_cast<std::uint8_t>(Formula::of(a, b)); });
    });
  }
  __device__ __forceinline__ void where(const ChainStep& step) const {
    const auto condition = get<std::uint8_t>(step.operands[0]);
    const auto choose = [&](auto word_of) {
      using T = decltype(word_of);
      if constexpr (sizeof(T) <= word) {
        const auto a = get<T>(step.operands[1]), b = get<T>(step.operands[2]);
        Pack<T, width> y;
        DLN_UNROLL
        for (int v = 0; v < width; ++v) y.at[v] = condition.at[v] != 0 ? a.at[v] : b.at[v];
        put(step.destination, y);
      }
    };
    on_word(step.result, choose);
  }
  __device__ __forceinline__ void copy(const ChainStep& step) const {
    on_word(step.result, [&](auto word_of) {
      using T = decltype(word_of);
      if constexpr (sizeof(T) <= word) put(step.destination, get<T>(step.operands[0]));
    });
  }
  __device__ __forceinline__ void cast(const ChainStep& step) const {
    on_type<word>(AllTypes{}, step.type, [&](auto from) {
      on_type<word>(AllTypes{}, step.result, [&](auto to) {
        using From = decltype(from);
        using To = decltype(to);
        // The common ones in registers; of the others one element after the other, which is less to compile.
        if constexpr ((Computed::set & types_of<From>) != 0 && (Computed::set & types_of<To>) != 0) {
          one<To, From>(step, [](From x) { return converted<To>(x); });
        } else {
          From* const x = static_cast<From*>(slot(step.operands[0]));
          To* const y = static_cast<To*>(slot(step.destination));
          // A wider result may lie on its operand: from the end on.
          DLN_UNROLL_BY(1)
          for (int k = 0; k < width; ++k) {
            const int v = sizeof(To) > sizeof(From) ? width - 1 - k : k;
            y[v] = converted<To>(x[v]);
          }
        }
      });
    });
  }

  __device__ __forceinline__ void run(const ChainStep& step) const {
    switch (step.op) {
#define DLNATIVE_STEP(name, Formula, List) \
  case ChainOp::name:                      \
    return unary<Formula, List>(step);
      DLNATIVE_UNARY_OPS(DLNATIVE_STEP)
#undef DLNATIVE_STEP
#define DLNATIVE_STEP(name, Formula, List) \
  case ChainOp::name:                      \
    return binary<Formula, List>(step);
      DLNATIVE_BINARY_OPS(DLNATIVE_STEP)
#undef DLNATIVE_STEP
#define DLNATIVE_STEP(name, Formula) \
  case ChainOp::name:                \
    return comparison<Formula>(step);
      DLNATIVE_COMPARISONS(DLNATIVE_STEP)
#undef DLNATIVE_STEP
#define DLNATIVE_STEP(name, Formula)                                                                 \
  case ChainOp::name:                                                                                \
    return unary<Formula, std::conditional_t<std::is_same_v<Formula, Relu>, Numbers, Floats>>(step); \
  case ChainOp::name##_gradient:                                                                     \
    return binary<Formula##Gradient, Floats>(step);
      DLNATIVE_ACTIVATIONS(DLNATIVE_STEP)
#undef DLNATIVE_STEP
      case ChainOp::logical_and:
        return two<std::uint8_t, std::uint8_t>(
            step, [](std::uint8_t a, std::uint8_t b) { return static_cast<std::uint8_t>(LogicalAnd::of(a, b)); });
      case ChainOp::logical_or:
        return two<std::uint8_t, std::uint8_t>(
            step, [](std::uint8_t a, std::uint8_t b) { return static_cast<std::uint8_t>(LogicalOr::of(a, b)); });
      case ChainOp::logical_not:
        return one<std::uint8_t, std::uint8_t>(
            step, [](std::uint8_t x) { return static_cast<std::uint8_t>(LogicalNot::of(x)); });
      case ChainOp::isfinite:
        return on_type<word>(Floats{}, step.type, [&](auto type) {
          using T = decltype(type);
          one<std::uint8_t, T>(step, [](T x) { return static_cast<std::uint8_t>(IsFinite::of(x)); });
        });
      case ChainOp::where:
        return where(step);
      case ChainOp::cast:
        return cast(step);
      case ChainOp::copy:
        return copy(step);
      default:
        return;
    }
  }

 private:
  template <class Body>
  static __device__ __forceinline__ void on_word(DType dtype, Body body) {
    switch (width_of(dtype)) {
      case 1:
        return body(std::uint8_t{});
      case 2:
        return body(std::uint16_t{});
      case 4:
        return body(std::uint32_t{});
      default:
        return body(std::uint64_t{});
    }
  }
  static __device__ __forceinline__ int width_of(DType dtype) {
    switch (dtype) {
#define DLNATIVE_ROW(name, Element, text) \
  case DType::name:                       \
    return sizeof(Element);
      DLNATIVE_DTYPES(DLNATIVE_ROW)
#undef DLNATIVE_ROW
    }
    return 8;
  }
};

}  // namespace dlnative::cuda
