// Arithmetic of two operands; the formulas are the CPU's (csrc/ops/elementwise_formulas.h).
#include "ops/elementwise_loops.h"

namespace dlnative::cuda {

extern const Row binary_rows[] = {
    {"add", binary<Add, Numbers>, same<Numbers>},           {"subtract", binary<Subtract, Numbers>, same<Numbers>},
    {"multiply", binary<Multiply, Numbers>, same<Numbers>}, {"maximum", binary<Maximum, Numbers>, same<Numbers>},
    {"minimum", binary<Minimum, Numbers>, same<Numbers>},   {"divide", binary<Divide, Floats>, same<Floats>},
    {"power", binary<Power, Floats>, same<Floats>},
};
extern const int binary_row_count = sizeof(binary_rows) / sizeof(binary_rows[0]);

}  // namespace dlnative::cuda
