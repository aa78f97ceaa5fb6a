// Exponential linear unit (Clevert, Unterthiner & Hochreiter 2016, eq. 15): f(z) = z where z > 0,
// alpha (exp(z) - 1) elsewhere.
//
// parameter: alpha >= 0, so that f(z) > 0 exactly where z > 0. There f' = 1, elsewhere f' = alpha exp(z) = f(z) +
// alpha.
#pragma once

#include "../plan_parts.hpp"
#include "../simd/math.hpp"

namespace creche::CRECHE_LEVEL {

struct Elu {
  static constexpr ActivationKind kKind = ActivationKind::elu;
  static constexpr bool kFromValue = true;

  template <class V>
  static CRECHE_INLINE V apply(V z, V alpha, V& derivative) {
    const auto positive = z > V(typename V::Scalar(0));
    const V a = select(positive, z, alpha * expm1_nonpositive(z));
    derivative = derivative_from_value(a, alpha);
    return a;
  }

  template <class V>
  static CRECHE_INLINE V derivative_from_value(V a, V alpha) {
    using T = typename V::Scalar;
    return select(a > V(T(0)), V(T(1)), a + alpha);
  }
};

}  // namespace creche::CRECHE_LEVEL
