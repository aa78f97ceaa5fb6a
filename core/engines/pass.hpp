// A forward and a backward pass of a table as one batch, outside of training and without dropout, with access to
// everything that a step computes on the way.
#pragma once

#include <cstdint>

#include "aligned.hpp"
#include "engines/evaluator.hpp"
#include "gemm/product.hpp"
#include "layers/batch.hpp"
#include "network.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
class Pass {
 public:
  // Runs the forward pass: with the running statistics, or, as a training step, with those of the table. All arguments
  // but the last must outlive the pass.
  Pass(const Plan& plan, const Network<T>& network, const Rows<T>& table, const CustomLoss<T>* custom_loss = nullptr,
       bool is_normalized = false);

  // The backward pass from the loss.
  Evaluation backward_from_loss();

  // The backward pass from directions (rows, outputs): gradients are those of the sum of all outputs times their
  // directions. The outputs of an ensemble of submodels are those of the mean prediction.
  void backward_from_directions(const T* directions);

  const T* losses() const { return batch_.losses(); }
  PanelMatrix<T> activations(std::int64_t l) const { return batch_.layer(l).outputs; }
  PanelMatrix<T> dloss_dz(std::int64_t l) const { return batch_.layer(l).dloss_dz; }

  // How many rows the matrices of a pass have, and the first of a submodel's.
  std::int64_t rows() const { return plan_.submodels == 1 ? rows_.count : plan_.submodels * rows_.stride(); }
  std::int64_t first_row(std::int64_t submodel) const { return submodel * rows_.stride(); }

  // The weighted sums of layer l, before its activation. out: a matrix of rows() and the layer's outputs.
  void pre_activations(std::int64_t l, PanelMatrix<T> out) const;

  // Writes the statistics that batch normalization takes in the pass to the rows of the running ones, in an arena with
  // the layout of the weights. Evaluated with these, a table has the numbers of the pass.
  void statistics(const AlignedArray<T>& out) const;

  // The gradient of all weights, in an arena with the layout of the weights: the sum of those of the shards.
  void gradients(const AlignedArray<T>& out) const;

  // The gradient of the columns of the table. out: a matrix of the table's rows and these.
  void input_gradients(PanelMatrix<T> out) const;

 private:
  void gradients_of(RowRange rows, const AlignedArray<T>& out) const;

  const Plan& plan_;
  const Network<T>& network_;
  const Rows<T>& table_;
  bool has_custom_loss_;
  BatchRows rows_;
  Batch<T> batch_;
};

}  // namespace creche::CRECHE_LEVEL
