// What elementwise operations compute, once for vectors of every element type.
//
// Those of activations are in simd/activations.h. Comparisons with NaN are false except not_equal; maximum and minimum
// give NaN when either operand is.
#pragma once

#include "simd/activations.h"
#include "simd/formula.h"

namespace dlnative::DLNATIVE_ISA {

DLNATIVE_UNARY(Negative, -x)
DLNATIVE_UNARY(Absolute, abs(x))
DLNATIVE_UNARY(Sign, select(x > V{}, V{} + Element<V>{1}, select(x < V{}, V{} - Element<V>{1}, x* Element<V>{0})))
DLNATIVE_UNARY(Square, x* x)
DLNATIVE_UNARY(Exp, exp(x))
DLNATIVE_UNARY(Expm1, expm1(x))
DLNATIVE_UNARY(Log, log(x))
DLNATIVE_UNARY(Log1p, log1p(x))
DLNATIVE_UNARY(Sqrt, sqrt(x))
DLNATIVE_UNARY(Rsqrt, Element<V>{1} / sqrt(x))
DLNATIVE_UNARY(Erf, erf(x))
DLNATIVE_UNARY(Reciprocal, Element<V>{1} / x)
DLNATIVE_UNARY(Sin, sin(x))
DLNATIVE_UNARY(Cos, cos(x))
DLNATIVE_UNARY(Floor, floor(x))

DLNATIVE_BINARY(Add, a + b)
DLNATIVE_BINARY(Subtract, a - b)
DLNATIVE_BINARY(Multiply, a* b)
DLNATIVE_BINARY(Divide, a / b)
DLNATIVE_BINARY(Maximum, maximum(a, b))
DLNATIVE_BINARY(Minimum, minimum(a, b))
DLNATIVE_BINARY(Power, power(a, b))

// On single elements: compilers vectorise these loops, between whatever types, better than one could by hand.
DLNATIVE_BINARY(Equal, a == b)
DLNATIVE_BINARY(NotEqual, a != b)
DLNATIVE_BINARY(Less, a < b)
DLNATIVE_BINARY(LessEqual, a <= b)
DLNATIVE_BINARY(Greater, a > b)
DLNATIVE_BINARY(GreaterEqual, a >= b)
DLNATIVE_BINARY(LogicalAnd, (a != 0) & (b != 0))
DLNATIVE_BINARY(LogicalOr, (a != 0) | (b != 0))
DLNATIVE_UNARY(LogicalNot, x == 0)
DLNATIVE_UNARY(IsFinite, x - x == 0)

}  // namespace dlnative::DLNATIVE_ISA
