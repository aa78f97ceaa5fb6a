// Gaussian error linear unit, the approximation by tanh (Hendrycks & Gimpel 2016, section 2):
// f(z) = z (1 + tanh(u)) / 2 with u = sqrt(2 / pi) (z + 0.044715 z^3).
//
// (1 + tanh(u)) / 2 is sigmoid(2 u), which does not cancel for negative u. No parameter.
#pragma once

#include "../plan_parts.hpp"
#include "../simd/math.hpp"

namespace creche::CRECHE_LEVEL {

struct GeluTanh {
  static constexpr ActivationKind kKind = ActivationKind::gelu_tanh;
  static constexpr bool kFromValue = false;

  template <class V>
  static CRECHE_INLINE V apply(V z, V, V& derivative) {
    using T = typename V::Scalar;
    constexpr double kSlope = 1.5957691216057307117597842397375;  // 2 sqrt(2 / pi)
    constexpr double kCubic = 0.044715;
    // Beyond this the sigmoid is exactly 0 or 1, while z^3 of a huge z overflows.
    const V limit(T(40));
    const V bounded = select(z > limit, limit, select(z < -limit, -limit, z));
    const V z2 = bounded * bounded;
    const V u2 = bounded * fma(z2, V(T(kSlope * kCubic)), V(T(kSlope)));
    V complement;
    const V share = sigmoid(u2, complement);
    const V du2_dz = fma(z2, V(T(3 * kSlope * kCubic)), V(T(kSlope)));
    derivative = fma(bounded * du2_dz, share * complement, share);
    return z * share;
  }
};

}  // namespace creche::CRECHE_LEVEL
