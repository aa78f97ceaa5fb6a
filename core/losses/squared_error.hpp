// Squared error: mean over the outputs of (z - y)^2. Equals PyTorch's MSELoss.
#pragma once

#include "elementwise.hpp"

namespace creche::CRECHE_LEVEL {

struct SquaredError : Elementwise<SquaredError> {
  static constexpr LossKind kKind = LossKind::squared_error;

  template <class V>
  static CRECHE_INLINE V term(V z, V y, V& slope, const LossNumbers<V>&, int) {
    const V error = z - y;
    slope = error + error;
    return error * error;
  }
};

}  // namespace creche::CRECHE_LEVEL
