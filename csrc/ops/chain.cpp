// A chain of elementwise ops in one pass over memory, and of reductions of what they make.
//
//   elementwise_chain   attributes: the number of results, the length of a row (or 0); then the steps, each as op code,
//                       number of operands, numbers of the operands, number of its result, type of its result, number
//                       of its parameters, which are the next of the floating attributes
//
// The values are numbered: inputs, results, temporaries. Every value has as many elements as the largest, or one (an
// input only). The elements are done in blocks: all steps on a block, with the ops' own kernels, then the next block. A
// temporary is a block long and stays in L1. A result that lies where an input lies is put there when the
// block is done, for a later step may still read that input. Elements are independent of one another: blocks are what
// threads share.
//
// A step may also be a reduction of a value, which is then a result and no operand. With a row length of 0 it is the
// sum or the mean of all elements: the sum of each block is kept, and they are added up in order at the end, so the
// number of threads changes nothing. Otherwise it reduces each row of so many elements, and blocks are whole rows.
#include <new>

#include "dlnative/kernel.h"
#include "ops/dispatch.h"
#include "ops/reduction.h"

namespace dlnative::DLNATIVE_ISA {

// The first two families: an op code is an index into them.
extern const OpRow elementwise_rows[], reduction_rows[];
extern const int elementwise_row_count, reduction_row_count;

namespace {

constexpr std::int64_t usual_block = 2048;  // elements
constexpr int most_values = 48, most_steps = 16, most_operands = 3;

struct Chain {
  struct Step {
    Kernel run;
    int operand_count, destination;
    int operands[most_operands];
    DType dtype;
    const double* parameters;
    bool reduces;
    int sum;  // which of the sums of all elements it is, or -1
    bool mean;
  };
  Step steps[most_steps];
  int step_count = 0, sums = 0;
  int inputs, results, values;  // values: all of them, temporaries too
  std::int64_t size = 1;        // elements
  std::int64_t row, block;      // elements of a row that is reduced, and of a block

  explicit Chain(const Call& call)
      : inputs(call.input_count), results(call.output_count), values(inputs + results), row(call.ints[1]) {
    block = row == 0 ? usual_block : row < usual_block ? usual_block / row * row : row;
    const std::int64_t* next = call.ints + 2;
    const double* parameters = call.floats;
    for (std::int64_t count = *next++; count > 0; --count) {
      Step& step = steps[step_count++];
      const std::int64_t code = *next++;
      const bool elementwise = code < elementwise_row_count;
      const OpRow& op = elementwise ? elementwise_rows[code] : reduction_rows[code - elementwise_row_count];
      step.run = op.run;
      step.reduces = !elementwise;
      step.sum = elementwise || row > 0 ? -1 : sums++;
      step.mean = is_mean(op.run);
      step.operand_count = static_cast<int>(*next++);
      for (int i = 0; i < step.operand_count; ++i) step.operands[i] = static_cast<int>(*next++);
      step.destination = static_cast<int>(*next++);
      step.dtype = static_cast<DType>(*next++);
      step.parameters = parameters;
      parameters += *next++;
      if (step.destination >= values) values = step.destination + 1;
    }
    for (int i = 0; i < inputs; ++i) size = size < call.inputs[i].size ? call.inputs[i].size : size;
  }

  // Temporaries, and as many again for results that must wait.
  int slots() const { return values - inputs; }
  std::int64_t slot() const { return block * 8; }  // bytes that hold a block of any type
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

// A result that lies on an input which a later step still reads is put there when the block is done.
bool must_wait(const Chain& chain, const Call& call, int result) {
  const void* const place = call.outputs[result].data;
  bool written = false;
  for (int s = 0; s < chain.step_count; ++s) {
    const Chain::Step& step = chain.steps[s];
    for (int i = 0; written && i < step.operand_count; ++i) {
      const int operand = step.operands[i];
      if (operand < chain.inputs && call.inputs[operand].data == place) return true;
    }
    if (step.destination != chain.inputs + result) continue;
    if (step.reduces) return false;  // a sum is written when all is done
    written = true;
  }
  return false;
}

// A range of blocks, done by one thread: the calls of all steps, whose views move on from block to block.
class BlockRange {
 public:
  BlockRange(const Chain& chain, const Call& call, std::int64_t first, double* sums, char* slots)
      : chain_(chain), call_(call), sums_(sums + first / chain.block * chain.sums) {
    for (int n = 0; n < chain.values; ++n) {
      const int result = n - chain.inputs;
      char* const own_slot = slots + result * chain.slot();
      if (n < chain.inputs) {
        places_[n] = place_of(call.inputs[n], call.inputs[n].size == 1 ? 0 : first, call.inputs[n].size == 1);
      } else if (result >= chain.results) {
        places_[n] = {own_slot, 0};
      } else if (must_wait(chain, call, result)) {
        waiting_[waiting_count_++] = {place_of(call.outputs[result], first, false), own_slot,
                                      item_size(call.outputs[result].dtype)};
        places_[n] = {own_slot, 0};
      } else {
        places_[n] = place_of(call.outputs[result], first, false);
      }
    }
    DType dtypes[most_values];
    for (int n = 0; n < chain.inputs; ++n) dtypes[n] = call.inputs[n].dtype;
    for (int s = 0; s < chain.step_count; ++s) prepare(s, first, dtypes);
  }

