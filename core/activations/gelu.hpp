// Gaussian error linear unit, exact (Hendrycks & Gimpel 2016): f(z) = z Phi(z), f'(z) = Phi(z) + z phi(z), with the
// standard normal's distribution function Phi and density phi. No parameter.
#pragma once

#include "../plan_parts.hpp"
#include "../simd/math.hpp"

namespace creche::CRECHE_LEVEL {

struct Gelu {
  static constexpr ActivationKind kKind = ActivationKind::gelu;
  static constexpr bool kFromValue = false;

  template <class V>
  static CRECHE_INLINE V apply(V z, V, V& derivative) {
    V density;
    const V share = normal_distribution(z, density);
    derivative = fma(z, density, share);
    return z * share;
  }
};

}  // namespace creche::CRECHE_LEVEL
