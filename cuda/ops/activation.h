// Activations as a pass of their own over `size` elements, for kernels that do not apply them where they write.
#pragma once

#include "runtime/row.h"

namespace dlnative::cuda {

// x = f(x)
template <class T>
void enqueue_activation(Queue& queue, Activation activation, double parameter, T* x, std::int64_t size);
// x = x times the derivative, in terms of what was saved
template <class T>
void enqueue_activation_gradient(Queue& queue, Activation activation, double parameter, T* x, const T* saved,
                                 std::int64_t size);

}  // namespace dlnative::cuda
