// Quantile or pinball loss (Koenker & Bassett 1978): mean over the outputs of quantile e where e >= 0,
// (quantile - 1) e elsewhere, with e = y - z. Each output has a quantile of its own. The derivative where z = y is 0.
#pragma once

#include "elementwise.hpp"

namespace creche::CRECHE_LEVEL {

struct Quantile : Elementwise<Quantile> {
  static constexpr LossKind kKind = LossKind::quantile;

  template <class V>
  static CRECHE_INLINE V term(V z, V y, V& slope, const LossNumbers<V>& n, int output) {
    using T = typename V::Scalar;
    const V zero(T(0));
    const V error = y - z;
    const V quantile = n.quantiles[output];
    const V if_below = quantile - V(T(1));
    slope = select(error > zero, -quantile, select(error < zero, -if_below, zero));
    return select(error >= zero, quantile, if_below) * error;
  }
};

}  // namespace creche::CRECHE_LEVEL
