// The softmax head: p_c = exp(z_c) / sum_k exp(z_k), one row per lane.
#pragma once

#include "../simd/math.hpp"

namespace creche::CRECHE_LEVEL {

// The parts of a softmax: p_c = exponentials[c] / sum, log p_c = (z_c - greatest) - log(sum).
template <class V>
struct Softmax {
  V greatest;
  V sum;  // at least 1; NaN if any z is not finite
};

// exponentials[c] = exp(z_c - greatest), which cannot overflow.
template <class V>
CRECHE_INLINE Softmax<V> softmax_parts(const V* z, V* exponentials, int outputs) {
  const V zero(typename V::Scalar(0));
  V greatest = z[0];
  for (int c = 1; c < outputs; ++c) greatest = max(z[c], greatest);
  V sum = zero;
  V zero_or_nan = zero;  // NaN if a z is not finite, which a greater z would otherwise hide
  for (int c = 0; c < outputs; ++c) {
    exponentials[c] = exp(z[c] - greatest);
    sum += exponentials[c];
    zero_or_nan = fma(z[c], zero, zero_or_nan);
  }
  return {greatest, sum + zero_or_nan};
}

template <class V>
CRECHE_INLINE void softmax(const V* z, V* probabilities, int outputs) {
  const V inverse = V(typename V::Scalar(1)) / softmax_parts(z, probabilities, outputs).sum;
  for (int c = 0; c < outputs; ++c) probabilities[c] *= inverse;
}

// 1 in the lanes whose label is class c, 0 elsewhere.
template <class V>
CRECHE_INLINE V one_hot(V label, int c) {
  using T = typename V::Scalar;
  return select(label == V(static_cast<T>(c)), V(T(1)), V(T(0)));
}

}  // namespace creche::CRECHE_LEVEL
