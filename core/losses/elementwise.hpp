// The common part of the losses that compare every output with its own target: the loss of a row is the mean over its
// outputs of Term::term(z, y, slope, numbers, output), where slope is the derivative with respect to z.
#pragma once

#include "mean_prediction.hpp"
#include "numbers.hpp"

namespace creche::CRECHE_LEVEL {

template <class Term>
struct Elementwise {
  using Mean = MeanOfValues;
  static constexpr bool kClasses = false;

  template <class V>
  static CRECHE_INLINE V apply(const V* z, const V* targets, V, V* dloss_dz, int outputs, const LossNumbers<V>& n) {
    using T = typename V::Scalar;
    const V share(T(1) / static_cast<T>(outputs));
    V sum(T(0));
    for (int c = 0; c < outputs; ++c) {
      V slope;
      sum += Term::term(z[c], targets[c], slope, n, c);
      dloss_dz[c] = slope * share;
    }
    return sum / V(static_cast<T>(outputs));
  }

  template <class V>
  static CRECHE_INLINE V value(const V* z, const V* targets, V, V*, int outputs, const LossNumbers<V>& n) {
    using T = typename V::Scalar;
    V sum(T(0));
    for (int c = 0; c < outputs; ++c) {
      V slope;
      sum += Term::term(z[c], targets[c], slope, n, c);
    }
    return sum / V(static_cast<T>(outputs));
  }

  // The head: by default the weighted sums are the predictions.
  template <class V>
  static CRECHE_INLINE void predict(const V* z, V* out, int outputs) {
    for (int c = 0; c < outputs; ++c) out[c] = Term::head(z[c]);
  }

  template <class V>
  static CRECHE_INLINE V head(V z) {
    return z;
  }
};

}  // namespace creche::CRECHE_LEVEL
