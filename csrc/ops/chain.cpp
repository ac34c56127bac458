// A chain of elementwise ops in one pass over memory, and of sums over what they make.
//
//   elementwise_chain   attributes: the number of results; then the steps, each as op code, number of operands, numbers
//                       of the operands, number of its result, type of its result
//
// The values are numbered: inputs, results, temporaries. Every value has as many elements as the largest, or one (an
// input only). The elements are done in blocks: all steps on a block, with the ops' own kernels, then the next block. A
// temporary is a block long and stays in the first cache. A result that lies where an input lies is put there when the
// block is done, for a later step may still read that input. Elements are independent of one another: blocks are what
// threads share.
//
// A step may also be the sum or the mean of all elements of a value, which is then a result and no operand. The sum of
// each block is kept, and they are added up in order at the end: the number of threads changes nothing.
#include "dlnative/kernel.h"
#include "ops/reduction.h"

namespace dlnative::DLNATIVE_ISA {

// The first two families: an op code is an index into them.
extern const OpRow elementwise_rows[], reduction_rows[];
extern const int elementwise_row_count;

namespace {

constexpr std::int64_t block = 1024;      // elements
constexpr std::int64_t slot = block * 8;  // bytes that hold a block of any type
constexpr int most_values = 48, most_steps = 16, most_operands = 3;

struct Chain {
  struct Step {
    Kernel run;
    int operand_count, destination;
    int operands[most_operands];
    DType dtype;
    int sum;  // which of the sums it is, or -1
    bool mean;
  };
  Step steps[most_steps];
  int step_count = 0, sums = 0;
  int inputs, results, values;  // values: all of them, temporaries too
  std::int64_t size = 1;        // elements

  explicit Chain(const Call& call) : inputs(call.input_count), results(call.output_count), values(inputs + results) {
    const std::int64_t* next = call.ints + 1;
    for (std::int64_t count = *next++; count > 0; --count) {
      Step& step = steps[step_count++];
      const std::int64_t code = *next++;
      const bool elementwise = code < elementwise_row_count;
      const OpRow& row = elementwise ? elementwise_rows[code] : reduction_rows[code - elementwise_row_count];
      step.run = row.run;
      step.sum = elementwise ? -1 : sums++;
      step.mean = !elementwise && row.name[0] == 'm';
      step.operand_count = static_cast<int>(*next++);
      for (int i = 0; i < step.operand_count; ++i) step.operands[i] = static_cast<int>(*next++);
      step.destination = static_cast<int>(*next++);
      step.dtype = static_cast<DType>(*next++);
      if (step.destination >= values) values = step.destination + 1;
    }
    for (int i = 0; i < inputs; ++i) size = size < call.inputs[i].size ? call.inputs[i].size : size;
  }

