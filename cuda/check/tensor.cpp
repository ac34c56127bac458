#include "check/tensor.h"

#include <cmath>
#include <cstring>

#include "dlnative/isa.h"

namespace dlnative::cuda::check {

std::int64_t size_of(const Shape& shape) {
  std::int64_t size = 1;
  for (const auto extent : shape) size *= extent;
  return size;
}

Tensor::Tensor(Shape extents, DType type)
    : shape(std::move(extents)),
      dtype(type),
      bytes(static_cast<std::size_t>(size_of(shape) * item_size(type)), static_cast<char>(0xff)) {}

double Tensor::get(std::int64_t i) const {
  const auto read = [&](auto value) {
    std::memcpy(&value, bytes.data() + static_cast<std::size_t>(i) * sizeof(value), sizeof(value));
    return static_cast<double>(value);
  };
  switch (dtype) {
    case DType::float32:
      return read(float{});
    case DType::float64:
      return read(double{});
    case DType::int32:
      return read(std::int32_t{});
    case DType::int64:
      return read(std::int64_t{});
    default:
      return read(std::uint8_t{});
  }
}

void Tensor::set(std::int64_t i, double given) {
  const auto write = [&](auto value) {
    std::memcpy(bytes.data() + static_cast<std::size_t>(i) * sizeof(value), &value, sizeof(value));
  };
  switch (dtype) {
    case DType::float32:
      return write(static_cast<float>(given));
    case DType::float64:
      return write(given);
    case DType::int32:
      return write(static_cast<std::int32_t>(given));
    case DType::int64:
      return write(static_cast<std::int64_t>(given));
    default:
      return write(static_cast<std::uint8_t>(given));
  }
}

View Tensor::view() const {
  View view;
  view.data = const_cast<char*>(bytes.data());
  view.size = size();
  view.dtype = dtype;
  view.rank = static_cast<std::int32_t>(shape.size());
  for (std::size_t axis = 0; axis < shape.size(); ++axis) view.shape[axis] = shape[axis];
  return view;
}

Tensor Tensor::as(DType other) const {
  Tensor result(shape, other);
  for (std::int64_t i = 0; i < size(); ++i) result.set(i, get(i));
  return result;
}

Tensor random(std::mt19937& generator, const Shape& shape, DType dtype, double low, double high) {
  Tensor result(shape, dtype);
  const bool whole = dtype != DType::float32 && dtype != DType::float64;
  for (std::int64_t i = 0; i < result.size(); ++i) {
    const double unit = (static_cast<double>(generator()) + 0.5) / 4294967296.0;
    const double value = low + unit * (high - low);
    result.set(i, whole ? std::floor(value) : static_cast<double>(static_cast<float>(value)));
  }
  return result;
}

namespace {

Call call_of(const Instruction& instruction, const std::vector<std::int64_t>& ints, const std::vector<View>& inputs,
             const std::vector<View>& outputs) {
  Call call;
  call.inputs = inputs.data();
  call.outputs = outputs.data();
  call.input_count = static_cast<std::int32_t>(inputs.size());
  call.output_count = static_cast<std::int32_t>(outputs.size());
  call.ints = ints.data();
  call.floats = instruction.floats.data();
  return call;
}

// The integers of an instruction, with the codes that find(name) gives its ops.
template <class Find>
std::vector<std::int64_t> ints_of(const Instruction& instruction, Find find) {
  std::vector<std::int64_t> ints = instruction.ints;
  for (const auto& [place, name] : instruction.codes) ints[static_cast<std::size_t>(place)] = find(name);
  return ints;
}

std::int64_t cpu_code(const std::string& name) {
  const OpTable& ops = isa().ops;
  for (int i = 0; i < ops.count; ++i) {
    if (name == ops.rows[i].name) return i;
  }
  throw Error("the CPU has no kernel named " + name);
}
std::int64_t code(const std::string& name) {
  for (int i = 0; const Row* row = row_at(i); ++i) {
    if (name == row->name) return i;
  }
  throw Error("cuda has no kernel named " + name);
}

}  // namespace

std::vector<Tensor> run_on_cpu(const Instruction& instruction) {
  const OpRow* row = &isa().ops.rows[cpu_code(instruction.op)];
  std::vector<Tensor> results = instruction.outputs;
  std::vector<View> inputs, outputs;
  for (const Tensor& input : instruction.inputs) inputs.push_back(input.view());
  for (const Tensor& result : results) outputs.push_back(result.view());
  const std::vector<std::int64_t> ints = ints_of(instruction, cpu_code);
  Call call = call_of(instruction, ints, inputs, outputs);
  const Workers workers;
  call.workers = &workers;
  const std::int64_t scratch_bytes = row->scratch == nullptr ? 0 : row->scratch(call, 1);
  std::vector<char> scratch(static_cast<std::size_t>(scratch_bytes + 64));
  call.scratch = scratch.data() + (64 - reinterpret_cast<std::uintptr_t>(scratch.data()) % 64) % 64;
  row->run(call);
  return results;
}

std::vector<Tensor> run(const Instruction& instruction, Queue& queue) {
  const Row* row = row_at(static_cast<int>(code(instruction.op)));
  std::vector<Memory> memory;
  const auto device_view = [&](const Tensor& tensor, bool filled) {
    const auto offset = static_cast<std::size_t>(instruction.misaligned * item_size(tensor.dtype));
    memory.emplace_back(tensor.bytes.size() + offset);
    View view = tensor.view();
    view.data = static_cast<char*>(memory.back().data()) + offset;
    if (!tensor.bytes.empty()) {
      if (filled) queue.upload(view.data, tensor.bytes.data(), tensor.bytes.size());
      if (!filled) queue.fill(view.data, 0xff, tensor.bytes.size());
    }
    return view;
  };
  std::vector<View> inputs, outputs;
  for (const Tensor& input : instruction.inputs) inputs.push_back(device_view(input, true));
  for (std::size_t i = 0; i < instruction.outputs.size(); ++i) {
    const int from = i < instruction.in_place.size() ? instruction.in_place[i] : -1;
    outputs.push_back(device_view(instruction.outputs[i], false));
    if (from >= 0) outputs.back().data = inputs[static_cast<std::size_t>(from)].data;
  }
  const std::vector<std::int64_t> ints = ints_of(instruction, code);
  Call call = call_of(instruction, ints, inputs, outputs);
  if (!row->takes(call)) throw Error(std::string("cuda: ") + row->name + ": not for these types");
  const std::int64_t scratch_bytes = row->scratch == nullptr ? 0 : row->scratch(call);
  Memory scratch(static_cast<std::size_t>(scratch_bytes));
  call.scratch = scratch.data();
  queue.op = row->name;
  row->enqueue(call, queue);
  queue.wait();
  std::vector<Tensor> results = instruction.outputs;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!results[i].bytes.empty()) queue.download(results[i].bytes.data(), outputs[i].data, results[i].bytes.size());
  }
  return results;
}

}  // namespace dlnative::cuda::check
