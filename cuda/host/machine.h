// The machine that runs kernels on the CPU: one grid at a time, block by block, a fiber for each thread that waits.
//
// Every thread runs until it waits at a barrier or in a warp call (a shuffle), and a call of a warp is done by its last
// lane to arrive, for all of them. Threads run forward or in reverse; after each barrier it is the first one's turn
// again. So a read that lacks its barrier comes, in one of the two orders, before the write that it means, and finds
// shared memory as every block does: full of NaN.
//
// What a kernel does wrong is a Fault, whose text names op, block and thread: threads of a block at different barriers
// or gone before one, lanes of a warp in different calls, an address outside every buffer.
#pragma once

#include <cstddef>
#include <stdexcept>

namespace dlnative::cuda::host {

struct Extent3 {
  unsigned x = 1, y = 1, z = 1;
};

// Where in a kernel a thread waits.
struct Site {
  const char* file;
  int line;
};

class Fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The thread that runs.
struct Position {
  Extent3 thread, block, block_extent, grid_extent;
};
extern Position position;

enum class Order { forward, reverse };
void set_order(Order order);

// Calls body(state) as each thread of each block. `name` is for the text of a Fault.
void run_grid(const char* name, Extent3 grid, unsigned threads, std::size_t shared_bytes, void (*body)(const void*),
              const void* state);

void* shared_memory();
void wait_for_block(Site site);

// Does perform(operands) once for the warp; operand i is lane i's.
using Perform = void (*)(void* const* operands);
void call_warp(Site site, unsigned mask, Perform perform, void* operand);

// Memory whose end, and whose beginning, lie against a page that nobody may touch, and which is full of NaN.
void* allocate_guarded(std::size_t bytes);
void free_guarded(void* memory, std::size_t bytes);

}  // namespace dlnative::cuda::host
