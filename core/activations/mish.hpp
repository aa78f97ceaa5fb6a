// Mish (Misra 2019): f(z) = z tanh(softplus(z)). No parameter.
//
// With w = exp(z):  tanh(softplus(z)) = n / d,  n = w^2 + 2 w,  d = n + 2,  and so
//                   f'(z) = n / d + z 4 w (1 + w) / d^2.
// For z > 0 n and d are divided by w^2, which leaves e = exp(-|z|) as the only exponential, and nothing overflows.
#pragma once

#include "../plan_parts.hpp"
#include "../simd/math.hpp"

namespace creche::CRECHE_LEVEL {

struct Mish {
  static constexpr ActivationKind kKind = ActivationKind::mish;
  static constexpr bool kFromValue = false;

  template <class V>
  static CRECHE_INLINE V apply(V z, V, V& derivative) {
    using T = typename V::Scalar;
    const V two(T(2));
    const auto positive = z > V(T(0));
    const V e = exp(-abs(z));
    const V e2 = e * e;
    const V n = select(positive, fma(two, e, V(T(1))), fma(two, e, e2));
    const V rest = select(positive, e2 + e2, two);  // d - n
    const V inverse = V(T(1)) / (n + rest);
    const V share = n * inverse;
    const V slope = V(T(4)) * select(positive, e2, e) * (V(T(1)) + e) * (inverse * inverse);
    derivative = fma(z, slope, share);
    return z * share;
  }
};

}  // namespace creche::CRECHE_LEVEL
