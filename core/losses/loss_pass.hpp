// The loss of a range of rows, its gradient and the metric. Rows are transposed into lanes, so that each loss is
// written once, for one row per lane.
#pragma once

#include <cstdint>

#include "gemm/panel.hpp"
#include "losses/numbers.hpp"
#include "losses/row_metric.hpp"
#include "plan.hpp"
#include "simd/transpose.hpp"

namespace creche::CRECHE_LEVEL {

// The labels of the rows of a batch or of a block of an evaluation; row r of each array belongs to row r of the
// outputs. All arrays have space for a multiple of 16 rows.
template <class T>
struct Labels {
  const T* classes = nullptr;  // class losses: the class as a number
  PanelMatrix<T> targets;      // the others; columns = outputs
  const T* scale = nullptr;    // factor of each row's gradient: weight / sum of the batch's weights
};

template <class T>
struct LossResults {
  T* loss = nullptr;    // of each row, unweighted
  T* metric = nullptr;  // of each row: 1 or 0 (the class is right), else the mean over the outputs of the squared error
};

// label_smoothing: of these rows, in place of the plan's, which may follow a schedule. z: the weighted sums of the
// output layer. dloss_dz: the gradient, of the same shape; its data is null if only the loss is needed. scratch:
// lane_scratch_size() numbers.
template <class T>
using LossPass = void (*)(const LossPlan& plan, double label_smoothing, PanelMatrix<T> z, const Labels<T>& labels,
                          std::int64_t row_begin, std::int64_t row_end, PanelMatrix<T> dloss_dz, LossResults<T> results,
                          T* scratch);

// out(r, :) = the head of z(r, :): probabilities, or the predictions of the loss's kind.
template <class T>
using HeadPass = void (*)(PanelMatrix<T> z, std::int64_t row_begin, std::int64_t row_end, PanelMatrix<T> out,
                          T* scratch);

// out(r, :) = the weighted sums whose prediction is the mean of the submodels' predictions (mean_prediction.hpp), from
// those in rows m stride + r of z, where m is the number of a submodel. scratch: mean_scratch_size() numbers.
template <class T>
using MeanPass = void (*)(PanelMatrix<T> z, std::int64_t submodels, std::int64_t stride, std::int64_t row_begin,
                          std::int64_t row_end, PanelMatrix<T> out, T* scratch);

// From the gradient of the mean, slopes, to that of z, with its rows.
template <class T>
using MeanBackwardPass = void (*)(PanelMatrix<T> z, std::int64_t submodels, std::int64_t stride, std::int64_t rows,
                                  const T* slopes, PanelMatrix<T> out);

template <class T>
std::int64_t lane_scratch_size(std::int64_t outputs) {
  return 4 * panel_count(outputs) * kPanel * kNativeLanes<T>;
}

template <class T>
std::int64_t mean_scratch_size(std::int64_t outputs, std::int64_t submodels) {
  return (submodels + 2) * panel_count(outputs) * kPanel * kNativeLanes<T>;
}

template <class T>
LossPass<T> loss_pass_function(LossKind kind);

template <class T>
HeadPass<T> head_pass_function(LossKind kind);

template <class T>
MeanPass<T> mean_pass_function(LossKind kind);

template <class T>
MeanBackwardPass<T> mean_backward_pass_function(LossKind kind);

}  // namespace creche::CRECHE_LEVEL
