// Forward only: the outputs, predictions, loss and metric of any number of rows, a block of rows at a time.
//
// A thread keeps two matrices that take turns being input and output of a layer, small enough for its own cache; so the
// memory needed does not grow with the number of rows.
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

template <class T>
class Evaluator {
 public:
  static constexpr std::int64_t kBlock = 64;

  // outside, if not null, must outlive the evaluator.
  Evaluator(const Plan& plan, const NetworkShape& shape, int threads, const CustomLoss<T>* custom_loss = nullptr);

  static std::int64_t blocks(std::int64_t rows) { return (rows + kBlock - 1) / kBlock; }

  // out, a (rows, outputs) array row by row: after the head if `head`, before it if not.
  void predict(int thread, const Network<T>& network, const Rows<T>& table, std::int64_t block, bool head,
               T* out) const;

  // The activations after layer `layer`, to out, a (rows, width of the layer) array row by row.
  void layer_outputs(int thread, const Network<T>& network, const Rows<T>& table, std::int64_t block,
                     std::int64_t layer, T* out) const;

  // The loss and the metric of each row of a block, to loss[row] and metric[row]. False if a loss from outside failed.
  bool losses(int thread, const Network<T>& network, const Rows<T>& table, std::int64_t block, T* loss,
              T* metric) const;

  // losses() of every row, summed.
  static Evaluation summarize(LossKind kind, const Rows<T>& table, const T* loss, const T* metric);

 private:
  struct Scratch {
    AlignedArray<T> buffers[2];
    AlignedArray<T> lanes;
    AlignedArray<T> labels;  // classes, losses, metrics
    AlignedArray<T> targets;
    std::int64_t rows = 0;
    CustomLossPass<T> custom_loss;
  };

  // The activations after the first `layers` layers (after all: the weighted sums of the output layer), and a matrix of
  // the same size that is free.
  std::pair<PanelMatrix<T>, PanelMatrix<T>> forward(const Scratch& scratch, const Network<T>& network,
                                                    const Rows<T>& table, std::int64_t begin, std::int64_t count,
                                                    std::size_t layers) const;

  Plan plan_;
  HeadPass<T> head_;
  LossPass<T> loss_pass_;
  std::vector<Activate<T>> activate_;
  std::vector<Scratch> scratch_;
};

}  // namespace creche::CRECHE_LEVEL
