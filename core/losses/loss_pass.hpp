// The loss of a range of rows, its gradient and the metric: rows are turned into lanes, so that a loss is written once,
// for one row per lane.
#pragma once

#include <cmath>
#include <cstdint>

#include "gemm/panel.hpp"
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
inline bool has_class_labels(LossKind kind) {
  return kind == LossKind::cross_entropy || kind == LossKind::squared_error_of_classes;
}

// The metric that people read, from the mean of the rows' metrics: accuracy, or root mean squared error.
inline double metric_from_mean(LossKind kind, double mean) {
  const bool accuracy = has_class_labels(kind) || kind == LossKind::binary_cross_entropy;
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
  return 3 * panel_count(outputs) * kPanel * kNativeLanes<T>;
}

// 2^-80. A row that is learnt has a gradient that shrinks without end; carried on, it would drag every product of the
// way back into the subnormal numbers, on which x86 processors are a hundred times slower. NaN stays NaN.
inline constexpr double kFlushedGradient = 0x1p-80;

template <class V>
CRECHE_INLINE V flush_gradient(V x) {
  return select(abs(x) < V(static_cast<typename V::Scalar>(kFlushedGradient)), V(typename V::Scalar(0)), x);
}

template <class T>
LossPass<T> loss_pass_function(LossKind kind);

template <class T>
HeadPass<T> head_pass_function(LossKind kind);

}  // namespace creche::CRECHE_LEVEL
