// Hyperbolic tangent: f(z) = tanh(z), f' = 1 - f(z)^2. No parameter.
#pragma once

#include "../plan_parts.hpp"
#include "../simd/math.hpp"

namespace creche::CRECHE_LEVEL {

struct Tanh {
  static constexpr ActivationKind kKind = ActivationKind::tanh;
  static constexpr bool kFromValue = true;

  template <class V>
  static CRECHE_INLINE V apply(V z, V parameter, V& derivative) {
    const V a = tanh(z);
    derivative = derivative_from_value(a, parameter);
    return a;
  }

  template <class V>
  static CRECHE_INLINE V derivative_from_value(V a, V) {
    return fma(-a, a, V(typename V::Scalar(1)));
  }
};

}  // namespace creche::CRECHE_LEVEL
