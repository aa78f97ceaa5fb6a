// Scaled exponential linear unit (Klambauer et al. 2017, "Self-Normalizing Neural Networks", eq. 2):
// f(z) = lambda z where z > 0, lambda alpha (exp(z) - 1) elsewhere.
//
// There f' = lambda, elsewhere f' = lambda alpha exp(z) = f(z) + lambda alpha. No parameter.
#pragma once

#include "../plan_parts.hpp"
#include "../simd/math.hpp"

namespace creche::CRECHE_LEVEL {

struct Selu {
  static constexpr ActivationKind kKind = ActivationKind::selu;
  static constexpr bool kFromValue = true;

  // The fixed point of mean 0 and variance 1 (eq. 14 of the paper).
  static constexpr double kLambda = 1.0507009873554804934193349852946;
  static constexpr double kAlpha = 1.6732632423543772848170429916717;

  template <class V>
  static CRECHE_INLINE V apply(V z, V parameter, V& derivative) {
    using T = typename V::Scalar;
    const auto positive = z > V(T(0));
    const V a = select(positive, V(T(kLambda)) * z, V(T(kLambda * kAlpha)) * expm1_nonpositive(z));
    derivative = derivative_from_value(a, parameter);
    return a;
  }

  template <class V>
  static CRECHE_INLINE V derivative_from_value(V a, V) {
    using T = typename V::Scalar;
    return select(a > V(T(0)), V(T(kLambda)), a + V(T(kLambda * kAlpha)));
  }
};

}  // namespace creche::CRECHE_LEVEL
