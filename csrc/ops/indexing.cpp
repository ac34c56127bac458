// Ops that choose elements by number. x is taken as (outer, extent, inner) around an axis, the indices as one vector.
//
//   gather   y[o, j, i] = x[o, index[j], i]; where the index is out of range, NaN if that is wanted and there is one,
//            else 0
//   scatter  y = x, then for j in order y[o, index[j], i] = join(y[o, index[j], i], updates[o, j, i]); an index out of
//            range is left out. join is by `reduction`: the update, the sum, the larger, the smaller, the product
//   argsort  the places that sort each row, equal elements in their order and NaN above all others
//
// Threads share outer and inner, never the indices: the order of updates of one place is that of the indices.
#include <cstring>
#include <type_traits>

#include "ops/dispatch.h"
#include "simd/vec.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

constexpr double bytes_per_nanosecond = 4;

struct Around {
  std::int64_t outer = 1, extent, inner = 1;

  Around(const View& x, std::int64_t axis) : extent(x.shape[axis]) {
    for (int i = 0; i < axis; ++i) outer *= x.shape[i];
    for (int i = static_cast<int>(axis) + 1; i < x.rank; ++i) inner *= x.shape[i];
  }
};

DLNATIVE_INLINE std::int64_t index_at(const View& indices, std::int64_t j) {
  return indices.dtype == DType::int32 ? indices.as<std::int32_t>()[j] : indices.as<std::int64_t>()[j];
}

// Calls body(first, last) for ranges of [0, count), where an item takes so many nanoseconds.
template <class Body>
DLNATIVE_INLINE void in_ranges(const Workers& workers, std::int64_t count, double nanoseconds_each, Body body) {
  const int threads = workers.worthwhile(static_cast<double>(count) * nanoseconds_each);
  if (threads == 1) return body(std::int64_t{0}, count);
  const std::int64_t tasks = count < 8 * threads ? count : 8 * threads;
  workers.parallel_for(threads, tasks,
                       [&](std::int64_t task, int) { body(count * task / tasks, count * (task + 1) / tasks); });
}

// The bits of NaN, or of zero where there is none, in the low bytes.
DLNATIVE_INLINE std::uint64_t missing_bits(DType dtype, bool nan) {
  if (!nan) return 0;
  switch (dtype) {
    case DType::float32:
      return 0x7fc00000;
    case DType::float64:
      return 0x7ff8000000000000;
    case DType::float16:
      return 0x7e00;
    case DType::bfloat16:
      return 0x7fc0;
    default:
      return 0;
  }
}

void gather(const Call& call) {
  const View &x = call.inputs[0], &indices = call.inputs[1], &y = call.outputs[0];
  if (y.size == 0) return;
  const Around around(x, call.ints[0]);
  const std::uint64_t missing = missing_bits(x.dtype, call.ints[1] != 0);
  const std::int64_t count = indices.size, inner = around.inner;
  with_word(x.dtype, [&](auto word) {
    using Word = decltype(word);
    const Word* from = x.as<const Word>();
    Word* to = y.as<Word>();
    const double bytes = static_cast<double>(inner) * sizeof(Word);
    const auto rows = [&](auto length, const auto* numbers) {
      in_ranges(*call.workers, around.outer * count, bytes / bytes_per_nanosecond + 2,
                [&](std::int64_t first, std::int64_t last) {
                  std::int64_t o = first / count, j = first % count;
                  Word* row = to + first * length;
                  for (std::int64_t unit = first; unit < last; ++unit, row += length) {
                    const auto index = static_cast<std::int64_t>(numbers[j]);
                    if (index < 0 || index >= around.extent) {
                      for (std::int64_t i = 0; i < length; ++i) row[i] = static_cast<Word>(missing);
                    } else {
                      const Word* source = from + (o * around.extent + index) * length;
                      std::memcpy(row, source, static_cast<std::size_t>(length) * sizeof(Word));
                    }
                    if (++j == count) {
                      j = 0;
                      ++o;
                    }
                  }
                });
    };
    // Short rows, single elements and the channels of images, are copied by instructions that know how long they are.
    const auto of_length = [&](const auto* numbers) {
      switch (inner) {
        case 1:
          return rows(std::integral_constant<std::int64_t, 1>{}, numbers);
        case 3:
          return rows(std::integral_constant<std::int64_t, 3>{}, numbers);
        case 4:
          return rows(std::integral_constant<std::int64_t, 4>{}, numbers);
        default:
          return rows(inner, numbers);
      }
    };
    if (indices.dtype == DType::int32) return of_length(indices.as<const std::int32_t>());
    return of_length(indices.as<const std::int64_t>());
  });
}

enum Reduction : std::int64_t { set, add, larger, smaller, multiply };

