// Crossentropies of logits z, with the gradient that they give in the same pass; csrc/ops/loss.cpp says what and why.
//
//   categorical   target t of (..., C):  loss = -sum(t log_softmax(z));   dz = sum(t) softmax(z) - t
//   sparse        integer labels (...):  loss = -log_softmax(z)[label];   dz = softmax(z) - onehot(label)
//                 a label outside [0, C) makes its loss and its row of dz NaN
//                 attribute scale: what dz is multiplied by
//   binary        target t like z:       loss = max(z, 0) - z t + ln(1 + exp(-|z|))
#include "ops/elementwise_loops.h"
#include "ops/row_group.h"

namespace dlnative::cuda {
namespace {

template <class T, class Label, class Group>
__global__ void __launch_bounds__(row_threads, row_blocks)
    sparse_kernel(const T* z, const Label* labels, T* loss, T* dz, std::int64_t rows, int C, T factor) {
  wait_for_previous_kernel();
  const Group group(rows, C);
  auto kept = group.load(z);
  const auto label = group.inside ? static_cast<std::int64_t>(labels[group.row]) : -1;
  const bool valid = label >= 0 && label < C;
  const T chosen = valid ? z[group.row * C + label] : static_cast<T>(NAN);
  const T M = group.max(kept), S = group.sum_exp_in_place(kept, M);
  const T scale = valid ? factor / S : static_cast<T>(NAN);
  if (group.first()) loss[group.row] = log(S) - (chosen - M);
  __syncwarp();  // dz may take the place of z
  group.write(dz, kept,
              [&](int, int, int i, T value) { return Group::exp_of(value, M) * scale - (i == label ? factor : T{0}); });
}

template <class T, class Group>
__global__ void __launch_bounds__(row_threads, row_blocks)
    categorical_kernel(const T* z, const T* target, T* loss, T* dz, std::int64_t rows, int C, T factor) {
  wait_for_previous_kernel();
  const Group group(rows, C);
  auto kept = group.load(z);
  const auto t = group.load(target);
  const T M = group.max(kept);
  // loss = sum(t) ln S - sum(t (z - M)), where a target of 0 counts nothing, even for z = -inf.
  T total = 0, sum = 0;
  group.each(kept, [&](int k, int v, int i, T value) {
    const T weight = Group::of(t, k, v, i);
    total += weight;
    if (weight != T{0}) sum = fma(weight, value - M, sum);
  });
  total = group.reduce(total, Plus{});
  sum = group.reduce(sum, Plus{});
  const T S = group.sum_exp_in_place(kept, M);
  if (group.first()) loss[group.row] = fma(total, log(S), -sum);
  const T scale = total / S;
  group.write(dz, kept, [&](int k, int v, int i, T value) {
    return (Group::exp_of(value, M) * scale - Group::of(t, k, v, i)) * factor;
  });
}

// Whether rows of z, of dz and of a target lie on multiples of 16 bytes, if C is one of them.
bool packs(const Call& call, bool with_target) {
  return is_aligned(call.inputs[0].data) && is_aligned(call.outputs[1].data) &&
         (!with_target || is_aligned(call.inputs[1].data));
}

template <class T, class Label>
void enqueue_sparse(const Call& call, Queue& queue) {
  const View& z = call.inputs[0];
  if (z.size == 0) return;
  with_row_group<T>(z.extent(-1), packs(call, false), [&]<class Group>() {
    launch(queue, sparse_kernel<T, Label, Group>, row_grid<Group>(z.rows()), z.as<const T>(),
           call.inputs[1].as<const Label>(), call.outputs[0].as<T>(), call.outputs[1].as<T>(), z.rows(),
           static_cast<int>(z.extent(-1)), call.floats[0]);
  });
}
template <class T>
void sparse(const Call& call, Queue& queue) {
  call.inputs[1].dtype == DType::int32 ? enqueue_sparse<T, std::int32_t>(call, queue)
                                       : enqueue_sparse<T, std::int64_t>(call, queue);
}
template <class T>
void categorical(const Call& call, Queue& queue) {
  const View& z = call.inputs[0];
  if (z.size == 0) return;
  with_row_group<T>(z.extent(-1), packs(call, true), [&]<class Group>() {
    launch(queue, categorical_kernel<T, Group>, row_grid<Group>(z.rows()), z.as<const T>(),
           call.inputs[1].as<const T>(), call.outputs[0].as<T>(), call.outputs[1].as<T>(), z.rows(),
           static_cast<int>(z.extent(-1)), call.floats[0]);
  });
}

struct BinaryLoss {
  template <class T>
  DLNATIVE_INLINE T operator()(T z, T t) const {
    return softplus(z) - z * t;
  }
};
template <class T>
void binary_crossentropy(const Call& call, Queue& queue) {
  enqueue_elementwise<T, T, T>(call, queue, BinaryLoss{});
}

}  // namespace

extern const Row loss_rows[] = {
    {"categorical_crossentropy_with_logits", by_float<categorical<float>, categorical<double>>, same<Floats>},
    {"sparse_categorical_crossentropy_with_logits",
     by_float<sparse<float>, sparse<double>>,
     {Floats::set, {0, Integers::set}}},
    {"binary_crossentropy_with_logits", by_float<binary_crossentropy<float>, binary_crossentropy<double>>,
     same<Floats>},
};
extern const int loss_row_count = sizeof(loss_rows) / sizeof(loss_rows[0]);

}  // namespace dlnative::cuda
