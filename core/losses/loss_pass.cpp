#include "losses/loss_pass.hpp"

#include "losses/all.hpp"
#include "losses/row_metric.hpp"
#include "precisions.hpp"
#include "simd/transpose.hpp"

namespace creche::CRECHE_LEVEL {

namespace detail {

// lanes[c] lane r = matrix(row + r, c) for all columns, including padding (possibly not all of it for a single panel).
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

// The inverse; overwrites lanes.
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

template <class T, class Loss>
void loss_pass(const LossPlan& plan, double label_smoothing, PanelMatrix<T> z, const Labels<T>& labels,
               std::int64_t row_begin, std::int64_t row_end, PanelMatrix<T> dloss_dz, LossResults<T> results,
               T* scratch) {
  using V = Vec<T, kNativeLanes<T>>;
  const int outputs = static_cast<int>(z.columns);
  const std::int64_t padded = z.panels() * kPanel;
  V* const z_lanes = reinterpret_cast<V*>(scratch);
  V* const gradient = z_lanes + padded;
  V* const targets = gradient + padded;
  V* const quantiles = targets + padded;
  const LossNumbers<V> numbers{V(static_cast<T>(label_smoothing)), V(static_cast<T>(plan.delta)), quantiles};
  if constexpr (Loss::kKind == LossKind::quantile)
    for (int c = 0; c < outputs; ++c) quantiles[c] = V(static_cast<T>(plan.quantile_of(c)));
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

#define INSTANTIATE(T)                                       \
  template LossPass<T> loss_pass_function<T>(LossKind kind); \
  template HeadPass<T> head_pass_function<T>(LossKind kind);
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
