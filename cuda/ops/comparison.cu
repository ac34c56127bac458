// Comparisons, logic, where and casts: elementwise ops whose operands and result differ in type.
#include "ops/elementwise_loops.h"

namespace dlnative::cuda {
namespace {

template <class Formula>
struct Predicate {
  template <class... Ts>
  DLNATIVE_INLINE std::uint8_t operator()(Ts... x) const {
    return static_cast<std::uint8_t>(Formula::of(x...));
  }
};

template <class Formula>
void comparison(const Call& call, Queue& queue) {
  with_type(Comparable{}, call.inputs[0].dtype, [&](auto type) {
    using T = Number<decltype(type)>;
    enqueue_elementwise<std::uint8_t, T, T>(call, queue, Predicate<Formula>{});
  });
}
template <class Formula>
void logical(const Call& call, Queue& queue) {
  enqueue_elementwise<std::uint8_t, std::uint8_t, std::uint8_t>(call, queue, Predicate<Formula>{});
}
void logical_not(const Call& call, Queue& queue) {
  enqueue_elementwise<std::uint8_t, std::uint8_t>(call, queue, Predicate<LogicalNot>{});
}
void isfinite(const Call& call, Queue& queue) {
  with_type(Floats{}, call.inputs[0].dtype,
            [&](auto type) { enqueue_elementwise<std::uint8_t, decltype(type)>(call, queue, Predicate<IsFinite>{}); });
}

struct Choose {
  template <class T>
  DLNATIVE_INLINE T operator()(std::uint8_t condition, T a, T b) const {
    return condition != 0 ? a : b;
  }
};
void where(const Call& call, Queue& queue) {
  with_word(call.outputs[0].dtype, [&](auto word) {
    using Word = decltype(word);
    enqueue_elementwise<Word, std::uint8_t, Word, Word>(call, queue, Choose{});
  });
}

template <class To>
struct Convert {
  template <class From>
  DLNATIVE_INLINE Number<To> operator()(From x) const {
    if constexpr (std::is_same_v<To, Boolean>) {
      return x != From{0};
    } else if constexpr (sizeof(To) == 1 && sizeof(From) > 1) {
      return static_cast<To>(static_cast<std::int64_t>(x));  // defined for negative values too
    } else {
      return static_cast<To>(x);
    }
  }
};
void cast(const Call& call, Queue& queue) {
  with_type(Comparable{}, call.inputs[0].dtype, [&](auto from) {
    with_type(Comparable{}, call.outputs[0].dtype, [&](auto to) {
      using To = decltype(to);
      enqueue_elementwise<Number<To>, Number<decltype(from)>>(call, queue, Convert<To>{});
    });
  });
}

// The shapes may differ, the sizes do not.
void copy(const Call& call, Queue& queue) {
  const View &x = call.inputs[0], &y = call.outputs[0];
  if (x.data != y.data && y.size > 0) {
    queue.copy(y.data, x.data, static_cast<std::size_t>(y.size * item_size(y.dtype)));
  }
}

}  // namespace

constexpr TypeRule compares = {Comparable::set, {}, types_of<Boolean>};

extern const Row comparison_rows[] = {
    {"equal", comparison<Equal>, compares},
    {"not_equal", comparison<NotEqual>, compares},
    {"less", comparison<Less>, compares},
    {"less_equal", comparison<LessEqual>, compares},
    {"greater", comparison<Greater>, compares},
    {"greater_equal", comparison<GreaterEqual>, compares},
    {"logical_and", logical<LogicalAnd>, same<Types<Boolean>>},
    {"logical_or", logical<LogicalOr>, same<Types<Boolean>>},
    {"logical_not", logical_not, same<Types<Boolean>>},
    {"isfinite", isfinite, {Floats::set, {}, types_of<Boolean>}},
    {"where", where, {all_types, {types_of<Boolean>}}},
    {"cast", cast, {0, {Comparable::set}, Comparable::set}},
    {"copy", copy, moves},
};
extern const int comparison_row_count = sizeof(comparison_rows) / sizeof(comparison_rows[0]);

}  // namespace dlnative::cuda
