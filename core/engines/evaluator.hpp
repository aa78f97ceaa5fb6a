// The forward pass alone: the outputs, predictions, loss and metric of any number of rows, one block of rows at a time.
//
// Of an ensemble of submodels it gives the mean prediction, and the loss and the metric of that.
//
// A thread has two matrices, which alternate as input and output of a layer and are small enough for its cache; the
// memory does not grow with the number of rows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "layers/batch.hpp"
#include "progress.hpp"
#include "threads.hpp"

namespace creche::CRECHE_LEVEL {

// Sums over rows in their order, from which the loss and the metric of all of them follow.
struct EvaluationSums {
  double loss = 0, weights = 0, metric = 0;
  std::int64_t rows = 0;

  // What `Evaluator::losses` wrote for each row.
  template <class T>
  void add(const Rows<T>& table, const T* losses, const T* metrics) {
    for (std::int64_t r = 0; r < table.count; ++r) {
      const double weight = table.weight(r);
      loss += weight * static_cast<double>(losses[r]);
      weights += weight;
      metric += static_cast<double>(metrics[r]);
    }
    rows += table.count;
  }

  Evaluation means(LossKind kind) const {
    return {loss / weights, metric_from_mean(kind, metric / static_cast<double>(rows))};
  }
};

template <class T>
class Evaluator {
 public:
  static constexpr std::int64_t kBlock = 64;

  // custom_loss, if not null, must outlive the evaluator.
  Evaluator(const Plan& plan, const NetworkShape& shape, int threads, const CustomLoss<T>* custom_loss = nullptr);

  static std::int64_t blocks(std::int64_t rows) { return (rows + kBlock - 1) / kBlock; }

  // Writes the outputs of a block to out, a (rows, outputs) array, row by row: after the head if `head`, else the
  // weighted sums.
  void predict(int thread, const Network<T>& network, const Rows<T>& table, std::int64_t block, bool head,
               T* out) const;

  // Writes the activations of a submodel after layer `layer` to out, a (rows, width of the layer) array, row by row.
  void layer_outputs(int thread, const Network<T>& network, const Rows<T>& table, std::int64_t block,
                     std::int64_t layer, std::int64_t submodel, T* out) const;

  // Writes the loss and the metric of each row of a block to loss[row] and metric[row]. False if the custom loss
  // failed.
  bool losses(int thread, const Network<T>& network, const Rows<T>& table, std::int64_t block, T* loss,
              T* metric) const;

  // The means of what losses() wrote for every row.
  static Evaluation summarize(LossKind kind, const Rows<T>& table, const T* loss, const T* metric);

 private:
  struct Scratch {
    AlignedArray<T> buffers[2];
    AlignedArray<T> scaled;     // the inputs of a layer times their scale
    AlignedArray<T> inputs;     // of the first layer, if there are several submodels
    AlignedArray<T> submodels;  // the weighted sums of the output layer, of one below those of the other
    AlignedArray<T> table;      // the columns of the table, if there are embeddings, and their matrices
    PanelMatrix<T> columns;
    std::vector<EmbeddingRows<T>> embeddings;
    AlignedArray<T> lanes;
    AlignedArray<T> labels;  // classes, losses, metrics
    AlignedArray<T> targets;
    std::int64_t rows = 0;
    CustomLossPass<T> custom_loss;
  };

  static void lay_out_columns(const Plan& plan, const NetworkShape& shape, std::int64_t rows, Scratch& scratch);

  using TwoMatrices = std::pair<PanelMatrix<T>, PanelMatrix<T>>;

  void take_inputs(const Scratch& scratch, const Network<T>& network, const Rows<T>& table, std::int64_t begin,
                   std::int64_t count) const;
  PanelMatrix<T> first_inputs(const Scratch& scratch, const Network<T>& network) const;

  // Returns the activations of a submodel, of the rows that take_inputs has taken, after the first `layers` layers (for
  // all layers: the weighted sums of the output layer), and a matrix of the same size that may be overwritten.
  TwoMatrices forward(const Scratch& scratch, const Network<T>& network, std::int64_t count, std::size_t layers,
                      std::int64_t submodel) const;
  // Likewise the weighted sums of the output layer: of all submodels, those of their mean prediction.
  TwoMatrices outputs(const Scratch& scratch, const Network<T>& network, const Rows<T>& table, std::int64_t begin,
                      std::int64_t count) const;

  Plan plan_;
  HeadPass<T> head_;
  LossPass<T> loss_pass_;
  MeanPass<T> mean_;
  std::vector<LayerFunctions<T>> functions_;
  std::vector<Scratch> scratch_;
};

}  // namespace creche::CRECHE_LEVEL
