// The mean prediction of several submodels, as the weighted sums whose prediction it is: whatever follows, loss, metric
// and head, then needs to know nothing of submodels.
//
//   values          z_c = 1/k sum_m z_mc
//   softmaxes       z_c = log (1/k sum_m p_mc),                         p_m = softmax(z_m)
//   sigmoids        z_c = log (1/k sum_m p_mc) - log (1/k sum_m (1 - p_mc)),      p_mc = sigmoid(z_mc)
//   exponentials    z_c = log (1/k sum_m exp(z_mc))
//
// Sums run over the submodels m = 0 ... k - 1, of exponentials of differences from the greatest, which cannot overflow:
// the result is as finite as the z_m. NaN and, for all but values, infinity give NaN.
//
// Each is a struct that works on one row per lane. z, [submodel][output], those of a submodel `stride` vectors behind
// those of the one before, is overwritten:
//   apply      writes the weighted sums out [outputs]; scratch [outputs]
//   backward   from slopes [outputs], the gradient of some number with respect to what apply wrote, to its gradient
//   with
//              respect to z, out [submodel][output], likewise `stride` apart; scratch [outputs]
//
// Tests: tests/engine/test_submodels.py
#pragma once

#include <cstdint>

#include "softmax.hpp"

namespace creche::CRECHE_LEVEL {

namespace detail {

// log (1/k sum over m of exp(x(m))).
template <class X>
CRECHE_INLINE auto log_mean_exp(int submodels, const X& x) {
  using V = decltype(x(0));
  using T = typename V::Scalar;
  V greatest = x(0);
  for (int m = 1; m < submodels; ++m) greatest = max(x(m), greatest);
  V sum(T(0));
  V zero_or_nan(T(0));  // NaN if an x is not finite, which a greater x would otherwise hide
  for (int m = 0; m < submodels; ++m) {
    sum += exp(x(m) - greatest);
    zero_or_nan = fma(x(m), V(T(0)), zero_or_nan);
  }
  return greatest + log(sum / V(static_cast<T>(submodels))) + zero_or_nan;
}

// log sigmoid(z); NaN if z is not finite
template <class V>
CRECHE_INLINE V log_sigmoid(V z) {
  const V zero(typename V::Scalar(0));
  return fma(z, zero, min(z, zero)) - log1p_unit(exp(-abs(z)));
}

}  // namespace detail

struct MeanOfValues {
  template <class V>
  static CRECHE_INLINE void apply(V* z, int submodels, std::int64_t stride, int outputs, V* out, V*) {
    using T = typename V::Scalar;
    for (int c = 0; c < outputs; ++c) {
      V sum = z[c];
      for (int m = 1; m < submodels; ++m) sum += z[m * stride + c];
      out[c] = sum / V(static_cast<T>(submodels));
    }
  }

  template <class V>
  static void backward(V*, int submodels, std::int64_t stride, int outputs, const V* slopes, V* out, V*) {
    using T = typename V::Scalar;
    for (int m = 0; m < submodels; ++m)
      for (int c = 0; c < outputs; ++c) out[m * stride + c] = slopes[c] / V(static_cast<T>(submodels));
  }
};

struct MeanOfSoftmaxes {
  template <class V>
  static CRECHE_INLINE void apply(V* z, int submodels, std::int64_t stride, int outputs, V* out, V* scratch) {
    to_log_probabilities(z, submodels, stride, outputs, scratch);
    for (int c = 0; c < outputs; ++c)
      out[c] = detail::log_mean_exp(submodels, [&](int m) { return z[m * stride + c]; });
  }

  // dz_c / dz_mj = w_mc ([c = j] - p_mj), where w_mc = p_mc / sum_n p_nc
  template <class V>
  static void backward(V* z, int submodels, std::int64_t stride, int outputs, const V* slopes, V* out, V* scratch) {
    using T = typename V::Scalar;
    apply(z, submodels, stride, outputs, scratch, out);
    for (int m = 0; m < submodels; ++m) {
      V total(T(0));
      for (int c = 0; c < outputs; ++c) {
        const V share = exp(z[m * stride + c] - scratch[c]) / V(static_cast<T>(submodels));
        out[m * stride + c] = slopes[c] * share;
        total += out[m * stride + c];
      }
      for (int c = 0; c < outputs; ++c) {
        V& gradient = out[m * stride + c];
        gradient = gradient - exp(z[m * stride + c]) * total;
      }
    }
  }

 private:
  template <class V>
  static CRECHE_INLINE void to_log_probabilities(V* z, int submodels, std::int64_t stride, int outputs, V* scratch) {
    for (int m = 0; m < submodels; ++m) {
      V* const of = z + m * stride;
      const Softmax<V> parts = softmax_parts(of, scratch, outputs);
      const V log_sum = log(parts.sum);
      for (int c = 0; c < outputs; ++c) of[c] = (of[c] - parts.greatest) - log_sum;
    }
  }
};

struct MeanOfSigmoids {
  template <class V>
  static CRECHE_INLINE void apply(V* z, int submodels, std::int64_t stride, int outputs, V* out, V*) {
    for (int c = 0; c < outputs; ++c) {
      const V of_others = log_mean_of(z + c, submodels, stride, -1);
      out[c] = log_mean_of(z + c, submodels, stride, 1) - of_others;
    }
  }

  // dz_c / dz_mc = 1/k p_mc (1 - p_mc) / (p_c (1 - p_c))
  template <class V>
  static void backward(V* z, int submodels, std::int64_t stride, int outputs, const V* slopes, V* out, V*) {
    using T = typename V::Scalar;
    for (int c = 0; c < outputs; ++c) {
      const V log_mean = log_mean_of(z + c, submodels, stride, 1) + log_mean_of(z + c, submodels, stride, -1);
      for (int m = 0; m < submodels; ++m) {
        const V x = z[m * stride + c];
        const V share = exp(detail::log_sigmoid(x) + detail::log_sigmoid(-x) - log_mean);
        out[m * stride + c] = slopes[c] * share / V(static_cast<T>(submodels));
      }
    }
  }

 private:
  // log (1/k sum over m of sigmoid(sign z))
  template <class V>
  static CRECHE_INLINE V log_mean_of(const V* z, int submodels, std::int64_t stride, int sign) {
    using T = typename V::Scalar;
    return detail::log_mean_exp(submodels,
                                [&](int m) { return detail::log_sigmoid(z[m * stride] * V(static_cast<T>(sign))); });
  }
};

struct MeanOfExponentials {
  template <class V>
  static CRECHE_INLINE void apply(V* z, int submodels, std::int64_t stride, int outputs, V* out, V*) {
    for (int c = 0; c < outputs; ++c)
      out[c] = detail::log_mean_exp(submodels, [&](int m) { return z[m * stride + c]; });
  }

  template <class V>
  static void backward(V* z, int submodels, std::int64_t stride, int outputs, const V* slopes, V* out, V*) {
    using T = typename V::Scalar;
    for (int c = 0; c < outputs; ++c) {
      const V mean = detail::log_mean_exp(submodels, [&](int m) { return z[m * stride + c]; });
      for (int m = 0; m < submodels; ++m)
        out[m * stride + c] = slopes[c] * exp(z[m * stride + c] - mean) / V(static_cast<T>(submodels));
    }
  }
};

}  // namespace creche::CRECHE_LEVEL