  // Temporaries, and as many again for results that must wait.
  int slots() const { return values - inputs; }
  std::int64_t blocks() const { return (size + block - 1) / block; }
};

// Bytes of scratch for the sums of all blocks.
std::int64_t sums_bytes(const Chain& chain) {
  constexpr std::int64_t alignment = 64;
  const std::int64_t bytes = chain.blocks() * chain.sums * static_cast<std::int64_t>(sizeof(double));
  return (bytes + alignment - 1) / alignment * alignment;
}

void finish_sums(const Chain& chain, const Call& call, const double* sums) {
  for (int s = 0; s < chain.step_count; ++s) {
    const Chain::Step& step = chain.steps[s];
    if (step.sum < 0) continue;
    double total = 0;
    for (std::int64_t i = 0; i < chain.blocks(); ++i) total += sums[i * chain.sums + step.sum];
    if (step.mean) total /= static_cast<double>(chain.size);
    const View& result = call.outputs[step.destination - chain.inputs];
    if (result.dtype == DType::float32) {
      *result.as<float>() = static_cast<float>(total);
    } else {
      *result.as<double>() = total;
    }
  }
}

bool lies_on_an_input(const Call& call, const View& result) {
  for (int i = 0; i < call.input_count; ++i) {
    if (call.inputs[i].data == result.data) return true;
  }
  return false;
}

void run_chain(const Call& call) {
  const Chain chain(call);
  const std::int64_t size = chain.size, blocks = chain.blocks();
  auto* const sums = reinterpret_cast<double*>(static_cast<char*>(call.scratch));  // of each block, in turn
  char* const all_slots = static_cast<char*>(call.scratch) + sums_bytes(chain);
  const int threads = call.workers->worthwhile(0.3 * static_cast<double>(size) * chain.step_count);
  constexpr std::int64_t blocks_a_task = 8;
  call.workers->parallel_for(threads, (blocks + blocks_a_task - 1) / blocks_a_task, [&](std::int64_t task, int thread) {
    char* const slots = all_slots + thread * chain.slots() * slot;
    const Workers alone;
    View values[most_values];
    bool summed[most_values] = {}, waits[most_values] = {};
    for (int i = 0; i < chain.step_count; ++i) summed[chain.steps[i].destination] |= chain.steps[i].sum >= 0;
    for (int n = 0; n < chain.values; ++n) {
      View& value = values[n];
      if (n < chain.inputs) {
        value = call.inputs[n];
      } else if (n < chain.inputs + chain.results) {
        value = call.outputs[n - chain.inputs];
        waits[n] = !summed[n] && lies_on_an_input(call, value);
      }
      if (n >= chain.inputs + chain.results || waits[n]) value.data = slots + (n - chain.inputs) * slot;
      value.rank = value.size == 1 ? 0 : 1;
    }
    const std::int64_t begin = task * blocks_a_task * block;
    const std::int64_t end = begin + blocks_a_task * block < size ? begin + blocks_a_task * block : size;
    for (std::int64_t first = begin; first < end; first += block) {
      const std::int64_t count = end - first < block ? end - first : block;
      for (int n = 0; n < chain.values; ++n) {
        const bool input = n < chain.inputs;
        if (summed[n] || (input && call.inputs[n].size == 1)) continue;
        View& value = values[n];
        value.shape[0] = value.size = count;
        value.rank = 1;
        if (input || (n < chain.inputs + chain.results && !waits[n])) {
          const View& whole = input ? call.inputs[n] : call.outputs[n - chain.inputs];
          value.data = whole.as<char>() + first * item_size(whole.dtype);
        }
      }
      for (int s = 0; s < chain.step_count; ++s) {
        const Chain::Step& step = chain.steps[s];
        if (step.sum >= 0) {
          sums[first / block * chain.sums + step.sum] = sum_elements(values[step.operands[0]]);
          continue;
        }
        View operands[most_operands];
        for (int i = 0; i < step.operand_count; ++i) operands[i] = values[step.operands[i]];
        values[step.destination].dtype = step.dtype;
        Call inner;
        inner.inputs = operands;
        inner.outputs = &values[step.destination];
        inner.input_count = step.operand_count;
        inner.output_count = 1;
        inner.workers = &alone;
        step.run(inner);
      }
      for (int n = chain.inputs; n < chain.inputs + chain.results; ++n) {
        if (!waits[n]) continue;
        const std::int64_t item = item_size(values[n].dtype);
        __builtin_memcpy(call.outputs[n - chain.inputs].as<char>() + first * item, values[n].data,
                         static_cast<std::size_t>(count * item));
      }
    }
  });
  finish_sums(chain, call, sums);
}

std::int64_t chain_scratch(const Call& call, int threads) {
  const Chain chain(call);
  return sums_bytes(chain) + chain.slots() * slot * threads;
}

}  // namespace

extern const OpRow chain_rows[];
extern const int chain_row_count;

const OpRow chain_rows[] = {
    {"elementwise_chain", run_chain, chain_scratch},
};
const int chain_row_count = sizeof(chain_rows) / sizeof(chain_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
