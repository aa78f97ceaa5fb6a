#include "layers/batch_statistics.hpp"

#include "layers/batch_normalization.hpp"
#include "precisions.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

template <class T>
RowsOfNeurons<Vec<T, kNativeLanes<T>>> neurons_of(const PanelMatrix<T>& matrix, std::int64_t panel, int first) {
  return {matrix.data == nullptr ? nullptr : matrix.at(panel, 0) + first, kPanel};
}

// Calls f(neurons, shift, means, of) for each vector of neurons: what normalizes them and their gradients, and their
// numbers of(matrix) in a matrix of the batch.
template <class T, class F>
void each_normalized(const LayerFunctions<T>& layer, const Network<T>& network, const LayerRows<T>& rows, const F& f) {
  using V = Vec<T, kNativeLanes<T>>;
  const PanelMatrix<T> block = block_view(network.weights.data(), network.shape.blocks[*layer.shape.normalization]);
  const bool is_running = rows.statistics.data == nullptr;
  const PanelMatrix<T>& of = is_running ? block : rows.statistics;
  for (std::int64_t panel = 0; panel < block.panels(); ++panel) {
    for (int i = 0; i < kPanel; i += V::kLanes) {
      const auto row = [&](const PanelMatrix<T>& matrix, std::int64_t r) { return V::load(matrix.at(panel, r) + i); };
      const MeanAndVariance<V> statistics{row(of, is_running ? kRunningMeanRow : kBatchMeanRow),
                                          row(of, is_running ? kRunningVarianceRow : kBatchVarianceRow)};
      GradientMeans<V> means;
      if (!is_running) means = {row(of, kGradientMeanRow), row(of, kProductMeanRow)};
      f(NormalizedNeurons<V>(statistics, row(block, kGainRow)), row(block, kShiftRow), means,
        [&](const PanelMatrix<T>& matrix) { return neurons_of(matrix, panel, i); });
    }
  }
}

}  // namespace

template <class T>
void normalize_by_batch(const LayerFunctions<T>& layer, const Network<T>& network, const LayerRows<T>& rows,
                        std::int64_t row_begin, std::int64_t row_end) {
  each_normalized(layer, network, rows, [&](const auto& neurons, auto shift, const auto&, const auto& of) {
    normalize_neurons(neurons, shift, row_begin, row_end, of(rows.outputs), of(rows.normalized));
  });
}

template <class T>
void normalize_by_batch_backward(const LayerFunctions<T>& layer, const Network<T>& network, const LayerRows<T>& rows,
                                 std::int64_t row_begin, std::int64_t row_end) {
  each_normalized(layer, network, rows, [&](const auto& neurons, auto, const auto& means, const auto& of) {
    normalize_neurons_backward(neurons, means, row_begin, row_end, of(rows.dloss_dz), of(rows.normalized),
                               of(rows.shift_terms));
  });
}

template <class T>
void take_statistics(const LayerRows<T>& rows, std::int64_t count, std::int64_t panel) {
  using V = Vec<T, kNativeLanes<T>>;
  for (int i = 0; i < kPanel; i += V::kLanes) {
    const MeanAndVariance<V> found = batch_statistics(neurons_of(rows.outputs, panel, i), count);
    found.mean.store(rows.statistics.at(panel, kBatchMeanRow) + i);
    found.variance.store(rows.statistics.at(panel, kBatchVarianceRow) + i);
  }
}

template <class T>
void take_gradient_statistics(const LayerRows<T>& rows, std::int64_t count, std::int64_t panel) {
  using V = Vec<T, kNativeLanes<T>>;
  for (int i = 0; i < kPanel; i += V::kLanes) {
    const GradientMeans<V> found =
        gradient_means(neurons_of(rows.dloss_dz, panel, i), neurons_of(rows.normalized, panel, i), count);
    found.gradient.store(rows.statistics.at(panel, kGradientMeanRow) + i);
    found.product.store(rows.statistics.at(panel, kProductMeanRow) + i);
  }
}

template <class T>
void move_running_statistics(const Network<T>& network, const LayerShape& layer, const LayerRows<T>& rows,
                             std::int64_t count) {
  using V = Vec<T, kNativeLanes<T>>;
  const PanelMatrix<T> block = block_view(network.weights.data(), network.shape.blocks[*layer.normalization]);
  for (std::int64_t panel = 0; panel < block.panels(); ++panel) {
    for (int i = 0; i < kPanel; i += V::kLanes) {
      const auto row = [&](const PanelMatrix<T>& matrix, std::int64_t r) { return V::load(matrix.at(panel, r) + i); };
      const MeanAndVariance<V> moved =
          moved_statistics<V>({row(block, kRunningMeanRow), row(block, kRunningVarianceRow)},
                              {row(rows.statistics, kBatchMeanRow), row(rows.statistics, kBatchVarianceRow)}, count);
      moved.mean.store(block.at(panel, kRunningMeanRow) + i);
      moved.variance.store(block.at(panel, kRunningVarianceRow) + i);
    }
  }
}

#define INSTANTIATE(T)                                                                                                \
  template void normalize_by_batch<T>(const LayerFunctions<T>&, const Network<T>&, const LayerRows<T>&, std::int64_t, \
                                      std::int64_t);                                                                  \
  template void normalize_by_batch_backward<T>(const LayerFunctions<T>&, const Network<T>&, const LayerRows<T>&,      \
                                               std::int64_t, std::int64_t);                                           \
  template void take_statistics<T>(const LayerRows<T>&, std::int64_t, std::int64_t);                                  \
  template void take_gradient_statistics<T>(const LayerRows<T>&, std::int64_t, std::int64_t);                         \
  template void move_running_statistics<T>(const Network<T>&, const LayerShape&, const LayerRows<T>&, std::int64_t);
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
