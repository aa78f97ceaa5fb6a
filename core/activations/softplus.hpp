// Softplus (Dugas et al. 2001): f(z) = log(1 + exp(beta z)) / beta, f'(z) = sigmoid(beta z).
//
// parameter: beta > 0. Unlike PyTorch, it does not switch to the identity for large beta z: it is accurate everywhere.
#pragma once

#include "../plan_parts.hpp"
#include "../simd/math.hpp"

namespace creche::CRECHE_LEVEL {

struct Softplus {
  static constexpr ActivationKind kKind = ActivationKind::softplus;
  static constexpr bool kFromValue = false;

  template <class V>
  static CRECHE_INLINE V apply(V z, V beta, V& derivative) {
    const V scaled = beta * z;
    derivative = sigmoid(scaled);
    return softplus(scaled) / beta;
  }
};

}  // namespace creche::CRECHE_LEVEL
