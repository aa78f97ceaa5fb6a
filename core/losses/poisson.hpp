// Poisson negative log-likelihood of the rate exp(z), without the term in y alone: mean over the outputs of exp(z) - y
// z. Equals PyTorch's PoissonNLLLoss(log_input=True, full=False); overflows where exp(z) does.
#pragma once

#include "../simd/math.hpp"
#include "elementwise.hpp"

namespace creche::CRECHE_LEVEL {

struct Poisson : Elementwise<Poisson> {
  using Mean = MeanOfExponentials;
  static constexpr LossKind kKind = LossKind::poisson;

  template <class V>
  static CRECHE_INLINE V term(V z, V y, V& slope, const LossNumbers<V>&, int) {
    const V rate = exp(z);
    slope = rate - y;
    return fma(-y, z, rate);
  }

  template <class V>
  static CRECHE_INLINE V head(V z) {
    return exp(z);
  }
};

}  // namespace creche::CRECHE_LEVEL
