#include "check/mlp.h"

#include <cmath>
#include <cstring>

#include "dlnative/isa.h"
#include "runtime/gather.h"

namespace dlnative::cuda::check {

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> list = {{"4-8-8-3, 16", {4, 8, 8, 3}, 16, true},
                                             {"80-128-128-1, 32, MSE", {80, 128, 128, 1}, 32, false},
                                             {"784-256-128-10, 128", {784, 256, 128, 10}, 128, true},
                                             {"784-1024-1024-10, 256", {784, 1024, 1024, 10}, 256, true}};
  return list;
}

namespace {

// A buffer is a part of a tensor: parameters, gradients and slots lie one behind the other.
struct Buffer {
  int tensor;
  std::int64_t offset;  // in elements
  Shape shape;
};
struct Step {
  std::string op;
  std::vector<int> inputs, outputs;
  std::vector<std::int64_t> ints;
  std::vector<double> floats;
};

std::vector<std::int64_t> product(int transpose_a, int transpose_b, bool bias, Activation activation,
                                  Activation gradient_of, bool sums) {
  return {
      transpose_a, transpose_b, bias, 0, static_cast<std::int64_t>(activation), static_cast<std::int64_t>(gradient_of),
      sums};
}

}  // namespace

struct Mlp::State {
  std::int64_t batch, samples, done = 0;
  std::vector<Tensor> tensors, initial;
  std::vector<Memory> memory, scratch;
  std::vector<Buffer> buffers;
  std::vector<Step> steps;
  int x_all, y_all, order, position, x, y, parameters, total;

  int tensor(const Shape& shape, DType dtype) {
    tensors.emplace_back(shape, dtype);
    return static_cast<int>(tensors.size()) - 1;
  }
  int part(int of, std::int64_t offset, const Shape& shape) {
    buffers.push_back({of, offset, shape});
    return static_cast<int>(buffers.size()) - 1;
  }
  int buffer(const Shape& shape, DType dtype = DType::float32) { return part(tensor(shape, dtype), 0, shape); }
  int constant(const Shape& shape, DType dtype, double value) {
    const int made = buffer(shape, dtype);
    Tensor& t = tensors[static_cast<std::size_t>(buffers[static_cast<std::size_t>(made)].tensor)];
    for (std::int64_t i = 0; i < t.size(); ++i) t.set(i, value);
    return made;
  }
  Tensor& of(int buffer) { return tensors[static_cast<std::size_t>(buffers[static_cast<std::size_t>(buffer)].tensor)]; }
  View view(int index, bool on_device) const {
    const Buffer& b = buffers[static_cast<std::size_t>(index)];
    const Tensor& t = tensors[static_cast<std::size_t>(b.tensor)];
    View view = t.view();
    view.rank = static_cast<std::int32_t>(b.shape.size());
    view.size = size_of(b.shape);
    for (std::size_t axis = 0; axis < b.shape.size(); ++axis) view.shape[axis] = b.shape[axis];
    if (on_device) view.data = memory[static_cast<std::size_t>(b.tensor)].data();
    view.data = static_cast<char*>(view.data) + b.offset * item_size(t.dtype);
    return view;
  }

  template <class Use>
  void with_call(const Step& step, bool on_device, const Use& use) const {
    std::vector<View> inputs, outputs;
    for (const int i : step.inputs) inputs.push_back(view(i, on_device));
    for (const int i : step.outputs) outputs.push_back(view(i, on_device));
    Call call;
    call.inputs = inputs.data();
    call.outputs = outputs.data();
    call.input_count = static_cast<std::int32_t>(inputs.size());
    call.output_count = static_cast<std::int32_t>(outputs.size());
    call.ints = step.ints.data();
    call.floats = step.floats.data();
    use(call);
  }
};

