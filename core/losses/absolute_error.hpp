// Absolute error: mean over the outputs of |z - y|. Equals PyTorch's L1Loss; the derivative where z = y is 0.
#pragma once

#include "elementwise.hpp"

namespace creche::CRECHE_LEVEL {

struct AbsoluteError : Elementwise<AbsoluteError> {
  static constexpr LossKind kKind = LossKind::absolute_error;

  template <class V>
  static CRECHE_INLINE V term(V z, V y, V& slope, const LossNumbers<V>&, int) {
    const V error = z - y;
    slope = sign(error);
    return abs(error);
  }
};

}  // namespace creche::CRECHE_LEVEL
