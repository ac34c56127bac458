// Activations and their gradients; the formulas are the CPU's (csrc/simd/activations.h).
#include "ops/activation.h"

#include "ops/elementwise_loops.h"

namespace dlnative::cuda {
namespace {

template <class T>
View flat(T* data, std::int64_t size) {
  View view;
  view.data = const_cast<std::remove_const_t<T>*>(data);
  view.size = view.shape[0] = size;
  view.rank = 1;
  view.dtype = sizeof(T) == 4 ? DType::float32 : DType::float64;
  return view;
}

// relu is for integers, too.
template <class Formula>
using TypesOf = std::conditional_t<std::is_same_v<Formula, Relu>, Numbers, Floats>;

}  // namespace

template <class T>
void enqueue_activation(Queue& queue, Activation activation, double parameter, T* x, std::int64_t size) {
  const View view = flat(x, size);
  Call call;
  call.inputs = call.outputs = &view;
  call.floats = &parameter;
  switch (activation) {
    case Activation::linear:
      break;
#define DLNATIVE_APPLY(name, Formula) \
  case Activation::name:              \
    return enqueue_unary<Formula, T>(call, queue);
      DLNATIVE_ACTIVATIONS(DLNATIVE_APPLY)
#undef DLNATIVE_APPLY
  }
}

template <class T>
void enqueue_activation_gradient(Queue& queue, Activation activation, double parameter, T* x, const T* saved,
                                 std::int64_t size) {
  const View inputs[] = {flat(x, size), flat(saved, size)};
  Call call;
  call.inputs = call.outputs = inputs;
  call.floats = &parameter;
  switch (activation) {
    case Activation::linear:
      break;
#define DLNATIVE_APPLY(name, Formula) \
  case Activation::name:              \
    return enqueue_binary<Formula##Gradient, T>(call, queue);
      DLNATIVE_ACTIVATIONS(DLNATIVE_APPLY)
#undef DLNATIVE_APPLY
  }
}

template void enqueue_activation(Queue&, Activation, double, float*, std::int64_t);
template void enqueue_activation(Queue&, Activation, double, double*, std::int64_t);
template void enqueue_activation_gradient(Queue&, Activation, double, float*, const float*, std::int64_t);
template void enqueue_activation_gradient(Queue&, Activation, double, double*, const double*, std::int64_t);

extern const Row activation_rows[] = {
#define DLNATIVE_ROWS(name, Formula)                                 \
  {#name, unary<Formula, TypesOf<Formula>>, same<TypesOf<Formula>>}, \
      {#name "_gradient", binary<Formula##Gradient, Floats>, same<Floats>},
    DLNATIVE_ACTIVATIONS(DLNATIVE_ROWS)
#undef DLNATIVE_ROWS
};
extern const int activation_row_count = sizeof(activation_rows) / sizeof(activation_rows[0]);

}  // namespace dlnative::cuda
