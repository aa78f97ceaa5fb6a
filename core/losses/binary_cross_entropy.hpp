// Binary cross-entropy of p = sigmoid(z) and a target y in [0, 1], as a mean over the outputs:
//
//   -y log p - (1 - y) log(1 - p) = max(z, 0) - z y + log(1 + exp(-|z|)),   derivative p - y
//
// Equals PyTorch's BCEWithLogitsLoss. Safe for every finite z; infinity or NaN in z gives infinity or NaN.
#pragma once

#include "../simd/math.hpp"
#include "elementwise.hpp"

namespace creche::CRECHE_LEVEL {

struct BinaryCrossEntropy : Elementwise<BinaryCrossEntropy> {
  using Mean = MeanOfSigmoids;
  static constexpr LossKind kKind = LossKind::binary_cross_entropy;

  template <class V>
  static CRECHE_INLINE V term(V z, V y, V& slope, const LossNumbers<V>&, int) {
    const V zero(typename V::Scalar(0));
    slope = sigmoid(z) - y;
    return fma(-z, y, max(z, zero)) + log1p_unit(exp(-abs(z)));
  }

  template <class V>
  static CRECHE_INLINE V head(V z) {
    return sigmoid(z);
  }
};

}  // namespace creche::CRECHE_LEVEL
