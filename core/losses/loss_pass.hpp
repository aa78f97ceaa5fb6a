// The loss of a range of rows, its gradient and the metric: rows are turned into lanes, so that a loss is written once,
// for one row per lane.
#pragma once

#include <cmath>
#include <cstdint>

#include "gemm/panel.hpp"
#include "losses/all.hpp"
#include "plan.hpp"
#include "simd/transpose.hpp"

namespace creche::CRECHE_LEVEL {

// What is known of the rows of a batch (or of a block of an evaluation), row r of each belonging to row r of the
// outputs. All have room for the rows rounded up to a multiple of 16.
template <class T>
struct Labels {
  const T* classes = nullptr;  // class losses: the class as a number
  PanelMatrix<T> targets;      // the others; columns = outputs
  const T* scale = nullptr;    // what the gradient of each row is multiplied by: weight / sum of the batch's weights
};

template <class T>
struct LossResults {
  T* loss = nullptr;    // of each row, unweighted
  T* metric = nullptr;  // of each row: 1 or 0 (the class is right), else the mean over the outputs of the squared error
};

// Whether a row's label is a class, not numbers.
inline bool is_of_classes(LossKind kind) {
  return kind == LossKind::cross_entropy || kind == LossKind::squared_error_of_classes;
}

// The metric that people read, from the mean of the rows' metrics: accuracy, or root mean squared error.
inline double finished_metric(LossKind kind, double mean) {
  const bool accuracy = is_of_classes(kind) || kind == LossKind::binary_cross_entropy;
  return accuracy ? mean : std::sqrt(mean);
}

// z: the outputs' weighted sums. dloss_dz: as z; data is null if only the loss is asked for. scratch:
// lane_scratch_size().
template <class T>
using LossPass = void (*)(const LossPlan& plan, PanelMatrix<T> z, const Labels<T>& labels, std::int64_t row_begin,
                          std::int64_t row_end, PanelMatrix<T> dloss_dz, LossResults<T> results, T* scratch);

// out(r, :) = the head of z(r, :): probabilities, or whatever the loss is about.
template <class T>
using HeadPass = void (*)(PanelMatrix<T> z, std::int64_t row_begin, std::int64_t row_end, PanelMatrix<T> out,
                          T* scratch);

template <class T>
std::int64_t lane_scratch_size(std::int64_t outputs) {
  return 3 * panels_of(outputs) * kPanel * kNativeLanes<T>;
}

// 2^-80. A row that is learnt has a gradient that shrinks without end; carried on, it would drag every product of the
// way back into the subnormal numbers, on which x86 processors are a hundred times slower. NaN stays NaN.
inline constexpr double kFlushedGradient = 0x1p-80;

template <class V>
CRECHE_INLINE V flush_gradient(V x) {
  return select(abs(x) < V(static_cast<typename V::Scalar>(kFlushedGradient)), V(typename V::Scalar(0)), x);
}

namespace detail {

// lanes[c] lane r = matrix(row + r, c) for all columns, padding included (of one panel perhaps not all).
template <class V>
void rows_to_lanes(PanelMatrix<typename V::Scalar> matrix, std::int64_t row, V* lanes) {
  constexpr int n = V::kLanes;
  if constexpr (Quads<V>::kPossible) {
    if (matrix.columns <= 4) return Quads<V>::load(matrix.at(0, row), kPanel, lanes);
  }
  for (std::int64_t column = 0; column < matrix.panels() * kPanel; column += n) {
    for (int r = 0; r < n; ++r) lanes[column + r] = V::load(matrix.at(column / kPanel, row + r) + column % kPanel);
    transpose(lanes + column);
  }
}

// The other way; destroys lanes.
template <class V>
void lanes_to_rows(V* lanes, std::int64_t row, PanelMatrix<typename V::Scalar> matrix) {
  constexpr int n = V::kLanes;
  if constexpr (Quads<V>::kPossible) {
    if (matrix.columns <= 4) return Quads<V>::store_padded(lanes, matrix.at(0, row), kPanel);
  }
  for (std::int64_t column = 0; column < matrix.panels() * kPanel; column += n) {
    transpose(lanes + column);
    for (int r = 0; r < n; ++r) lanes[column + r].store(matrix.at(column / kPanel, row + r) + column % kPanel);
  }
}

// 1 where the greatest of z (the first, among equals) is the label's.
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

// The share of outputs whose probability lies on the target's side of one half.
template <class V>
V sides_are_right(const V* z, const V* targets, int outputs) {
  using T = typename V::Scalar;
  V right(T(0));
  for (int c = 0; c < outputs; ++c) {
    const V said = select(z[c] > V(T(0)), V(T(1)), V(T(0)));
    const V truth = select(targets[c] > V(T(0.5)), V(T(1)), V(T(0)));
    right += select(said == truth, V(T(1)), V(T(0)));
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

template <class T, class Loss>
void loss_pass(const LossPlan& plan, PanelMatrix<T> z, const Labels<T>& labels, std::int64_t row_begin,
               std::int64_t row_end, PanelMatrix<T> dloss_dz, LossResults<T> results, T* scratch) {
  using V = Vec<T, kNativeLanes<T>>;
  const int outputs = static_cast<int>(z.columns);
  const std::int64_t padded = z.panels() * kPanel;
  const LossNumbers<V> numbers{V(static_cast<T>(plan.label_smoothing)), V(static_cast<T>(plan.delta)),
                               V(static_cast<T>(plan.quantile))};
  V* const z_lanes = reinterpret_cast<V*>(scratch);
  V* const gradient = z_lanes + padded;
  V* const targets = gradient + padded;
  for (std::int64_t row = row_begin; row < row_end; row += V::kLanes) {
    rows_to_lanes(z, row, z_lanes);
    V label(T(0));
    if constexpr (Loss::kClasses) {
      label = V::load(labels.classes + row);
    } else {
      rows_to_lanes(labels.targets, row, targets);
    }
    row_metric<Loss>(z_lanes, targets, label, outputs, gradient).store(results.metric + row);
    if (dloss_dz.data == nullptr) {
      Loss::value(z_lanes, targets, label, gradient, outputs, numbers).store(results.loss + row);
      continue;
    }
    Loss::apply(z_lanes, targets, label, gradient, outputs, numbers).store(results.loss + row);
    const V scale = V::load(labels.scale + row);
    for (int c = 0; c < outputs; ++c) gradient[c] = flush_gradient(gradient[c] * scale);
    for (std::int64_t c = outputs; c < padded; ++c) gradient[c] = V(T(0));
    lanes_to_rows(gradient, row, dloss_dz);
  }
}

template <class T, class Loss>
void head_pass(PanelMatrix<T> z, std::int64_t row_begin, std::int64_t row_end, PanelMatrix<T> out, T* scratch) {
  using V = Vec<T, kNativeLanes<T>>;
  V* const z_lanes = reinterpret_cast<V*>(scratch);
  V* const predicted = z_lanes + z.panels() * kPanel;
  for (std::int64_t row = row_begin; row < row_end; row += V::kLanes) {
    rows_to_lanes(z, row, z_lanes);
    Loss::predict(z_lanes, predicted, static_cast<int>(z.columns));
    lanes_to_rows(predicted, row, out);
  }
}

}  // namespace detail

template <class T>
LossPass<T> loss_pass_function(LossKind kind) {
  return with_loss(kind, [](auto loss) -> LossPass<T> { return detail::loss_pass<T, decltype(loss)>; });
}

template <class T>
HeadPass<T> head_pass_function(LossKind kind) {
  return with_loss(kind, [](auto loss) -> HeadPass<T> { return detail::head_pass<T, decltype(loss)>; });
}

}  // namespace creche::CRECHE_LEVEL