  // Elements [first, last), block by block.
  void run(std::int64_t first, std::int64_t last) {
    std::int64_t before = 0;
    for (; first < last; first += chain_.block, sums_ += chain_.sums) {
      const std::int64_t count = last - first < chain_.block ? last - first : chain_.block;
      for (int s = 0; s < chain_.step_count; ++s) {
        Prepared& step = steps_[s];
        if (count != before) resize(s, count);
        if (step.sum >= 0) {
          sums_[step.sum] = sum_elements(step.views[0]);
        } else {
          step.run(step.call);
        }
        for (int i = 0; i < step.view_count; ++i) {
          step.views[i].data = step.views[i].template as<char>() + step.advance[i];
        }
      }
      for (int i = 0; i < waiting_count_; ++i) {
        Waiting& result = waiting_[i];
        __builtin_memcpy(result.place.data, result.slot, static_cast<std::size_t>(count * result.item));
        result.place.data += result.place.advance;
      }
      before = count;
    }
  }

 private:
  struct Place {
    char* data;
    std::int64_t advance;  // bytes to the next block
  };
  struct Waiting {
    Place place;
    const char* slot;
    std::int64_t item;
  };
  struct Prepared {
    Kernel run;
    Call call;
    View views[most_operands + 1];  // the operands, then the result
    std::int64_t advance[most_operands + 1];
    int view_count, sum;
  };

  Place place_of(const View& whole, std::int64_t first, bool fixed) const {
    const std::int64_t item = item_size(whole.dtype);
    return {whole.as<char>() + first * item, fixed ? 0 : chain_.block * item};
  }

  void prepare(int s, std::int64_t first, DType* dtypes) {
    static constexpr std::int64_t last_axis[] = {1, 1, 0};
    static constexpr Workers alone;
    const Chain::Step& step = chain_.steps[s];
    Prepared& made = *new (&steps_[s]) Prepared;
    made.run = step.run;
    made.sum = step.sum;
    made.view_count = step.operand_count + (step.sum < 0);
    for (int i = 0; i < step.operand_count; ++i) {
      const int n = step.operands[i];
      made.views[i].dtype = dtypes[n];
      made.views[i].data = places_[n].data;
      made.advance[i] = places_[n].advance;
    }
    dtypes[step.destination] = step.dtype;
    if (step.sum >= 0) return;
    View& result = made.views[step.operand_count];
    result.dtype = step.dtype;
    Place place = places_[step.destination];
    if (step.reduces) {  // a row of elements to one of the result
      const std::int64_t item = item_size(step.dtype);
      place = {call_.outputs[step.destination - chain_.inputs].as<char>() + first / chain_.row * item,
               chain_.block / chain_.row * item};
      made.call.ints = last_axis;
    }
    result.data = place.data;
    made.advance[step.operand_count] = place.advance;
    made.call.floats = step.parameters;
    made.call.inputs = made.views;
    made.call.outputs = &result;
    made.call.input_count = step.operand_count;
    made.call.output_count = 1;
    made.call.workers = &alone;
  }

