// Batch normalization of the weighted sums of each neuron (Ioffe & Szegedy 2015, "Batch Normalization").
//
//   h_r = (z_r - mean) / sqrt(variance + 1e-5)       p_r = g h_r + c
//   dL/dg = sum over rows of p'_r h_r                dL/dc = sum over rows of p'_r
//   dL/dz_r = g (p'_r - mean(p') - h_r mean(p' h)) / sqrt(variance + 1e-5)
//
//   In a training step mean and variance (over n, not n - 1) are those of a neuron's sums in the n rows of the batch,
//   whatever the rows' weights; p' = dL/dp; g the gain, 1 at the start; c the shift, 0 at the start. Each step of n > 1
//   rows moves the running statistics, which begin at 0 and 1, a tenth of the way to its mean and to
//   variance n / (n - 1), so to the unbiased one. Everywhere else, and in a step of one row, mean and variance are the
//   running ones: then they are constants, and the means over rows in dL/dz are 0.
//
// Sums over the rows of a batch begin with 0 and add the rows in their order: plainly, squares by fused multiply-add.
//
// Each function is about one neuron per lane.
//
// Tests: tests/engine/test_contract.py, tests/engine/test_batch_normalization.py
#pragma once

#include <cstdint>

#include "../simd/lanes.hpp"
#include "normalization.hpp"

namespace creche::CRECHE_LEVEL {

// Of PyTorch's BatchNorm1d.
inline constexpr double kRunningMomentum = 0.1;

// What a batch with statistics of its own has of each neuron: rows of a matrix.
inline constexpr std::int64_t kBatchMeanRow = 0, kBatchVarianceRow = 1, kGradientMeanRow = 2, kProductMeanRow = 3,
                              kBatchStatistics = 4;

// The numbers of neurons in all rows, one row `stride` numbers after the other.
template <class V>
struct RowsOfNeurons {
  typename V::Scalar* data;
  std::int64_t stride;

  CRECHE_INLINE V load(std::int64_t r) const { return V::load(data + r * stride); }
  CRECHE_INLINE void store(std::int64_t r, V value) const { value.store(data + r * stride); }
};

template <class V>
struct MeanAndVariance {
  V mean, variance;
};

// What it takes to normalize.
template <class V>
struct NormalizedNeurons {
  V mean, inverse, gain;

  NormalizedNeurons(const MeanAndVariance<V>& of, V gain_of)
      : mean(of.mean),
        inverse(V(typename V::Scalar(1)) / sqrt(of.variance + V(typename V::Scalar(kVarianceEpsilon)))),
        gain(gain_of) {}
};

template <class V>
CRECHE_INLINE MeanAndVariance<V> batch_statistics(const RowsOfNeurons<V>& z, std::int64_t rows) {
  using T = typename V::Scalar;
  const V per_row(T(1) / static_cast<T>(rows));
  V sum(T(0)), squares(T(0));
  for (std::int64_t r = 0; r < rows; ++r) sum += z.load(r);
  const V mean = sum * per_row;
  for (std::int64_t r = 0; r < rows; ++r) {
    const V centered = z.load(r) - mean;
    squares = fma(centered, centered, squares);
  }
  return {mean, squares * per_row};
}

// The running statistics after a step of `rows` rows.
template <class V>
CRECHE_INLINE MeanAndVariance<V> moved_statistics(const MeanAndVariance<V>& running, const MeanAndVariance<V>& batch,
                                                  std::int64_t rows) {
  using T = typename V::Scalar;
  const V momentum(static_cast<T>(kRunningMomentum)), unbiased(static_cast<T>(rows) / static_cast<T>(rows - 1));
  return {fma(momentum, batch.mean - running.mean, running.mean),
          fma(momentum, batch.variance * unbiased - running.variance, running.variance)};
}

// z becomes p; h, unless its data is null, receives what is normalized.
template <class V>
CRECHE_INLINE void normalize_neurons(const NormalizedNeurons<V>& of, V shift, std::int64_t begin, std::int64_t end,
                                     const RowsOfNeurons<V>& z, const RowsOfNeurons<V>& h) {
  for (std::int64_t r = begin; r < end; ++r) {
    const V normalized = (z.load(r) - of.mean) * of.inverse;
    if (h.data != nullptr) h.store(r, normalized);
    z.store(r, fma(of.gain, normalized, shift));
  }
}

// The means of p' and of p' h over the rows.
template <class V>
struct GradientMeans {
  V gradient{typename V::Scalar(0)}, product{typename V::Scalar(0)};
};

template <class V>
CRECHE_INLINE GradientMeans<V> gradient_means(const RowsOfNeurons<V>& p, const RowsOfNeurons<V>& h, std::int64_t rows) {
  using T = typename V::Scalar;
  const V per_row(T(1) / static_cast<T>(rows));
  GradientMeans<V> sums;
  for (std::int64_t r = 0; r < rows; ++r) {
    const V from = p.load(r);
    sums.gradient += from;
    sums.product += from * h.load(r);
  }
  return {sums.gradient * per_row, sums.product * per_row};
}

// p holds p' and becomes dL/dz; h becomes each row's term of dL/dg, and shifts, which receives p', that of dL/dc.
template <class V>
CRECHE_INLINE void normalize_neurons_backward(const NormalizedNeurons<V>& of, const GradientMeans<V>& means,
                                              std::int64_t begin, std::int64_t end, const RowsOfNeurons<V>& p,
                                              const RowsOfNeurons<V>& h, const RowsOfNeurons<V>& shifts) {
  const V scale = of.gain * of.inverse;
  for (std::int64_t r = begin; r < end; ++r) {
    const V from = p.load(r), normalized = h.load(r);
    shifts.store(r, from);
    h.store(r, from * normalized);
    p.store(r, scale * fma(-normalized, means.product, from - means.gradient));
  }
}

}  // namespace creche::CRECHE_LEVEL
