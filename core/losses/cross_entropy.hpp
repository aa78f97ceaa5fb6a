// Cross-entropy of the softmax of z and a class, with label smoothing epsilon (Szegedy et al. 2016, section 7):
//
//   L = -sum_c q_c log p_c,   q_c = (1 - epsilon) [c is the label] + epsilon / C,   dL/dz_c = p_c - q_c
//
// Equals PyTorch's CrossEntropyLoss. Safe for |z| up to half the largest number; infinity or NaN in z gives NaN.
#pragma once

#include "mean_prediction.hpp"
#include "numbers.hpp"
#include "softmax.hpp"

namespace creche::CRECHE_LEVEL {

struct CrossEntropy {
  using Mean = MeanOfSoftmaxes;
  static constexpr LossKind kKind = LossKind::cross_entropy;
  static constexpr bool kClasses = true;

  template <class V>
  static CRECHE_INLINE V apply(const V* z, const V*, V label, V* dloss_dz, int outputs, const LossNumbers<V>& n) {
    const Softmax<V> parts = softmax_parts(z, dloss_dz, outputs);
    const Smoothing<V> q(n.label_smoothing, outputs);
    const V inverse = V(typename V::Scalar(1)) / parts.sum;
    for (int c = 0; c < outputs; ++c) dloss_dz[c] = fma(dloss_dz[c], inverse, -q.of_class(label, c));
    return loss(z, label, parts, outputs, q);
  }

  template <class V>
  static CRECHE_INLINE V value(const V* z, const V*, V label, V* scratch, int outputs, const LossNumbers<V>& n) {
    return loss(z, label, softmax_parts(z, scratch, outputs), outputs, Smoothing<V>(n.label_smoothing, outputs));
  }

  template <class V>
  static CRECHE_INLINE void predict(const V* z, V* out, int outputs) {
    softmax(z, out, outputs);
  }

 private:
  template <class V>
  struct Smoothing {
    V of_others, of_label;

    CRECHE_INLINE Smoothing(V epsilon, int outputs) {
      using T = typename V::Scalar;
      of_others = epsilon / V(static_cast<T>(outputs));
      of_label = (V(T(1)) - epsilon) + of_others;
    }
    CRECHE_INLINE V of_class(V label, int c) const {
      return select(label == V(static_cast<typename V::Scalar>(c)), of_label, of_others);
    }
  };

  // sum_c q_c (log(sum) - (z_c - greatest)), where the q_c sum to 1.
  template <class V>
  static CRECHE_INLINE V loss(const V* z, V label, const Softmax<V>& parts, int outputs, const Smoothing<V>& q) {
    V expected(typename V::Scalar(0));
    for (int c = 0; c < outputs; ++c) expected = fma(q.of_class(label, c), z[c] - parts.greatest, expected);
    return log(parts.sum) - expected;
  }
};

}  // namespace creche::CRECHE_LEVEL
