// Activations and their gradients; the formulas are the CPU's (csrc/simd/activations.h).
#include "ops/elementwise_loops.h"

namespace dlnative::cuda {
namespace {

// relu is for integers, too.
template <class Formula>
using TypesOf = std::conditional_t<std::is_same_v<Formula, Relu>, Numbers, Floats>;

}  // namespace

extern const Row activation_rows[] = {
#define DLNATIVE_ROWS(name, Formula)                                 \
  {#name, unary<Formula, TypesOf<Formula>>, same<TypesOf<Formula>>}, \
      {#name "_gradient", binary<Formula##Gradient, Floats>, same<Floats>},
    DLNATIVE_ACTIVATIONS(DLNATIVE_ROWS)
#undef DLNATIVE_ROWS
};
extern const int activation_row_count = sizeof(activation_rows) / sizeof(activation_rows[0]);

}  // namespace dlnative::cuda
