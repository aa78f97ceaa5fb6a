// Everything one training step keeps about its batch, and the way of a range of its rows through the network and back.
//
// Ranges of rows are independent of each other: threads take one each. Only the gradient of the weights, which sums
// over all rows, waits for the whole batch.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "aligned.hpp"
#include "layers/layer.hpp"
#include "losses/custom_loss.hpp"
#include "losses/loss_pass.hpp"
#include "network.hpp"
#include "random/random.hpp"
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
  Batch(const Plan& plan, const NetworkShape& shape, std::int64_t capacity, const OutsideLoss<T>* outside = nullptr)
      : plan_(plan),
        loss_pass_(loss_pass_function<T>(plan.loss.kind)),
        outside_(outside, plan.loss.kind, capacity, shape.outputs()) {
    rows_ = staggered_rows(capacity);
    // Sizes first, then one array for all: the first pass hands out places in nothing.
    lay_out(plan, shape);
    storage_ = AlignedArray<T>(used_);
    used_ = 0;
    lay_out(plan, shape);
    for (const LayerPlan& layer : plan.layers) activate_.push_back(activate_function<T>(layer.activation));
  }

  // Copies the features and labels of rows row_begin ... row_end - 1 of the batch out of the table.
  void gather(const Rows<T>& table, const BatchRows& batch, std::int64_t row_begin, std::int64_t row_end) const {
    // Rows that all weigh nothing have no gradient.
    const double per_weight = batch.weight > 0 ? 1.0 / batch.weight : 0.0;
    const T unweighted = static_cast<T>(per_weight);
    for (std::int64_t r = row_begin; r < row_end; ++r) {
      const std::int64_t row = batch.row(r);
      copy_row(table.x + row * table.x_stride, plan_.inputs, inputs_.at(0, r), inputs_.panel_stride());
      if (table.classes != nullptr) {
        classes_[r] = static_cast<T>(table.classes[row]);
      } else if (table.targets != nullptr) {
        copy_row(table.targets + row * table.targets_stride, targets_.columns, targets_.at(0, r),
                 targets_.panel_stride());
      }
      scale_[r] = table.weights == nullptr ? unweighted : static_cast<T>(table.weight(row) * per_weight);
    }
  }

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

  void forward(const Network<T>& network, const BatchRows& batch, std::int64_t row_begin, std::int64_t row_end) const {
    const PanelMatrix<T>* left = &inputs_;
    for (std::size_t l = 0; l < values_.size(); ++l) {
      layer_forward(plan_.layers[l], activate_[l], Operand<T>{left->data, left->panel_stride()}, row_begin, row_end,
                    network.layer_weights(l), values_[l], derivatives_[l]);
      if (plan_.layers[l].dropout > 0) {
        if (batch.dropout) drop(batch, l, row_begin, row_end);
      }
      left = &values_[l];
    }
  }

  // row_begin is a multiple of 16. True if every loss is finite.
  bool loss(std::int64_t row_begin, std::int64_t row_end, T* scratch) const {
    const Labels<T> labels{classes_, targets_, scale_};
    loss_pass_(plan_.loss, values_.back(), labels, row_begin, row_end, dloss_dz_.back(), {loss_, metric_}, scratch);
    return losses_are_finite(row_begin, row_end);
  }

  // The same by the function from outside, for all `count` rows of the batch. False if that failed.
  bool outside_loss(std::int64_t count, T* scratch) const {
    const Labels<T> labels{classes_, targets_, scale_};
    loss_pass_(plan_.loss, values_.back(), labels, 0, count, PanelMatrix<T>{}, {loss_, metric_}, scratch);
    return outside_(values_.back(), labels, count, dloss_dz_.back(), loss_);
  }

  bool losses_are_finite(std::int64_t row_begin, std::int64_t row_end) const {
    bool finite = true;
    for (std::int64_t r = row_begin; r < row_end; ++r) finite &= std::abs(loss_[r]) <= std::numeric_limits<T>::max();
    return finite;
  }

  void backward(const Network<T>& network, std::int64_t row_begin, std::int64_t row_end) const {
    output_activation_backward(row_begin, row_end);
    for (std::size_t l = values_.size() - 1; l > 0; --l) {
      layer_backward(plan_.layers[l - 1], dloss_dz_[l], row_begin, row_end, network.layer_transposed(l), values_[l - 1],
                     derivatives_[l - 1], dloss_dz_[l - 1]);
    }
  }

  // The left and the right matrix of the gradient of layer l's weights.
  PanelMatrix<T> layer_inputs(std::int64_t l) const { return l == 0 ? inputs_ : values_[l - 1]; }
  PanelMatrix<T> layer_values(std::int64_t l) const { return values_[l]; }
  PanelMatrix<T> dloss_dz(std::int64_t l) const { return dloss_dz_[l]; }
  const T* losses() const { return loss_; }
  const T* metrics() const { return metric_; }

 private:
  void lay_out(const Plan& plan, const NetworkShape& shape) {
    values_.clear();
    derivatives_.clear();
    dloss_dz_.clear();
    inputs_ = matrix(plan.inputs);
    for (const LayerPlan& layer : plan.layers) {
      values_.push_back(matrix(layer.width));
      dloss_dz_.push_back(matrix(layer.width));
      derivatives_.push_back(keeps_derivative(layer) ? matrix(layer.width) : PanelMatrix<T>{});
    }
    targets_ = matrix(shape.outputs());
    classes_ = matrix(1).data;
    scale_ = matrix(1).data;
    loss_ = matrix(1).data;
    metric_ = matrix(1).data;
  }

  PanelMatrix<T> matrix(std::int64_t columns) {
    T* const at = storage_.size() > 0 ? storage_.data() + used_ : nullptr;
    used_ += panels_of(columns) * kPanel * rows_;
    return {at, rows_, columns};
  }

  // Each activation of layer l is dropped with probability p, or else divided by 1 - p; f' likewise (Srivastava et al.
  // 2014, in the "inverted" form that leaves nothing to do when predicting).
  void drop(const BatchRows& batch, std::size_t l, std::int64_t row_begin, std::int64_t row_end) const {
    const double p = plan_.layers[l].dropout;
    const T kept = static_cast<T>(1.0 / (1.0 - p));
    const std::uint32_t threshold = static_cast<std::uint32_t>(p * 4294967296.0);
    for (std::int64_t panel = 0; panel < values_[l].panels(); ++panel) {
      for (std::int64_t r = row_begin; r < row_end; ++r) {
        std::uint32_t words[kPanel];
        dropout_words(batch.seed, batch.epoch, static_cast<std::uint32_t>(batch.begin + r),
                      static_cast<std::uint32_t>(l), static_cast<std::uint32_t>(panel), words);
        T* const value = values_[l].at(panel, r);
        T* const derivative = derivatives_[l].at(panel, r);
        for (int i = 0; i < kPanel; ++i) {
          const T factor = words[i] >= threshold ? kept : T(0);
          value[i] *= factor;
          derivative[i] *= factor;
        }
      }
    }
  }

  // An output layer with an activation of its own: the loss's gradient is with respect to its values.
  void output_activation_backward(std::int64_t row_begin, std::int64_t row_end) const {
    const std::size_t l = values_.size() - 1;
    const LayerPlan& layer = plan_.layers[l];
    if (layer.activation == ActivationKind::identity && layer.dropout == 0) return;
    for (std::int64_t panel = 0; panel < values_[l].panels(); ++panel) {
      for (std::int64_t r = row_begin; r < row_end; ++r) {
        T* const gradient = dloss_dz_[l].at(panel, r);
        const T* const value = values_[l].at(panel, r);
        const T* const derivative = derivatives_[l].data == nullptr ? nullptr : derivatives_[l].at(panel, r);
        for (int i = 0; i < kPanel; ++i)
          gradient[i] = derivative != nullptr ? gradient[i] * derivative[i] : value[i] > T(0) ? gradient[i] : T(0);
      }
    }
  }

  Plan plan_;
  LossPass<T> loss_pass_;
  OutsidePass<T> outside_;
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
