// Arithmetic of two operands; the formulas are the CPU's (csrc/ops/elementwise_formulas.h).
#include "ops/elementwise_list.h"
#include "ops/elementwise_loops.h"

namespace dlnative::cuda {

extern const Row binary_rows[] = {
#define DLNATIVE_ROW(name, Formula, List) {#name, binary<Formula, List>, same<List>},
    DLNATIVE_BINARY_OPS(DLNATIVE_ROW)
#undef DLNATIVE_ROW
};
extern const int binary_row_count = sizeof(binary_rows) / sizeof(binary_rows[0]);

}  // namespace dlnative::cuda
