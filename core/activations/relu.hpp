// Rectified linear unit (Nair & Hinton 2010): f(z) = max(0, z).
//
// f'(0) = 0, as in PyTorch. NaN gives NaN.
#pragma once

#include "../plan_parts.hpp"
#include "../simd/lanes.hpp"

namespace creche::CRECHE_LEVEL {

struct Relu {
  static constexpr ActivationKind kKind = ActivationKind::relu;
  static constexpr bool kFromValue = true;

  template <class V>
  static CRECHE_INLINE V apply(V z, V parameter, V& derivative) {
    const V a = max(V(typename V::Scalar(0)), z);  // this order returns NaN for NaN
    derivative = derivative_from_value(a, parameter);
    return a;
  }

  template <class V>
  static CRECHE_INLINE V derivative_from_value(V a, V) {
    using T = typename V::Scalar;
    return select(a > V(T(0)), V(T(1)), V(T(0)));
  }
};

}  // namespace creche::CRECHE_LEVEL
