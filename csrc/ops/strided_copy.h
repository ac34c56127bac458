// One copy for all ops that only move elements: y[i, j, ...] = x[...] where each side has a stride for every axis.
//
// Once axes are merged (strides.h), what is left is rows to copy, rows to fill, or a matrix to transpose, and that is
// done in tiles that stay in L1.
#pragma once

#include <cstring>

#include "dlnative/kernel.h"
#include "ops/dispatch.h"
#include "ops/strides.h"

namespace dlnative::DLNATIVE_ISA {
namespace {

// Two overlapping loads cover every length between a power of two and the next, without a call or a loop.
template <int half>
DLNATIVE_INLINE void copy_halves(char* y, const char* x, std::int64_t bytes) {
  char first[half], last[half];
  __builtin_memcpy(first, x, half);
  __builtin_memcpy(last, x + bytes - half, half);
  __builtin_memcpy(y, first, half);
  __builtin_memcpy(y + bytes - half, last, half);
}

DLNATIVE_INLINE void copy_row(void* to, const void* from, std::int64_t bytes) {
  auto* y = static_cast<char*>(to);
  const auto* x = static_cast<const char*>(from);
  if (bytes > 64) {
    std::memcpy(y, x, static_cast<std::size_t>(bytes));
  } else if (bytes >= 32) {
    copy_halves<32>(y, x, bytes);
  } else if (bytes >= 16) {
    copy_halves<16>(y, x, bytes);
  } else if (bytes >= 8) {
    copy_halves<8>(y, x, bytes);
  } else if (bytes >= 4) {
    copy_halves<4>(y, x, bytes);
  } else {
    for (std::int64_t i = 0; i < bytes; ++i) y[i] = x[i];
  }
}

// The axes that are not part of the innermost loop, counted through in order.
class Odometer {
 public:
  Odometer(const StridedCopy& copy, int rank, std::int64_t start) : copy_(copy), rank_(rank) {
    for (int axis = rank - 1; axis >= 0; --axis) {
      index_[axis] = start % copy.shape[axis];
      start /= copy.shape[axis];
      x += index_[axis] * copy.x_stride[axis];
      y += index_[axis] * copy.y_stride[axis];
    }
  }
  void advance() {
    for (int axis = rank_ - 1; axis >= 0; --axis) {
      x += copy_.x_stride[axis];
      y += copy_.y_stride[axis];
      if (++index_[axis] < copy_.shape[axis]) return;
      x -= copy_.shape[axis] * copy_.x_stride[axis];
      y -= copy_.shape[axis] * copy_.y_stride[axis];
      index_[axis] = 0;
    }
  }

  std::int64_t x = 0, y = 0;  // offsets of the current element

