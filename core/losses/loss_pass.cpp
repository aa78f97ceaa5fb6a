#include "losses/loss_pass.hpp"

#include <vector>

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

template <class T, class Loss>
void mean_pass(PanelMatrix<T> z, std::int64_t submodels, std::int64_t stride, std::int64_t row_begin,
               std::int64_t row_end, PanelMatrix<T> out, T* scratch) {
  using V = Vec<T, kNativeLanes<T>>;
  const std::int64_t padded = z.panels() * kPanel;
  V* const z_lanes = reinterpret_cast<V*>(scratch);
  V* const mean = z_lanes + submodels * padded;
  for (std::int64_t row = row_begin; row < row_end; row += V::kLanes) {
    for (std::int64_t m = 0; m < submodels; ++m) rows_to_lanes(z, m * stride + row, z_lanes + m * padded);
    Loss::Mean::apply(z_lanes, static_cast<int>(submodels), padded, static_cast<int>(z.columns), mean, mean + padded);
    for (std::int64_t c = z.columns; c < padded; ++c) mean[c] = V(T(0));
    lanes_to_rows(mean, row, out);
  }
}

template <class T, class Loss>
void mean_backward_pass(PanelMatrix<T> z, std::int64_t submodels, std::int64_t stride, std::int64_t rows,
                        const T* slopes, PanelMatrix<T> out) {
  using V = Vec<T, 1>;
  const std::int64_t outputs = z.columns;
  const auto all = static_cast<std::size_t>(submodels * outputs);
  std::vector<V> of_row(all), gradient(all), of_mean(static_cast<std::size_t>(outputs)), scratch(of_mean.size());
  for (std::int64_t r = 0; r < rows; ++r) {
    const auto each = [&](auto&& f) {
      for (std::int64_t m = 0; m < submodels; ++m)
        for (std::int64_t c = 0; c < outputs; ++c) f(m * stride + r, c, static_cast<std::size_t>(m * outputs + c));
    };
    each([&](std::int64_t row, std::int64_t c, std::size_t i) { of_row[i] = V(z.element(row, c)); });
    for (std::int64_t c = 0; c < outputs; ++c) of_mean[static_cast<std::size_t>(c)] = V(slopes[r * outputs + c]);
    Loss::Mean::backward(of_row.data(), static_cast<int>(submodels), outputs, static_cast<int>(outputs), of_mean.data(),
                         gradient.data(), scratch.data());
    each([&](std::int64_t row, std::int64_t c, std::size_t i) { out.element(row, c) = gradient[i].raw; });
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

template <class T>
MeanPass<T> mean_pass_function(LossKind kind) {
  return with_loss(kind, [](auto loss) -> MeanPass<T> { return detail::mean_pass<T, decltype(loss)>; });
}

template <class T>
MeanBackwardPass<T> mean_backward_pass_function(LossKind kind) {
  return with_loss(kind,
                   [](auto loss) -> MeanBackwardPass<T> { return detail::mean_backward_pass<T, decltype(loss)>; });
}

#define INSTANTIATE(T)                                       \
  template LossPass<T> loss_pass_function<T>(LossKind kind); \
  template HeadPass<T> head_pass_function<T>(LossKind kind); \
  template MeanPass<T> mean_pass_function<T>(LossKind kind); \
  template MeanBackwardPass<T> mean_backward_pass_function<T>(LossKind kind);
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
