// Squared error of the probabilities p = softmax(z) from a class, as a mean over the classes (Brier 1950, divided by
// C):
//
//   L = 1/C sum_c (p_c - y_c)^2,   y_c = [c is the label],   dL/dz_c = 2/C p_c ((p_c - y_c) - sum_k p_k (p_k - y_k))
//
// Safe for |z| up to half the largest number; infinity or NaN in z gives NaN.
#pragma once

#include "mean_prediction.hpp"
#include "numbers.hpp"
#include "softmax.hpp"

namespace creche::CRECHE_LEVEL {

struct SquaredErrorOfClasses {
  using Mean = MeanOfSoftmaxes;
  static constexpr LossKind kKind = LossKind::squared_error_of_classes;
  static constexpr bool kClasses = true;

  template <class V>
  static CRECHE_INLINE V apply(const V* z, const V*, V label, V* dloss_dz, int outputs, const LossNumbers<V>&) {
    using T = typename V::Scalar;
    softmax(z, dloss_dz, outputs);
    const V loss = mean_square(dloss_dz, label, outputs);
    V drift(T(0));  // sum_k p_k (p_k - y_k)
    for (int c = 0; c < outputs; ++c) drift = fma(dloss_dz[c], dloss_dz[c] - one_hot(label, c), drift);
    const V factor(T(2) / static_cast<T>(outputs));
    for (int c = 0; c < outputs; ++c) {
      const V p = dloss_dz[c];
      dloss_dz[c] = factor * p * ((p - one_hot(label, c)) - drift);
    }
    return loss;
  }

  template <class V>
  static CRECHE_INLINE V value(const V* z, const V*, V label, V* scratch, int outputs, const LossNumbers<V>&) {
    softmax(z, scratch, outputs);
    return mean_square(scratch, label, outputs);
  }

  template <class V>
  static CRECHE_INLINE void predict(const V* z, V* out, int outputs) {
    softmax(z, out, outputs);
  }

 private:
  template <class V>
  static CRECHE_INLINE V mean_square(const V* probabilities, V label, int outputs) {
    using T = typename V::Scalar;
    V sum(T(0));
    for (int c = 0; c < outputs; ++c) {
      const V error = probabilities[c] - one_hot(label, c);
      sum = fma(error, error, sum);
    }
    return sum / V(static_cast<T>(outputs));
  }
};

}  // namespace creche::CRECHE_LEVEL