Mlp::Mlp(const Workload& w, std::int64_t batches) : state_(new State) {
  State& s = *state_;
  std::mt19937 generator(11);
  const std::int64_t B = w.batch, samples = B * batches;
  s.batch = B;
  s.samples = samples;
  const DType target = w.classes ? DType::int32 : DType::float32;
  const std::int64_t outputs = w.sizes.back();
  s.x_all = s.buffer({samples, w.sizes[0]});
  s.y_all = s.buffer(w.classes ? Shape{samples} : Shape{samples, outputs}, target);
  s.of(s.x_all) = random(generator, {samples, w.sizes[0]}, DType::float32, -1.7, 1.7);
  s.of(s.y_all) = random(generator, s.of(s.y_all).shape, target, w.classes ? 0 : -1.7,
                         w.classes ? static_cast<double>(outputs) : 1.7);
  s.order = s.buffer({samples}, DType::int64);
  for (std::int64_t i = 0; i < samples; ++i) s.of(s.order).set(i, static_cast<double>((i * 7919) % samples));
  s.position = s.constant({}, DType::int64, 0);
  s.x = s.buffer({B, w.sizes[0]});
  s.y = s.buffer(w.classes ? Shape{B} : Shape{B, outputs}, target);

  // Weights and biases, each on a multiple of 16 bytes.
  std::int64_t count = 0;
  std::vector<std::int64_t> weight_at, bias_at;
  const std::size_t layers = w.sizes.size() - 1;
  for (std::size_t l = 0; l < layers; ++l) {
    weight_at.push_back(count);
    count += (w.sizes[l] * w.sizes[l + 1] + 3) / 4 * 4;
    bias_at.push_back(count);
    count += (w.sizes[l + 1] + 3) / 4 * 4;
  }
  const int parameters = s.constant({count}, DType::float32, 0), gradients = s.constant({count}, DType::float32, 0);
  const int m = s.constant({count}, DType::float32, 0), v = s.constant({count}, DType::float32, 0);
  s.parameters = parameters;
  std::vector<int> weight, bias, dweight, dbias;
  const auto tensor_of = [&](int b) { return s.buffers[static_cast<std::size_t>(b)].tensor; };
  for (std::size_t l = 0; l < layers; ++l) {
    const std::int64_t in = w.sizes[l], out = w.sizes[l + 1];
    const double limit = std::sqrt(6.0 / static_cast<double>(in + out));
    const Tensor initial = random(generator, {in, out}, DType::float32, -limit, limit);
    for (std::int64_t i = 0; i < in * out; ++i) s.of(parameters).set(weight_at[l] + i, initial.get(i));
    weight.push_back(s.part(tensor_of(parameters), weight_at[l], {in, out}));
    bias.push_back(s.part(tensor_of(parameters), bias_at[l], {out}));
    dweight.push_back(s.part(tensor_of(gradients), weight_at[l], {in, out}));
    dbias.push_back(s.part(tensor_of(gradients), bias_at[l], {out}));
  }
  const int rate = s.constant({}, DType::float32, 1e-3), iterations = s.constant({}, DType::int64, 0);
  const int one = s.constant({}, DType::int64, 1),
            scale = s.constant({}, DType::float32, 2.0 / static_cast<double>(B * outputs));
  s.total = s.constant({}, DType::float32, 0);

  std::vector<int> values{s.x};
  for (std::size_t l = 0; l < layers; ++l) {
    const Activation activation = l + 1 < layers ? Activation::relu : Activation::linear;
    values.push_back(s.buffer({B, w.sizes[l + 1]}));
    s.steps.push_back({"matmul",
                       {values[l], weight[l], bias[l]},
                       {values[l + 1]},
                       product(0, 0, true, activation, Activation::linear, false),
                       {0.0}});
  }
  const int mean = s.buffer({});
  int dy = s.buffer({B, outputs});
  if (w.classes) {
    const int losses = s.buffer({B});
    s.steps.push_back({"sparse_categorical_crossentropy_with_logits",
                       {values.back(), s.y},
                       {losses, dy},
                       {},
                       {1.0 / static_cast<double>(B)}});
    s.steps.push_back({"mean", {losses}, {mean}, {0, 1}, {}});
  } else {
    const int difference = s.buffer({B, outputs}), squares = s.buffer({B, outputs});
    s.steps.push_back({"subtract", {values.back(), s.y}, {difference}, {}, {}});
    s.steps.push_back({"square", {difference}, {squares}, {}, {}});
    s.steps.push_back({"mean", {squares}, {mean}, {0, 2}, {}});
    s.steps.push_back({"multiply", {difference, scale}, {dy}, {}, {}});
  }
  s.steps.push_back({"add", {s.total, mean}, {s.total}, {}, {}});
  for (std::size_t l = layers; l-- > 0;) {
    s.steps.push_back({"matmul",
                       {values[l], dy},
                       {dweight[l], dbias[l]},
                       product(1, 0, false, Activation::linear, Activation::linear, true),
                       {0.0}});
    if (l == 0) break;
    const int dx = s.buffer({B, w.sizes[l]});
    s.steps.push_back({"matmul",
                       {dy, weight[l], values[l]},
                       {dx},
                       product(0, 1, false, Activation::linear, Activation::relu, false),
                       {0.0}});
    dy = dx;
  }
  s.steps.push_back(
      {"adam", {parameters, gradients, rate, iterations, m, v}, {parameters, m, v}, {0}, {0.9, 0.999, 1e-7, 0.0}});
  s.steps.push_back({"add", {iterations, one}, {iterations}, {}, {}});
  s.initial = s.tensors;
  for (const Tensor& t : s.tensors) s.memory.emplace_back(t.bytes.size());
  for (const Step& step : s.steps) {
    const Row* row = find_row(step.op.c_str());
    s.with_call(step, true, [&](const Call& call) {
      s.scratch.emplace_back(static_cast<std::size_t>(row->scratch == nullptr ? 0 : row->scratch(call)));
    });
  }
}
Mlp::~Mlp() = default;

