// Sigmoid linear unit, or Swish (Elfwing, Uchibe & Doya 2018): f(z) = z sigmoid(z),
// f'(z) = sigmoid(z) + f(z) (1 - sigmoid(z)). No parameter.
#pragma once

#include "../plan_parts.hpp"
#include "../simd/math.hpp"

namespace creche::CRECHE_LEVEL {

struct Silu {
  static constexpr ActivationKind kKind = ActivationKind::silu;
  static constexpr bool kFromValue = false;

  template <class V>
  static CRECHE_INLINE V apply(V z, V, V& derivative) {
    V complement;
    const V share = sigmoid(z, complement);
    const V a = z * share;
    derivative = fma(a, complement, share);
    return a;
  }
};

}  // namespace creche::CRECHE_LEVEL
