// The elementwise ops, by name and formula: rows of the op table and steps of chains are made of the same lists.
#pragma once

#include "ops/elementwise_formulas.h"

// Of one operand, and the types that it may have.
#define DLNATIVE_UNARY_OPS(row)                                                                             \
  row(negative, Negative, Numbers) row(absolute, Absolute, Numbers) row(sign, Sign, Numbers)                \
      row(square, Square, Numbers) row(exp, Exp, Floats) row(expm1, Expm1, Floats) row(log, Log, Floats)    \
          row(log1p, Log1p, Floats) row(sqrt, Sqrt, Floats) row(rsqrt, Rsqrt, Floats) row(erf, Erf, Floats) \
              row(reciprocal, Reciprocal, Floats) row(sin, Sin, Floats) row(cos, Cos, Floats)               \
                  row(floor, Floor, Floats)

// Of two operands of one type.
#define DLNATIVE_BINARY_OPS(row)                                                                \
  row(add, Add, Numbers) row(subtract, Subtract, Numbers) row(multiply, Multiply, Numbers) row( \
      maximum, Maximum, Numbers) row(minimum, Minimum, Numbers) row(divide, Divide, Floats) row(power, Power, Floats)

#define DLNATIVE_COMPARISONS(row)                                                                             \
  row(equal, Equal) row(not_equal, NotEqual) row(less, Less) row(less_equal, LessEqual) row(greater, Greater) \
      row(greater_equal, GreaterEqual)
