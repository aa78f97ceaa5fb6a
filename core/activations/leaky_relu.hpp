// Leaky rectified linear unit (Maas, Hannun & Ng 2013): f(z) = z where z > 0, slope z elsewhere.
//
// parameter: slope >= 0, so that f(z) > 0 exactly where z > 0. f'(0) = slope, as in PyTorch.
#pragma once

#include "../plan_parts.hpp"
#include "../simd/lanes.hpp"

namespace creche::CRECHE_LEVEL {

struct LeakyRelu {
  static constexpr ActivationKind kKind = ActivationKind::leaky_relu;
  static constexpr bool kFromValue = true;

  template <class V>
  static CRECHE_INLINE V apply(V z, V slope, V& derivative) {
    const V a = select(z > V(typename V::Scalar(0)), z, slope * z);
    derivative = derivative_from_value(a, slope);
    return a;
  }

  template <class V>
  static CRECHE_INLINE V derivative_from_value(V a, V slope) {
    using T = typename V::Scalar;
    return select(a > V(T(0)), V(T(1)), slope);
  }
};

}  // namespace creche::CRECHE_LEVEL
