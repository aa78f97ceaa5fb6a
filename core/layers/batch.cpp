#include "layers/batch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "precisions.hpp"
#include "random/random.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
Batch<T>::Batch(const Plan& plan, const NetworkShape& shape, std::int64_t capacity, const CustomLoss<T>* custom_loss)
    : plan_(plan),
      loss_pass_(loss_pass_function<T>(plan.loss.kind)),
      custom_loss_(custom_loss, plan.loss.kind, capacity, shape.outputs()) {
  rows_ = staggered_rows(capacity);
  // The first call computes sizes, the second assigns places in one array.
  lay_out(plan, shape);
  storage_ = AlignedArray<T>(used_);
  used_ = 0;
  lay_out(plan, shape);
  for (const LayerPlan& layer : plan.layers) activate_.push_back(activate_function<T>(layer.activation));
}

template <class T>
void Batch<T>::gather(const Rows<T>& table, const BatchRows& batch, std::int64_t row_begin,
                      std::int64_t row_end) const {
  // If all rows have weight 0, there is no gradient.
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

template <class T>
void Batch<T>::forward(const Network<T>& network, const BatchRows& batch, std::int64_t row_begin,
                       std::int64_t row_end) const {
  const PanelMatrix<T>* left = &inputs_;
  for (std::size_t l = 0; l < values_.size(); ++l) {
    layer_forward(plan_.layers[l], activate_[l], Operand<T>{left->data, left->panel_stride()}, row_begin, row_end,
                  network.layer_weights(l), values_[l], derivatives_[l]);
    if (plan_.layers[l].dropout * batch.dropout > 0) drop(batch, l, row_begin, row_end);
    left = &values_[l];
  }
}

template <class T>
bool Batch<T>::loss(const BatchRows& batch, std::int64_t row_begin, std::int64_t row_end, T* scratch) const {
  const double label_smoothing = plan_.loss.label_smoothing * batch.label_smoothing;
  const Labels<T> labels{classes_, targets_, scale_};
  loss_pass_(plan_.loss, label_smoothing, values_.back(), labels, row_begin, row_end, dloss_dz_.back(),
             {loss_, metric_}, scratch);
  return losses_are_finite(row_begin, row_end);
}

template <class T>
bool Batch<T>::custom_loss(std::int64_t count, T* scratch) const {
  const Labels<T> labels{classes_, targets_, scale_};
  loss_pass_(plan_.loss, plan_.loss.label_smoothing, values_.back(), labels, 0, count, PanelMatrix<T>{},
             {loss_, metric_}, scratch);
  return custom_loss_(values_.back(), labels, count, dloss_dz_.back(), loss_);
}

template <class T>
bool Batch<T>::losses_are_finite(std::int64_t row_begin, std::int64_t row_end) const {
  bool finite = true;
  for (std::int64_t r = row_begin; r < row_end; ++r) finite &= std::abs(loss_[r]) <= std::numeric_limits<T>::max();
  return finite;
}

template <class T>
void Batch<T>::backward(const Network<T>& network, std::int64_t row_begin, std::int64_t row_end) const {
  output_activation_backward(row_begin, row_end);
  for (std::size_t l = values_.size() - 1; l > 0; --l) {
    layer_backward(plan_.layers[l - 1], dloss_dz_[l], row_begin, row_end, network.layer_transposed(l), values_[l - 1],
                   derivatives_[l - 1], dloss_dz_[l - 1]);
  }
}

template <class T>
void Batch<T>::lay_out(const Plan& plan, const NetworkShape& shape) {
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

template <class T>
PanelMatrix<T> Batch<T>::matrix(std::int64_t columns) {
  T* const at = storage_.size() > 0 ? storage_.data() + used_ : nullptr;
  used_ += panel_count(columns) * kPanel * rows_;
  return {at, rows_, columns};
}

template <class T>
void Batch<T>::drop(const BatchRows& batch, std::size_t l, std::int64_t row_begin, std::int64_t row_end) const {
  const double p = plan_.layers[l].dropout * batch.dropout;
  const T kept = static_cast<T>(1.0 / (1.0 - p));
  const std::uint32_t threshold = static_cast<std::uint32_t>(p * 4294967296.0);
  for (std::int64_t panel = 0; panel < values_[l].panels(); ++panel) {
    for (std::int64_t r = row_begin; r < row_end; ++r) {
      std::uint32_t words[kPanel];
      dropout_words(batch.seed, batch.epoch, static_cast<std::uint32_t>(batch.begin + r), static_cast<std::uint32_t>(l),
                    static_cast<std::uint32_t>(panel), words);
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

template <class T>
void Batch<T>::output_activation_backward(std::int64_t row_begin, std::int64_t row_end) const {
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

#define INSTANTIATE(T) template class Batch<T>;
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
