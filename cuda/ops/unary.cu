// Elementwise functions of one operand; the formulas are the CPU's (csrc/ops/elementwise_formulas.h).
#include "ops/elementwise_loops.h"

namespace dlnative::cuda {

extern const Row unary_rows[] = {
    {"negative", unary<Negative, Numbers>, same<Numbers>},
    {"absolute", unary<Absolute, Numbers>, same<Numbers>},
    {"sign", unary<Sign, Numbers>, same<Numbers>},
    {"square", unary<Square, Numbers>, same<Numbers>},
    {"exp", unary<Exp, Floats>, same<Floats>},
    {"expm1", unary<Expm1, Floats>, same<Floats>},
    {"log", unary<Log, Floats>, same<Floats>},
    {"log1p", unary<Log1p, Floats>, same<Floats>},
    {"sqrt", unary<Sqrt, Floats>, same<Floats>},
    {"rsqrt", unary<Rsqrt, Floats>, same<Floats>},
    {"erf", unary<Erf, Floats>, same<Floats>},
    {"reciprocal", unary<Reciprocal, Floats>, same<Floats>},
    {"sin", unary<Sin, Floats>, same<Floats>},
    {"cos", unary<Cos, Floats>, same<Floats>},
    {"floor", unary<Floor, Floats>, same<Floats>},
};
extern const int unary_row_count = sizeof(unary_rows) / sizeof(unary_rows[0]);

}  // namespace dlnative::cuda
