// Huber loss (Huber 1964): mean over the outputs of e^2 / 2 where |e| <= delta, delta (|e| - delta / 2) elsewhere, with
// e = z - y. Equals PyTorch's HuberLoss.
#pragma once

#include "elementwise.hpp"

namespace creche::CRECHE_LEVEL {

struct Huber : Elementwise<Huber> {
  static constexpr LossKind kKind = LossKind::huber;

  template <class V>
  static CRECHE_INLINE V term(V z, V y, V& slope, const LossNumbers<V>& n, int) {
    const V half(typename V::Scalar(0.5));
    const V error = z - y;
    const V size = abs(error);
    const auto small = size <= n.delta;
    slope = select(small, error, copysign(n.delta, error));
    return select(small, half * error * error, n.delta * fma(-half, n.delta, size));
  }
};

}  // namespace creche::CRECHE_LEVEL
