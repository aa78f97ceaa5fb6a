// Identity: f(z) = z.
#pragma once

#include "../plan_parts.hpp"
#include "../simd/lanes.hpp"

namespace creche::CRECHE_LEVEL {

struct Identity {
  static constexpr ActivationKind kKind = ActivationKind::identity;
  static constexpr bool kFromValue = true;

  template <class V>
  static CRECHE_INLINE V apply(V z, V parameter, V& derivative) {
    derivative = derivative_from_value(z, parameter);
    return z;
  }

  template <class V>
  static CRECHE_INLINE V derivative_from_value(V, V) {
    return V(typename V::Scalar(1));
  }
};

}  // namespace creche::CRECHE_LEVEL
