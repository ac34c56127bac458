// Elementwise functions of one operand; the formulas are the CPU's (csrc/ops/elementwise_formulas.h).
#include "ops/elementwise_list.h"
#include "ops/elementwise_loops.h"

namespace dlnative::cuda {

extern const Row unary_rows[] = {
#define DLNATIVE_ROW(name, Formula, List) {#name, unary<Formula, List>, same<List>},
    DLNATIVE_UNARY_OPS(DLNATIVE_ROW)
#undef DLNATIVE_ROW
};
extern const int unary_row_count = sizeof(unary_rows) / sizeof(unary_rows[0]);

}  // namespace dlnative::cuda