template <class T, class Join>
DLNATIVE_INLINE void join_updates(const Call& call, Join join) {
  const View &indices = call.inputs[1], &y = call.outputs[0];
  const Around around(y, call.ints[0]);
  const std::int64_t count = indices.size, inner = around.inner;
  const T* updates = call.inputs[2].as<T>();
  T* to = y.as<T>();
  const double nanoseconds = static_cast<double>(count);
  if (around.outer > 1 || inner == 1) {
    in_ranges(*call.workers, around.outer, nanoseconds * static_cast<double>(inner),
              [&](std::int64_t first, std::int64_t last) {
                for (std::int64_t o = first; o < last; ++o) {
                  for (std::int64_t j = 0; j < count; ++j) {
                    const std::int64_t index = index_at(indices, j);
                    if (index < 0 || index >= around.extent) continue;
                    T* row = to + (o * around.extent + index) * inner;
                    const T* update = updates + (o * count + j) * inner;
                    for (std::int64_t i = 0; i < inner; ++i) row[i] = join(row[i], update[i]);
                  }
                }
              });
    return;
  }
  in_ranges(*call.workers, inner, nanoseconds, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t j = 0; j < count; ++j) {
      const std::int64_t index = index_at(indices, j);
      if (index < 0 || index >= around.extent) continue;
      T* row = to + index * inner;
      const T* update = updates + j * inner;
      for (std::int64_t i = first; i < last; ++i) row[i] = join(row[i], update[i]);
    }
  });
}

template <class T>
DLNATIVE_INLINE T wrapping(T a, T b, bool product) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    const U x = static_cast<U>(a), y = static_cast<U>(b);
    return static_cast<T>(product ? x * y : x + y);
  } else {
    return product ? a * b : a + b;
  }
}

template <class T>
void scatter_as(const Call& call) {
  switch (call.ints[1]) {
    case set:
      return join_updates<T>(call, [](T, T b) { return b; });
    case add:
      return join_updates<T>(call, [](T a, T b) { return wrapping(a, b, false); });
    case larger:
      return join_updates<T>(call, [](T a, T b) { return a != a || a > b ? a : b; });
    case smaller:
      return join_updates<T>(call, [](T a, T b) { return a != a || a < b ? a : b; });
    default:
      return join_updates<T>(call, [](T a, T b) { return wrapping(a, b, true); });
  }
}

void scatter(const Call& call) {
  const View &x = call.inputs[0], &y = call.outputs[0];
  if (y.size == 0) return;
  if (x.data != y.data) std::memcpy(y.data, x.data, static_cast<std::size_t>(y.size * item_size(y.dtype)));
  with_type(Numbers{}, y.dtype, [&](auto type) { scatter_as<decltype(type)>(call); });
}

// Merge sort: runs of a few by insertion, then twice as long ones from `y` to `spare` and back.
template <class Before>
DLNATIVE_INLINE void sort_places(std::int32_t* y, std::int32_t* spare, std::int64_t n, Before before) {
  constexpr std::int64_t run = 16;
  for (std::int64_t first = 0; first < n; first += run) {
    const std::int64_t last = first + run < n ? first + run : n;
    for (std::int64_t i = first; i < last; ++i) {
      std::int64_t place = i;
      const auto own = static_cast<std::int32_t>(i);
      for (; place > first && before(own, y[place - 1]); --place) y[place] = y[place - 1];
      y[place] = own;
    }
  }
  std::int32_t *from = y, *to = spare;
  for (std::int64_t length = run; length < n; length *= 2) {
    for (std::int64_t first = 0; first < n; first += 2 * length) {
      const std::int64_t middle = first + length < n ? first + length : n;
      const std::int64_t last = middle + length < n ? middle + length : n;
      std::int64_t a = first, b = middle;
      for (std::int64_t i = first; i < last; ++i) {
        to[i] = b == last || (a < middle && !before(from[b], from[a])) ? from[a++] : from[b++];
      }
    }
    std::int32_t* const merged = to;
    to = from;
    from = merged;
  }
  if (from != y) std::memcpy(y, from, static_cast<std::size_t>(n) * sizeof(*y));
}

template <class T>
void argsort_as(const Call& call) {
  const View &x_view = call.inputs[0], &y_view = call.outputs[0];
  const std::int64_t n = x_view.shape[x_view.rank - 1], rows = y_view.size / n;
  const bool descending = call.ints[0] != 0;
  auto sort_row = [&](std::int64_t row, int thread) {
    const T* x = x_view.as<T>() + row * n;
    auto* spare = static_cast<std::int32_t*>(call.scratch) + thread * n;
    sort_places(y_view.as<std::int32_t>() + row * n, spare, n, [x, descending](std::int32_t i, std::int32_t j) {
      const T a = x[i], b = x[j];
      if (descending) return b == b && (a != a || a > b);
      return a == a && (b != b || a < b);
    });
  };
  const int threads = call.workers->worthwhile(static_cast<double>(y_view.size) * 40);
  if (threads > 1) return call.workers->parallel_for(threads, rows, sort_row);
  for (std::int64_t row = 0; row < rows; ++row) sort_row(row, 0);
}

std::int64_t argsort_scratch(const Call& call, int threads) {
  const View& x = call.inputs[0];
  return threads * x.shape[x.rank - 1] * static_cast<std::int64_t>(sizeof(std::int32_t));
}

void argsort(const Call& call) {
  if (call.outputs[0].size == 0) return;
  with_type(Numbers{}, call.inputs[0].dtype, [&](auto type) { argsort_as<decltype(type)>(call); });
}

}  // namespace

extern const OpRow indexing_rows[] = {
    {"gather", gather, {all_types, {0, Integers::set}, 0}},
    {"scatter", scatter, {Numbers::set, {0, Integers::set}, 0}},
    {"argsort", argsort, {Numbers::set, {}, types_of<std::int32_t>}, argsort_scratch},
};
extern const int indexing_row_count = sizeof(indexing_rows) / sizeof(indexing_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
