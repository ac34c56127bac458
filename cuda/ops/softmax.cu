// Softmax over the last axis, rows of C elements; M = max(x), S = sum(exp(x - M)).
//
//   softmax                y = exp(x - M) / S
//   log_softmax            y = x - M - ln S
//   softmax_gradient       dx = y (dy - sum(dy y))          needs y alone
//   log_softmax_gradient   dx = dy - exp(y) sum(dy)
#include "ops/row_group.h"

namespace dlnative::cuda {
namespace {

template <class T, class Group>
__global__ void __launch_bounds__(row_threads, row_blocks) softmax_kernel(const T* x, T* y, std::int64_t rows, int C) {
  wait_for_previous_kernel();
  const Group group(rows, C);
  auto kept = group.load(x);
  const T M = group.max(kept), scale = T{1} / group.sum_exp_in_place(kept, M);
  group.write(y, kept, [&](int, int, int, T value) { return Group::exp_of(value, M) * scale; });
}

template <class T, class Group>
__global__ void __launch_bounds__(row_threads, row_blocks)
    log_softmax_kernel(const T* x, T* y, std::int64_t rows, int C) {
  wait_for_previous_kernel();
  const Group group(rows, C);
  const auto kept = group.load(x);
  const T M = group.max(kept), rest = log(group.sum_exp(kept, M));
  group.write(y, kept, [&](int, int, int, T value) { return value - M - rest; });
}

template <class T, class Group>
__global__ void __launch_bounds__(row_threads, row_blocks)
    softmax_gradient_kernel(const T* dy, const T* y, T* dx, std::int64_t rows, int C) {
  wait_for_previous_kernel();
  const Group group(rows, C);
  const auto kept = group.load(y), gradient = group.load(dy);
  T products = 0;
  group.each(kept,
             [&](int k, int v, int i, T value) { products = fma(Group::of(gradient, k, v, i), value, products); });
  const T total = group.reduce(products, Plus{});
  group.write(dx, kept, [&](int k, int v, int i, T value) { return value * (Group::of(gradient, k, v, i) - total); });
}

template <class T, class Group>
__global__ void __launch_bounds__(row_threads, row_blocks)
    log_softmax_gradient_kernel(const T* dy, const T* y, T* dx, std::int64_t rows, int C) {
  wait_for_previous_kernel();
  const Group group(rows, C);
  const auto kept = group.load(dy), result = group.load(y);
  T total = 0;
  group.each(kept, [&](int, int, int, T value) { total += value; });
  total = group.reduce(total, Plus{});
  group.write(dx, kept, [&](int k, int v, int i, T value) { return value - exp(Group::of(result, k, v, i)) * total; });
}

template <class T>
void softmax(const Call& call, Queue& queue) {
  const View& x = call.inputs[0];
  if (x.size == 0) return;
  with_row_group<T>(x.extent(-1), is_aligned(x.data) && is_aligned(call.outputs[0].data), [&]<class Group>() {
    launch(queue, softmax_kernel<T, Group>, row_grid<Group>(x.rows()), x.as<const T>(), call.outputs[0].as<T>(),
           x.rows(), static_cast<int>(x.extent(-1)));
  });
}
template <class T>
void log_softmax(const Call& call, Queue& queue) {
  const View& x = call.inputs[0];
  if (x.size == 0) return;
  with_row_group<T>(x.extent(-1), is_aligned(x.data) && is_aligned(call.outputs[0].data), [&]<class Group>() {
    launch(queue, log_softmax_kernel<T, Group>, row_grid<Group>(x.rows()), x.as<const T>(), call.outputs[0].as<T>(),
           x.rows(), static_cast<int>(x.extent(-1)));
  });
}
bool packs(const Call& call) {
  return is_aligned(call.inputs[0].data) && is_aligned(call.inputs[1].data) && is_aligned(call.outputs[0].data);
}
template <class T>
void softmax_gradient(const Call& call, Queue& queue) {
  const View &dy = call.inputs[0], &y = call.inputs[1];
  if (y.size == 0) return;
  with_row_group<T>(y.extent(-1), packs(call), [&]<class Group>() {
    launch(queue, softmax_gradient_kernel<T, Group>, row_grid<Group>(y.rows()), dy.as<const T>(), y.as<const T>(),
           call.outputs[0].as<T>(), y.rows(), static_cast<int>(y.extent(-1)));
  });
}
template <class T>
void log_softmax_gradient(const Call& call, Queue& queue) {
  const View &dy = call.inputs[0], &y = call.inputs[1];
  if (y.size == 0) return;
  with_row_group<T>(y.extent(-1), packs(call), [&]<class Group>() {
    launch(queue, log_softmax_gradient_kernel<T, Group>, row_grid<Group>(y.rows()), dy.as<const T>(), y.as<const T>(),
           call.outputs[0].as<T>(), y.rows(), static_cast<int>(y.extent(-1)));
  });
}

}  // namespace

extern const Row softmax_rows[] = {
    {"softmax", by_float<softmax<float>, softmax<double>>, same<Floats>},
    {"log_softmax", by_float<log_softmax<float>, log_softmax<double>>, same<Floats>},
    {"softmax_gradient", by_float<softmax_gradient<float>, softmax_gradient<double>>, same<Floats>},
    {"log_softmax_gradient", by_float<log_softmax_gradient<float>, log_softmax_gradient<double>>, same<Floats>},
};
extern const int softmax_row_count = sizeof(softmax_rows) / sizeof(softmax_rows[0]);

}  // namespace dlnative::cuda
