// A chain of elementwise ops in one pass over memory, and of reductions of what they make; csrc/ops/chain.cpp says what
// an instruction carries.
//
// A kernel interprets the steps: 16 bytes of each value of a thread's elements lie in its own column of shared memory,
// whatever their type, so that nobody waits for anybody. Results are written when all steps are done, and may
// therefore lie on inputs. A group of threads walks along a row, or a chunk of all elements; what is reduced of it is
// joined in double, by the thread, the group and, where it is of all elements, a second kernel, in a fixed order.
//
// A step takes some 25 instructions of a warp for 128 floats: up to about ten steps the memory is what takes time (e).
#include "ops/chain.h"

#include <algorithm>
#include <cstring>

#include "device/reduce.h"
#include "ops/chain_steps.h"

namespace dlnative::cuda {
namespace {

struct ChainExtents {
  std::int64_t size, length, rows;  // elements; those of a row or chunk; how many of these there are
  int group_shift;                  // 2^this threads take one
  bool aligned;                     // packs of all ends lie on multiples of 16 bytes
  bool partial;                     // what is reduced goes to partial results, not to ends
};

__device__ __forceinline__ double start_of(ChainOp op) {
  return op == ChainOp::max ? -__builtin_huge_val() : op == ChainOp::min ? __builtin_huge_val() : 0.0;
}
__device__ __forceinline__ double join(ChainOp op, double a, double b) {
  return op == ChainOp::max ? maximum(a, b) : op == ChainOp::min ? minimum(a, b) : a + b;
}

struct ChainShared {
  double between[chain_threads / 32];
  ChainColumn values[1];  // as many as there are, and one for each reduction
};
std::size_t chain_shared_bytes(const ChainProgram& chain) {
  return sizeof(ChainShared) + sizeof(ChainColumn) * static_cast<std::size_t>(chain.values + chain.reductions);
}

// 16 bytes that have not been looked at.
struct Raw {
  std::uint32_t word[4];
};
template <int bytes>
__device__ __forceinline__ void load_raw(const unsigned char* from, Raw& to) {
  if constexpr (bytes >= 4) {
    const auto pack = *reinterpret_cast<const Pack<std::uint32_t, bytes / 4>*>(from);
    DLN_UNROLL
    for (int i = 0; i < bytes / 4; ++i) to.word[i] = pack.at[i];
  } else {
    to.word[0] = *reinterpret_cast<const std::uint16_t*>(from);
  }
}
template <int bytes>
__device__ __forceinline__ void store_raw(unsigned char* to, const void* slot) {
  if constexpr (bytes >= 4) {
    *reinterpret_cast<Pack<std::uint32_t, bytes / 4>*>(to) = *static_cast<const Pack<std::uint32_t, bytes / 4>*>(slot);
  } else {
    *reinterpret_cast<std::uint16_t*>(to) = *static_cast<const std::uint16_t*>(slot);
  }
}
template <class F>
__device__ __forceinline__ void by_item(int item, F f) {
  switch (item) {
    case 1:
      return f(std::integral_constant<int, 1>{});
    case 2:
      return f(std::integral_constant<int, 2>{});
    case 4:
      return f(std::integral_constant<int, 4>{});
    default:
      return f(std::integral_constant<int, 8>{});
  }
}
__device__ __forceinline__ void copy_item(int item, const unsigned char* from, unsigned char* to) {
  by_item(item, [&](auto bytes) {
    constexpr int b = decltype(bytes)::value;
    using Word = std::conditional_t<
        b == 1, std::uint8_t,
        std::conditional_t<b == 2, std::uint16_t, std::conditional_t<b == 4, std::uint32_t, std::uint64_t>>>;
    *reinterpret_cast<Word*>(to) = *reinterpret_cast<const Word*>(from);
  });
}

template <int word>
__global__ void __launch_bounds__(chain_threads, word == 4 ? 5 : 3)
    chain_kernel(ChainProgram chain, ChainExtents extents, double* partials) {
  wait_for_previous_kernel();
  constexpr int width = ChainPacks<word>::width;
  auto& s = shared<ChainShared>();
  const int t = static_cast<int>(threadIdx.x), group = 1 << extents.group_shift, lane = t & (group - 1);
  const ChainPacks<word> packs{reinterpret_cast<unsigned char*>(&s.values[0].at[t])};
  const std::int64_t row = (std::int64_t{blockIdx.x} << (8 - extents.group_shift)) + (t >> extents.group_shift);
  const std::int64_t begin = row < extents.rows ? row * extents.length : extents.size;
  const std::int64_t end = begin + extents.length < extents.size ? begin + extents.length : extents.size;
  const auto place = [&](int n, std::int64_t i) {
    return static_cast<unsigned char*>(chain.ends[n]) + i * static_cast<std::int64_t>(chain.item[n]);
  };
  for (int r = 0; r < chain.reductions; ++r) {
    *static_cast<double*>(packs.slot(chain.values + r)) = start_of(chain.joined[r]);
  }
  for (int n = 0; n < chain.inputs; ++n) {
    if (!chain.single[n]) continue;
    auto* const to = static_cast<unsigned char*>(packs.slot(n));
    for (int v = 0; v < width; ++v) copy_item(chain.item[n], place(n, 0), to + v * chain.item[n]);
  }
  for (std::int64_t i = begin + std::int64_t{lane} * width; i < end; i += std::int64_t{group} * width) {
    const int count = end - i < width ? static_cast<int>(end - i) : width;
    const bool whole = extents.aligned && count == width;
    if (whole) {
      constexpr int together = 4;  // loads that are on their way at once
      for (int n0 = 0; n0 < chain.inputs; n0 += together) {
        Raw raw[together] = {};
        DLN_UNROLL
        for (int k = 0; k < together; ++k) {
          const int n = n0 + k;
          if (n >= chain.inputs || chain.single[n]) continue;
          by_item(chain.item[n], [&](auto bytes) {
            if constexpr (decltype(bytes)::value <= word) load_raw<decltype(bytes)::value * width>(place(n, i), raw[k]);
          });
        }
        DLN_UNROLL
        for (int k = 0; k < together; ++k) {
          const int n = n0 + k;
          if (n < chain.inputs && !chain.single[n])
            *static_cast<Pack<std::uint32_t, 4>*>(packs.slot(n)) = {
                {raw[k].word[0], raw[k].word[1], raw[k].word[2], raw[k].word[3]}};
        }
      }
    } else {
      for (int n = 0; n < chain.inputs; ++n) {
        if (chain.single[n]) continue;
        auto* const to = static_cast<unsigned char*>(packs.slot(n));
        *static_cast<Pack<std::uint32_t, 4>*>(packs.slot(n)) = {};
        for (int v = 0; v < count; ++v) copy_item(chain.item[n], place(n, i + v), to + v * chain.item[n]);
      }
    }
    for (int number = 0; number < chain.step_count; ++number) {
      const ChainStep& step = chain.steps[number];
      if (step.op < ChainOp::sum) {
        packs.run(step);
        continue;
      }
      auto* const total = static_cast<double*>(packs.slot(chain.values + step.destination));
      double joined = *total;
      on_type<word>(Floats{}, step.type, [&](auto type) {
        using T = decltype(type);
        const auto x = packs.template get<T>(step.operands[0]);
        for (int v = 0; v < count; ++v) joined = join(step.op, joined, static_cast<double>(x.at[v]));
      });
      *total = joined;
    }
    for (int n = chain.inputs; n < chain.inputs + chain.results; ++n) {
      if (chain.is_reduction[n]) continue;
      const auto* const from = static_cast<const unsigned char*>(packs.slot(n));
      if (whole) {
        by_item(chain.item[n], [&](auto bytes) {
          if constexpr (decltype(bytes)::value <= word) store_raw<decltype(bytes)::value * width>(place(n, i), from);
        });
      } else {
        for (int v = 0; v < count; ++v) copy_item(chain.item[n], from + v * chain.item[n], place(n, i + v));
      }
    }
  }
  for (int r = 0; r < chain.reductions; ++r) {
    const ChainOp op = chain.joined[r];
    double total = *static_cast<double*>(packs.slot(chain.values + r));
    for (int lanes = (group < 32 ? group : 32) / 2; lanes > 0; lanes /= 2) {
      total = join(op, total, __shfl_xor_sync(full_warp, total, lanes));
    }
    if (group > 32) {
      if (t % 32 == 0) s.between[t / 32] = total;
      __syncthreads();
      total = s.between[0];
      for (int warp = 1; warp < chain_threads / 32; ++warp) total = join(op, total, s.between[warp]);
      __syncthreads();
    }
    if (lane != 0 || row >= extents.rows) continue;
    if (extents.partial) {
      partials[row * chain.reductions + r] = total;
      continue;
    }
    if (op == ChainOp::mean) total /= static_cast<double>(extents.length);
    const int n = chain.reduced[r];
    if (chain.item[n] == 4) {
      static_cast<float*>(chain.ends[n])[row] = static_cast<float>(total);
    } else {
      static_cast<double*>(chain.ends[n])[row] = total;
    }
  }
}

// One block for each sum or mean of all elements.
__global__ void __launch_bounds__(chain_threads)
    chain_sums_kernel(ChainProgram chain, const double* partials, std::int64_t rows, std::int64_t size) {
  wait_for_previous_kernel();
  const int r = static_cast<int>(blockIdx.x), n = chain.reduced[r];
  double total = 0;
  for (std::int64_t i = threadIdx.x; i < rows; i += chain_threads) total += partials[i * chain.reductions + r];
  total = fold_block<chain_threads>(total, shared<double[chain_threads / 32]>(), Plus{});
  if (threadIdx.x != 0) return;
  if (chain.joined[r] == ChainOp::mean) total /= static_cast<double>(size);
  if (chain.item[n] == 4) {
    *static_cast<float*>(chain.ends[n]) = static_cast<float>(total);
  } else {
    *static_cast<double*>(chain.ends[n]) = total;
  }
}

struct ChainName {
  const char* name;
  ChainOp op;
};
#define DLNATIVE_NAME(name, ...) {#name, ChainOp::name},
#define DLNATIVE_NAMES(name, ...) {#name, ChainOp::name}, {#name "_gradient", ChainOp::name##_gradient},
constexpr ChainName chain_names[] = {
    DLNATIVE_UNARY_OPS(DLNATIVE_NAME) DLNATIVE_BINARY_OPS(DLNATIVE_NAME) DLNATIVE_COMPARISONS(DLNATIVE_NAME)
        DLNATIVE_ACTIVATIONS(DLNATIVE_NAMES) DLNATIVE_NAME(logical_and) DLNATIVE_NAME(logical_or)
            DLNATIVE_NAME(logical_not) DLNATIVE_NAME(isfinite) DLNATIVE_NAME(where) DLNATIVE_NAME(cast)
                DLNATIVE_NAME(copy) DLNATIVE_NAME(sum) DLNATIVE_NAME(mean) DLNATIVE_NAME(max) DLNATIVE_NAME(min)};
#undef DLNATIVE_NAME
#undef DLNATIVE_NAMES

const ChainName* find_chain_op(std::int64_t code) {
  const Row* row = code < 0 || code > INT32_MAX ? nullptr : row_at(static_cast<int>(code));
  for (const ChainName& known : chain_names) {
    if (row != nullptr && std::strcmp(known.name, row->name) == 0) return &known;
  }
  return nullptr;
}

// Reads what an instruction carries; false where this kernel does not take it.
bool read_chain(const Call& call, ChainProgram& chain, int& word) {
  const int ends = call.input_count + call.output_count;
  if (ends > most_chain_ends) return false;
  chain = ChainProgram{};
  chain.inputs = static_cast<std::int8_t>(call.input_count);
  chain.results = static_cast<std::int8_t>(call.output_count);
  DType dtypes[most_chain_values] = {};
  bool known[most_chain_values] = {};
  word = 4;
  for (int n = 0; n < ends; ++n) {
    const View& view = n < call.input_count ? call.inputs[n] : call.outputs[n - call.input_count];
    chain.ends[n] = view.data;
    chain.item[n] = static_cast<std::uint8_t>(item_size(view.dtype));
    chain.single[n] = n < call.input_count && view.size == 1;
    dtypes[n] = view.dtype;
    known[n] = n < call.input_count;
  }
  const std::int64_t row = call.ints[1];
  const std::int64_t* next = call.ints + 2;
  const double* parameters = call.floats;
  int values = ends;
  std::int64_t count = *next++;
  if (count > most_chain_steps) return false;
  for (; count > 0; --count) {
    const ChainName* op = find_chain_op(*next++);
    const std::int64_t operands = *next++;
    if (op == nullptr || operands < 1 || operands > most_chain_operands) return false;
    ChainStep& step = chain.steps[chain.step_count++];
    step.op = op->op;
    View views[most_chain_operands], result;
    for (std::int64_t i = 0; i < operands; ++i) {
      const std::int64_t number = *next++;
      if (number < 0 || number >= most_chain_values || !known[number]) return false;
      step.operands[i] = static_cast<std::uint8_t>(number);
      views[i].dtype = dtypes[number];
    }
    const std::int64_t destination = *next++, code_of_type = *next++, parameter_count = *next++;
    if (code_of_type < 0 || code_of_type >= dtype_count) return false;
    if (destination < call.input_count || destination >= most_chain_values) return false;
    result.dtype = static_cast<DType>(code_of_type);
    if (destination < ends && dtypes[destination] != result.dtype) return false;
    step.type = views[0].dtype;
    step.result = result.dtype;
    step.parameter = parameter_count > 0 ? *parameters : 0.0;
    parameters += parameter_count;
    Call one;
    one.inputs = views;
    one.outputs = &result;
    one.input_count = static_cast<std::int32_t>(operands);
    one.output_count = 1;
    if (!find_row(op->name)->types.takes(one)) return false;
    dtypes[destination] = result.dtype;
    for (const DType dtype : {step.type, result.dtype}) word = item_size(dtype) > word ? 8 : word;
    values = destination >= values ? static_cast<int>(destination) + 1 : values;
    known[destination] = op->op < ChainOp::sum;  // what is reduced is no operand
    step.destination = static_cast<std::uint8_t>(destination);
    if (op->op < ChainOp::sum) continue;
    if (destination >= ends || (Floats::set & set_of(result.dtype)) == 0) return false;
    if (row == 0 && op->op != ChainOp::sum && op->op != ChainOp::mean) return false;
    chain.is_reduction[destination] = true;
    chain.reduced[chain.reductions] = static_cast<std::uint8_t>(destination);
    chain.joined[chain.reductions] = op->op;
    step.destination = static_cast<std::uint8_t>(chain.reductions++);
  }
  for (int n = 0; n < ends; ++n) word = chain.item[n] > word ? 8 : word;
  chain.values = static_cast<std::int8_t>(values);
  return true;
}

bool takes_chain(const Call& call) {
  ChainProgram chain;
  int word;
  return read_chain(call, chain, word);
}

// How elements are cut; only the shapes decide.
ChainExtents extents_of(const Call& call, const ChainProgram& chain, int word) {
  ChainExtents e{};
  for (int n = 0; n < chain.inputs; ++n) e.size = std::max(e.size, call.inputs[n].size);
  const std::int64_t row = call.ints[1], width = 16 / word;
  e.group_shift = 8;
  if (row > 0) {
    e.length = row;
    e.group_shift = row <= 16 * width ? 3 : row <= 256 * width ? 5 : 8;
  } else {
    // A thread reduces several packs, where there is enough for all multiprocessors.
    constexpr std::int64_t most_packs = 16, enough = 512;
    const std::int64_t pass = chain_threads * width, packs = e.size / (pass * enough);
    e.length = pass * (chain.reductions == 0 ? 1 : std::clamp<std::int64_t>(packs, 1, most_packs));
    e.partial = chain.reductions > 0;
  }
  e.rows = (e.size + e.length - 1) / e.length;
  e.aligned = e.length % width == 0;
  for (int n = 0; n < chain.inputs + chain.results; ++n) {
    e.aligned = e.aligned && (chain.single[n] || chain.is_reduction[n] || is_aligned(chain.ends[n]));
  }
  return e;
}

void elementwise_chain(const Call& call, Queue& queue) {
  ChainProgram chain;
  int word;
  read_chain(call, chain, word);
  const ChainExtents e = extents_of(call, chain, word);
  auto* const partials = static_cast<double*>(call.scratch);
  const Grid grid{blocks_for(e.rows, std::int64_t{chain_threads} >> e.group_shift), chain_threads,
                  chain_shared_bytes(chain)};
  if (word == 4) {
    launch(queue, chain_kernel<4>, grid, chain, e, partials);
  } else {
    launch(queue, chain_kernel<8>, grid, chain, e, partials);
  }
  if (!e.partial) return;
  launch(queue, chain_sums_kernel,
         Grid{static_cast<unsigned>(chain.reductions), chain_threads, sizeof(double) * chain_threads / 32}, chain,
         partials, e.rows, e.size);
}

std::int64_t chain_bytes(const Call& call) {
  ChainProgram chain;
  int word;
  read_chain(call, chain, word);
  const ChainExtents e = extents_of(call, chain, word);
  return e.partial ? e.rows * chain.reductions * static_cast<std::int64_t>(sizeof(double)) : 0;
}

}  // namespace

extern const Row chain_rows[] = {
    {"elementwise_chain", elementwise_chain, {}, chain_bytes, takes_chain},
};
extern const int chain_row_count = sizeof(chain_rows) / sizeof(chain_rows[0]);

}  // namespace dlnative::cuda