 private:
  const StridedCopy& copy_;
  int rank_;
  std::int64_t index_[max_rank] = {};
};

inline constexpr double bytes_per_nanosecond = 5.0;      // of one core, out of memory
inline constexpr std::int64_t bytes_per_task = 1 << 16;  // large beside what handing out a task costs

// Calls body(first, last) for ranges of [0, count), where one item is `bytes` to write.
template <class Body>
void copy_in_tasks(const Workers& workers, std::int64_t count, std::int64_t bytes, Body body) {
  const int threads =
      workers.worthwhile(static_cast<double>(count) * static_cast<double>(bytes) / bytes_per_nanosecond);
  if (threads == 1) return body(std::int64_t{0}, count);
  const std::int64_t items = bytes >= bytes_per_task ? 1 : bytes_per_task / bytes;
  workers.parallel_for(threads, (count + items - 1) / items, [&](std::int64_t task, int) {
    const std::int64_t first = task * items;
    body(first, first + items < count ? first + items : count);
  });
}

// y[a, b] = x[b, a] over a strip of A rows of y, eight rows of x at a time: more of them would evict each other
// where their distance is a power of two.
template <class Word>
void transpose_strip(const Word* x, std::int64_t x_stride, Word* y, std::int64_t y_stride, std::int64_t A,
                     std::int64_t B) {
  for (std::int64_t b = 0; b < B; b += 8) {
    const std::int64_t width = B - b < 8 ? B - b : 8;
    if (width == 8) {
      for (std::int64_t a = 0; a < A; ++a) {
        Word row[8];
        for (std::int64_t i = 0; i < 8; ++i) row[i] = x[a + (b + i) * x_stride];
        __builtin_memcpy(y + a * y_stride + b, row, sizeof(row));
      }
    } else {
      for (std::int64_t a = 0; a < A; ++a) {
        for (std::int64_t i = 0; i < width; ++i) y[a * y_stride + b + i] = x[a + (b + i) * x_stride];
      }
    }
  }
}

template <class Word>
void transpose_tiled(const StridedCopy& copy, int unit_axis, const Word* x, Word* y, const Workers& workers) {
  // All axes but the last and the one that is contiguous in x.
  StridedCopy outer;
  for (int axis = 0; axis + 1 < copy.rank; ++axis) {
    if (axis == unit_axis) continue;
    outer.shape[outer.rank] = copy.shape[axis];
    outer.x_stride[outer.rank] = copy.x_stride[axis];
    outer.y_stride[outer.rank++] = copy.y_stride[axis];
  }
  std::int64_t outer_count = 1;
  for (int axis = 0; axis < outer.rank; ++axis) outer_count *= outer.shape[axis];

  constexpr std::int64_t strip = 64;
  const std::int64_t A = copy.shape[unit_axis], B = copy.shape[copy.rank - 1];
  const std::int64_t strips = (A + strip - 1) / strip;
  const std::int64_t sx = copy.x_stride[copy.rank - 1], sy = copy.y_stride[unit_axis];
  const std::int64_t bytes = strip * B * static_cast<std::int64_t>(sizeof(Word));
  copy_in_tasks(workers, outer_count * strips, bytes, [&](std::int64_t first, std::int64_t last) {
    Odometer at(outer, outer.rank, first / strips);
    std::int64_t a = first % strips * strip;
    for (std::int64_t unit = first; unit < last; ++unit) {
      transpose_strip(x + at.x + a, sx, y + at.y + a * sy, sy, A - a < strip ? A - a : strip, B);
      a += strip;
      if (a >= A) {
        a = 0;
        at.advance();
      }
    }
  });
}

template <class Word>
void copy_rows(const StridedCopy& copy, const Word* x, Word* y, const Workers& workers) {
  const int last_axis = copy.rank - 1;
  const std::int64_t n = copy.shape[last_axis];
  const std::int64_t sx = copy.x_stride[last_axis], sy = copy.y_stride[last_axis];
  std::int64_t rows = 1;
  for (int axis = 0; axis < last_axis; ++axis) rows *= copy.shape[axis];
  const std::int64_t bytes = n * static_cast<std::int64_t>(sizeof(Word));

  // A single long row is cut like many short ones.
  constexpr std::int64_t piece = bytes_per_task / static_cast<std::int64_t>(sizeof(Word));
  const std::int64_t pieces = rows == 1 && n > piece ? (n + piece - 1) / piece : 1;
  copy_in_tasks(workers, rows * pieces, bytes / pieces, [&](std::int64_t first, std::int64_t last) {
    std::int64_t start = 0, length = n;
    if (pieces > 1) {
      start = first * piece;
      length = (last * piece < n ? last * piece : n) - start;
      first = 0;
      last = 1;
    }
    Odometer at(copy, last_axis, first);
    for (std::int64_t row = first; row < last; ++row, at.advance()) {
      const Word* from = x + at.x + start * sx;
      Word* to = y + at.y + start * sy;
      if (sx == 1 && sy == 1) {
        copy_row(to, from, length * static_cast<std::int64_t>(sizeof(Word)));
      } else if (sx == 0 && sy == 1) {
        const Word value = *from;
        for (std::int64_t i = 0; i < length; ++i) to[i] = value;
      } else {
        for (std::int64_t i = 0; i < length; ++i) to[i * sy] = from[i * sx];
      }
    }
  });
}

template <class Word>
void strided_copy_words(const StridedCopy& copy, const void* from, void* to, const Workers& workers) {
  const auto* x = static_cast<const Word*>(from);
  auto* y = static_cast<Word*>(to);
  if (copy.rank == 0) {
    *y = *x;
    return;
  }
  for (int axis = 0; axis < copy.rank; ++axis) {
    if (copy.shape[axis] == 0) return;
  }
  if (copy.x_stride[copy.rank - 1] > 1 && copy.y_stride[copy.rank - 1] == 1) {
    for (int axis = 0; axis + 1 < copy.rank; ++axis) {
      if (copy.x_stride[axis] == 1) return transpose_tiled(copy, axis, x, y, workers);
    }
  }
  copy_rows(copy, x, y, workers);
}

// Elements of one width are moved alike, whatever they mean; those of two bytes, which are rare, byte by byte.
void strided_copy(const StridedCopy& copy, const void* x, void* y, DType dtype, const Workers& workers) {
  switch (item_size(dtype)) {
    case 1:
      return strided_copy_words<std::uint8_t>(copy, x, y, workers);
    case 2: {
      StridedCopy bytes;
      for (int axis = 0; axis < copy.rank; ++axis) {
        bytes.append(copy.shape[axis], 2 * copy.x_stride[axis], 2 * copy.y_stride[axis]);
      }
      bytes.append(2, 1, 1);
      return strided_copy_words<std::uint8_t>(bytes, x, y, workers);
    }
    case 4:
      return strided_copy_words<std::uint32_t>(copy, x, y, workers);
    default:
      return strided_copy_words<std::uint64_t>(copy, x, y, workers);
  }
}

}  // namespace
}  // namespace dlnative::DLNATIVE_ISA
