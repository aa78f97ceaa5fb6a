// Everything one training step keeps about its batch, and the way of a range of its rows through the network and back.
//
// Ranges of rows are independent of each other: threads take one each. Only the gradient of the weights, which sums
// over all rows, waits for the whole batch.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "aligned.hpp"
#include "layers/layer.hpp"
#include "losses/custom_loss.hpp"
#include "losses/loss_pass.hpp"
#include "network.hpp"
#include "rows.hpp"

namespace creche::CRECHE_LEVEL {

// Which rows of the table make up a batch, and where it stands in the run (dropout is a function of that).
struct BatchRows {
  const std::int32_t* order = nullptr;  // the epoch's order of rows; null: as they stand in the table
  std::int64_t begin = 0;               // position in the epoch of the batch's first row
  std::int64_t count = 0;
  std::int64_t prefetch_end = 0;  // positions below this may be fetched ahead of time
  double weight = 0;              // sum of the rows' weights
  bool dropout = false;
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0;

  std::int64_t row(std::int64_t r) const { return order != nullptr ? order[begin + r] : begin + r; }
};

template <class T>
class Batch {
 public:
  // outside, if not null, must outlive the batch.
  Batch(const Plan& plan, const NetworkShape& shape, std::int64_t capacity, const CustomLoss<T>* custom_loss = nullptr);

  // Copies the features and labels of rows row_begin ... row_end - 1 of the batch out of the table.
  void gather(const Rows<T>& table, const BatchRows& batch, std::int64_t row_begin, std::int64_t row_end) const;

  // Asks for the features of the rows that follow the batch, as many as row_begin ... row_end - 1 are; they come while
  // something else is worked on.
  void prefetch_next(const Rows<T>& table, const BatchRows& batch, std::int64_t row_begin, std::int64_t row_end) const {
    const std::int64_t end = std::min(batch.begin + batch.count + row_end, batch.prefetch_end);
    for (std::int64_t p = batch.begin + batch.count + row_begin; p < end; ++p) {
      const T* const x = table.x + batch.order[p] * table.x_stride;
      constexpr std::int64_t kPerLine = 64 / sizeof(T);
      for (std::int64_t i = 0; i < plan_.inputs; i += kPerLine) __builtin_prefetch(x + i, 0, 2);
    }
  }

  void forward(const Network<T>& network, const BatchRows& batch, std::int64_t row_begin, std::int64_t row_end) const;

  // row_begin is a multiple of 16. True if every loss is finite.
  bool loss(std::int64_t row_begin, std::int64_t row_end, T* scratch) const;

  // The same by the function from outside, for all `count` rows of the batch. False if that failed.
  bool custom_loss(std::int64_t count, T* scratch) const;

  bool losses_are_finite(std::int64_t row_begin, std::int64_t row_end) const;

  void backward(const Network<T>& network, std::int64_t row_begin, std::int64_t row_end) const;

  // The left and the right matrix of the gradient of layer l's weights.
  PanelMatrix<T> layer_inputs(std::int64_t l) const { return l == 0 ? inputs_ : values_[l - 1]; }
  PanelMatrix<T> layer_values(std::int64_t l) const { return values_[l]; }
  PanelMatrix<T> dloss_dz(std::int64_t l) const { return dloss_dz_[l]; }
  const T* losses() const { return loss_; }
  const T* metrics() const { return metric_; }

 private:
  void lay_out(const Plan& plan, const NetworkShape& shape);

  PanelMatrix<T> matrix(std::int64_t columns);

  // Each activation of layer l is dropped with probability p, or else divided by 1 - p; f' likewise (Srivastava et al.
  // 2014, in the "inverted" form that leaves nothing to do when predicting).
  void drop(const BatchRows& batch, std::size_t l, std::int64_t row_begin, std::int64_t row_end) const;

  // An output layer with an activation of its own: the loss's gradient is with respect to its values.
  void output_activation_backward(std::int64_t row_begin, std::int64_t row_end) const;

  Plan plan_;
  LossPass<T> loss_pass_;
  CustomLossPass<T> custom_loss_;
  std::int64_t rows_;
  AlignedArray<T> storage_;
  std::int64_t used_ = 0;
  PanelMatrix<T> inputs_, targets_;
  std::vector<PanelMatrix<T>> values_, derivatives_, dloss_dz_;
  std::vector<Activate<T>> activate_;
  T* classes_;
  T* scale_;
  T* loss_;
  T* metric_;
};

}  // namespace creche::CRECHE_LEVEL
