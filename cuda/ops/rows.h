// What rows of the op table are written with.
#pragma once

#include "ops/dispatch.h"
#include "runtime/row.h"

namespace dlnative::cuda {

using Enqueue = void (*)(const Call&, Queue&);

// Types that are compared and converted, and what their elements are computed with.
using Comparable = Types<float, double, std::int32_t, std::int64_t, std::uint8_t, Boolean>;
template <class Element>
using Number = std::conditional_t<std::is_same_v<Element, Boolean>, std::uint8_t, Element>;

// A kernel of floats, of whose type its first result is.
template <Enqueue single, Enqueue twice>
void by_float(const Call& call, Queue& queue) {
  call.outputs[0].dtype == DType::float32 ? single(call, queue) : twice(call, queue);
}

}  // namespace dlnative::cuda
