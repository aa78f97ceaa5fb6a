// The metric of a row, one row per lane: whether the predicted class is correct, or the squared error.
#pragma once

#include <cmath>

#include "plan_parts.hpp"
#include "simd/lanes.hpp"

namespace creche::CRECHE_LEVEL {

// Whether the labels are classes, not numbers.
inline bool has_class_labels(LossKind kind) {
  return kind == LossKind::cross_entropy || kind == LossKind::squared_error_of_classes;
}

// The reported metric, from the mean of the rows' metrics: accuracy, or root mean squared error.
inline double metric_from_mean(LossKind kind, double mean) {
  const bool accuracy = has_class_labels(kind) || kind == LossKind::binary_cross_entropy;
  return accuracy ? mean : std::sqrt(mean);
}

namespace detail {

// 1 in the lanes where the greatest z (the first of equal ones) is that of the label, else 0.
template <class V>
V class_is_right(const V* z, V label, int outputs) {
  using T = typename V::Scalar;
  V greatest = z[0];
  V index(T(0));
  for (int c = 1; c < outputs; ++c) {
    const auto greater = z[c] > greatest;
    greatest = select(greater, z[c], greatest);
    index = select(greater, V(static_cast<T>(c)), index);
  }
  return select(index == label, V(T(1)), V(T(0)));
}

// The share of outputs whose probability is on the same side of one half as the target.
template <class V>
V sides_are_right(const V* z, const V* targets, int outputs) {
  using T = typename V::Scalar;
  V right(T(0));
  for (int c = 0; c < outputs; ++c) {
    const V predicted = select(z[c] > V(T(0)), V(T(1)), V(T(0)));
    const V truth = select(targets[c] > V(T(0.5)), V(T(1)), V(T(0)));
    right += select(predicted == truth, V(T(1)), V(T(0)));
  }
  return right / V(static_cast<T>(outputs));
}

template <class V>
V mean_squared(const V* predicted, const V* targets, int outputs) {
  using T = typename V::Scalar;
  V sum(T(0));
  for (int c = 0; c < outputs; ++c) {
    const V error = predicted[c] - targets[c];
    sum = fma(error, error, sum);
  }
  return sum / V(static_cast<T>(outputs));
}

template <class Loss, class V>
V row_metric(const V* z, const V* targets, V label, int outputs, V* scratch) {
  if constexpr (Loss::kClasses) {
    return class_is_right(z, label, outputs);
  } else if constexpr (Loss::kKind == LossKind::binary_cross_entropy) {
    return sides_are_right(z, targets, outputs);
  } else {
    Loss::predict(z, scratch, outputs);
    return mean_squared(scratch, targets, outputs);
  }
}

}  // namespace detail

}  // namespace creche::CRECHE_LEVEL