void Mlp::upload(Queue& queue) {
  State& s = *state_;
  for (std::size_t i = 0; i < s.initial.size(); ++i) {
    queue.upload(s.memory[i].data(), s.initial[i].bytes.data(), s.initial[i].bytes.size());
  }
}

void Mlp::rewind(Queue& queue) { queue.fill(state_->view(state_->position, true).data, 0, sizeof(std::int64_t)); }

void Mlp::enqueue(Queue& queue, int steps) {
  State& s = *state_;
  const auto row_bytes = [&](int b) { return s.view(b, true).size / s.samples * item_size(s.view(b, true).dtype); };
  const Feed feeds[] = {{s.view(s.x_all, true).data, s.view(s.x, true).data, row_bytes(s.x_all)},
                        {s.view(s.y_all, true).data, s.view(s.y, true).data, row_bytes(s.y_all)}};
  auto* position = s.view(s.position, true).as<std::int64_t>();
  const auto* order = s.view(s.order, true).as<const std::int64_t>();
  for (int step = 0; step < steps; ++step) {
    enqueue_gather(queue, feeds, 2, order, position, step * s.batch, s.batch);
    for (std::size_t i = 0; i < s.steps.size(); ++i) {
      const Row* row = find_row(s.steps[i].op.c_str());
      s.with_call(s.steps[i], true, [&](Call call) {
        call.scratch = s.scratch[i].data();
        queue.op = row->name;
        row->enqueue(call, queue);
      });
    }
  }
  enqueue_advance(queue, position, steps * s.batch);
}

int Mlp::launches() const { return static_cast<int>(state_->steps.size()) + 1; }

void Mlp::run_on_cpu(int steps) {
  State& s = *state_;
  const OpTable& ops = isa().ops;
  const Workers workers;
  std::vector<char> scratch;
  for (int step = 0; step < steps; ++step) {
    for (std::int64_t i = 0; i < s.batch; ++i) {
      const auto row = static_cast<std::int64_t>(s.of(s.order).get(s.done * s.batch + i));
      for (const auto& [from, to] : {std::pair{s.x_all, s.x}, std::pair{s.y_all, s.y}}) {
        const std::size_t bytes = s.of(from).bytes.size() / static_cast<std::size_t>(s.samples);
        std::memcpy(s.of(to).bytes.data() + static_cast<std::size_t>(i) * bytes,
                    s.of(from).bytes.data() + static_cast<std::size_t>(row) * bytes, bytes);
      }
    }
    ++s.done;
    for (const Step& each : s.steps) {
      const OpRow* row = nullptr;
      for (int i = 0; i < ops.count; ++i) {
        if (each.op == ops.rows[i].name) row = &ops.rows[i];
      }
      s.with_call(each, false, [&](Call call) {
        call.workers = &workers;
        scratch.resize(static_cast<std::size_t>(row->scratch == nullptr ? 0 : row->scratch(call, 1)) + 64);
        call.scratch = scratch.data() + (64 - reinterpret_cast<std::uintptr_t>(scratch.data()) % 64) % 64;
        row->run(call);
      });
    }
  }
}

namespace {

std::vector<double> values_of(const Tensor& tensor) {
  std::vector<double> values(static_cast<std::size_t>(tensor.size()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = tensor.get(static_cast<std::int64_t>(i));
  return values;
}

}  // namespace

std::vector<double> Mlp::device_parameters(Queue& queue) const {
  Tensor copy = state_->of(state_->parameters);
  queue.download(copy.bytes.data(), state_->view(state_->parameters, true).data, copy.bytes.size());
  return values_of(copy);
}
std::vector<double> Mlp::cpu_parameters() const { return values_of(state_->of(state_->parameters)); }
double Mlp::device_loss(Queue& queue) const {
  Tensor copy = state_->of(state_->total);
  queue.download(copy.bytes.data(), state_->view(state_->total, true).data, copy.bytes.size());
  return copy.get(0);
}
double Mlp::cpu_loss() const { return state_->of(state_->total).get(0); }

}  // namespace dlnative::cuda::check
