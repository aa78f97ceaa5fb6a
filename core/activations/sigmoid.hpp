// Logistic function: f(z) = 1 / (1 + exp(-z)), f' = f(z) (1 - f(z)). No parameter.
#pragma once

#include "../plan_parts.hpp"
#include "../simd/math.hpp"

namespace creche::CRECHE_LEVEL {

struct Sigmoid {
  static constexpr ActivationKind kKind = ActivationKind::sigmoid;
  static constexpr bool kFromValue = true;

  template <class V>
  static CRECHE_INLINE V apply(V z, V parameter, V& derivative) {
    const V a = sigmoid(z);
    derivative = derivative_from_value(a, parameter);
    return a;
  }

  template <class V>
  static CRECHE_INLINE V derivative_from_value(V a, V) {
    return fma(-a, a, a);
  }
};

}  // namespace creche::CRECHE_LEVEL