  // Gives the views of a step the extents that they have in a block of so many elements.
  void resize(int s, std::int64_t count) {
    const Chain::Step& step = chain_.steps[s];
    View* const views = steps_[s].views;
    for (int i = 0; i < step.operand_count; ++i) {
      const bool scalar = step.operands[i] < chain_.inputs && call_.inputs[step.operands[i]].size == 1;
      views[i].rank = scalar ? 0 : 1;
      views[i].shape[0] = views[i].size = scalar ? 1 : count;
    }
    View& result = views[step.operand_count];
    result.rank = 1;
    result.shape[0] = result.size = count;
    if (!step.reduces || step.sum >= 0) return;
    views[0].rank = 2;
    views[0].shape[0] = result.shape[0] = result.size = count / chain_.row;
    views[0].shape[1] = chain_.row;
  }

  const Chain& chain_;
  const Call& call_;
  double* sums_;  // of the next block
  Place places_[most_values];
  union {
    Prepared steps_[most_steps];  // only as many as there are: clearing them all would take longer than a short chain
  };
  Waiting waiting_[most_values];
  int waiting_count_ = 0;
};

void run_chain(const Call& call) {
  const Chain chain(call);
  auto* const sums = reinterpret_cast<double*>(static_cast<char*>(call.scratch));  // of each block, in turn
  char* const all_slots = static_cast<char*>(call.scratch) + sums_bytes(chain);
  const int threads = call.workers->worthwhile(0.3 * static_cast<double>(chain.size) * chain.step_count);
  constexpr std::int64_t blocks_a_task = 8;
  const std::int64_t length = threads == 1 ? chain.size : blocks_a_task * chain.block;
  if (chain.size == 0) return finish_sums(chain, call, sums);
  call.workers->parallel_for(threads, (chain.size + length - 1) / length, [&](std::int64_t task, int thread) {
    const std::int64_t first = task * length;
    BlockRange range(chain, call, first, sums, all_slots + thread * chain.slots() * chain.slot());
    range.run(first, first + length < chain.size ? first + length : chain.size);
  });
  finish_sums(chain, call, sums);
}

std::int64_t chain_scratch(const Call& call, int threads) {
  const Chain chain(call);
  return sums_bytes(chain) + chain.slots() * chain.slot() * threads;
}

// Whether each step's kernel takes the types of its operands and its result, and those of results are what they should
// be.
bool takes_types(const Call& call) {
  DType dtypes[most_values];
  bool known[most_values] = {};
  const int ends = call.input_count + call.output_count;
  for (int n = 0; n < ends && n < most_values; ++n) {
    dtypes[n] = (n < call.input_count ? call.inputs[n] : call.outputs[n - call.input_count]).dtype;
    known[n] = n < call.input_count;
  }
  const std::int64_t* next = call.ints + 2;
  std::int64_t count = *next++;
  if (ends > most_values || count > most_steps) return false;
  for (; count > 0; --count) {
    const std::int64_t code = *next++, operands = *next++;
    if (code < 0 || code >= elementwise_row_count + reduction_row_count || operands < 0 || operands > most_operands)
      return false;
    const bool elementwise = code < elementwise_row_count;
    View views[TypeRule::own_inputs], result;
    for (std::int64_t i = 0; i < operands; ++i) {
      const std::int64_t number = *next++;
      if (number < 0 || number >= most_values || !known[number]) return false;
      views[i].dtype = dtypes[number];
    }
    const std::int64_t destination = *next++;
    const std::int64_t code_of_type = *next++;
    if (code_of_type < 0 || code_of_type >= dtype_count) return false;
    result.dtype = static_cast<DType>(code_of_type);
    ++next;  // the number of its parameters
    if (destination < call.input_count || destination >= most_values) return false;
    if (destination < ends && dtypes[destination] != result.dtype) return false;
    dtypes[destination] = result.dtype;
    known[destination] = elementwise;  // a sum is no operand
    Call step;
    step.inputs = views;
    step.outputs = &result;
    step.input_count = static_cast<std::int32_t>(operands);
    step.output_count = 1;
    const OpRow& op = elementwise ? elementwise_rows[code] : reduction_rows[code - elementwise_row_count];
    const bool summed =
        elementwise || call.ints[1] > 0 || (Floats::set & set_of(result.dtype)) != 0;  // see sum_elements
    if (!summed || !op.types.takes(step)) return false;
  }
  return true;
}

}  // namespace

extern const OpRow chain_rows[];
extern const int chain_row_count;

const OpRow chain_rows[] = {
    {"elementwise_chain", run_chain, {}, chain_scratch, nullptr, nullptr, takes_types},
};
const int chain_row_count = sizeof(chain_rows) / sizeof(chain_rows[0]);

}  // namespace dlnative::DLNATIVE_ISA
