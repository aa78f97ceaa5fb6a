#include "layers/batch.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "layers/batch_normalization.hpp"
#include "layers/batch_statistics.hpp"
#include "precisions.hpp"
#include "random/random.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
Batch<T>::Batch(const Plan& plan, const NetworkShape& shape, std::int64_t capacity, const CustomLoss<T>* custom_loss,
                bool has_own_rows)
    : plan_(plan),
      shape_(shape),
      loss_pass_(loss_pass_function<T>(plan.loss.kind)),
      custom_loss_(custom_loss, plan.loss.kind, capacity, shape.outputs()),
      embedded_submodels_(has_own_rows ? plan.submodels : 1) {
  rows_ = staggered_rows(plan.submodels * panel_count(capacity) * kPanel);
  table_rows_ = has_own_rows ? rows_ : staggered_rows(capacity);
  // The first call computes sizes, the second assigns places in one array.
  lay_out(plan, shape);
  storage_ = AlignedArray<T>(used_);
  used_ = 0;
  lay_out(plan, shape);
  for (std::size_t l = 0; l < plan.layers.size(); ++l) {
    functions_.emplace_back(plan.layers[l], shape.layers[l], plan.rounds_products);
    if (shape.layers[l].normalizes_by_batch) stops_.push_back(l);
  }
}

template <class T>
void Batch<T>::gather(const Rows<T>& table, const BatchRows& batch, std::int64_t row_begin,
                      std::int64_t row_end) const {
  // If all rows have weight 0, there is no gradient.
  const double per_weight = batch.weight > 0 ? 1.0 / batch.weight : 0.0;
  const T unweighted = static_cast<T>(per_weight);
  for (std::int64_t m = 0; m < plan_.submodels; ++m) {
    for (std::int64_t r = row_begin; r < row_end; ++r) {
      const std::int64_t row = batch.row(r, m);
      const std::int64_t to = m * batch.stride() + r;
      if (m < embedded_submodels_)
        copy_row(table.x + row * table.x_stride, plan_.inputs, inputs_.at(0, to), inputs_.panel_stride());
      if (table.classes != nullptr) {
        classes_[to] = static_cast<T>(table.classes[row]);
      } else if (table.targets != nullptr) {
        copy_row(table.targets + row * table.targets_stride, targets_.columns, targets_.at(0, to),
                 targets_.panel_stride());
      }
      scale_[to] = table.weights == nullptr ? unweighted : static_cast<T>(table.weight(row) * per_weight);
    }
  }
}

template <class T>
std::pair<std::size_t, std::size_t> Batch<T>::layers_of(std::int64_t stage) const {
  const auto s = static_cast<std::size_t>(stage);
  return {s == 0 ? 0 : stops_[s - 1], s == stops_.size() ? layers_.size() - 1 : stops_[s]};
}

template <class T>
LayerRows<T> Batch<T>::rows_of(const BatchRows& batch, std::size_t l) const {
  LayerRows<T> rows = layers_[l];
  if (!batch.has_statistics()) rows.statistics.data = nullptr;
  return rows;
}

template <class T>
void Batch<T>::forward(const Network<T>& network, const BatchRows& batch) const {
  for (std::int64_t stage = 0; stage < stages(); ++stage) {
    forward(network, batch, stage, 0, batch.count);
    for (std::int64_t panel = 0; stage + 1 < stages() && panel < statistics_panels(stage); ++panel)
      take_statistics(batch, stage, panel);
  }
}

template <class T>
void Batch<T>::backward(const Network<T>& network, const BatchRows& batch) const {
  for (std::int64_t stage = stages() - 1; stage >= 0; --stage) {
    backward(network, batch, stage, 0, batch.count);
    for (std::int64_t panel = 0; stage > 0 && panel < statistics_panels(stage - 1); ++panel)
      take_gradient_statistics(batch, stage, panel);
  }
}

template <class T>
void Batch<T>::take_statistics(const BatchRows& batch, std::int64_t stage, std::int64_t panel) const {
  if (batch.has_statistics())
    creche::CRECHE_LEVEL::take_statistics(layers_[layers_of(stage).second], batch.count, panel);
}

template <class T>
void Batch<T>::take_gradient_statistics(const BatchRows& batch, std::int64_t stage, std::int64_t panel) const {
  if (batch.has_statistics())
    creche::CRECHE_LEVEL::take_gradient_statistics(layers_[layers_of(stage).first], batch.count, panel);
}

template <class T>
void Batch<T>::move_running_statistics(const Network<T>& network, const BatchRows& batch) const {
  if (!batch.has_statistics()) return;
  for (const std::size_t l : stops_)
    creche::CRECHE_LEVEL::move_running_statistics(network, shape_.layers[l], layers_[l], batch.count);
}

template <class T>
void Batch<T>::forward(const Network<T>& network, const BatchRows& batch, std::int64_t stage, std::int64_t row_begin,
                       std::int64_t row_end) const {
  if (stage == 0) take_inputs(network, batch, row_begin, row_end);
  const auto [first, last] = layers_of(stage);
  const bool stops = stage + 1 < stages();
  for (std::int64_t m = 0; m < plan_.submodels; ++m) {
    const std::int64_t begin = m * batch.stride() + row_begin, end = m * batch.stride() + row_end;
    for (std::size_t l = first; l <= last; ++l) {
      if (stage > 0 && l == first) {
        layer_from_sums(functions_[l], network, rows_of(batch, l), begin, end);
      } else if (stops && l == last) {
        layer_to_sums(functions_[l], network, layers_[l], begin, end, m);
        continue;
      } else {
        layer_forward(functions_[l], network, layers_[l], begin, end, m);
      }
      if (plan_.layers[l].dropout * batch.dropout > 0) drop(batch, l, begin, end, m);
      if (plan_.layers[l].residual) add_residual(layers_[l], begin, end);
    }
  }
}

// The inputs of the first layer, from the columns of the table.
template <class T>
void Batch<T>::take_inputs(const Network<T>& network, const BatchRows& batch, std::int64_t row_begin,
                           std::int64_t row_end) const {
  for (std::int64_t m = 0; m < embedded_submodels_ && !embeddings_.empty(); ++m)
    embed(shape_, network.weights.data(), inputs_, embeddings_, m * batch.stride() + row_begin,
          m * batch.stride() + row_end, embedded_);
  for (std::int64_t m = embedded_submodels_; m < plan_.submodels; ++m)
    for (std::int64_t panel = 0; panel < embedded_.panels(); ++panel)
      std::copy_n(embedded_.at(panel, row_begin), (row_end - row_begin) * kPanel,
                  embedded_.at(panel, m * batch.stride() + row_begin));
}

template <class T>
bool Batch<T>::loss(const BatchRows& batch, std::int64_t row_begin, std::int64_t row_end, T* scratch) const {
  const double label_smoothing = plan_.loss.label_smoothing * batch.label_smoothing;
  const Labels<T> labels{classes_, targets_, scale_};
  bool finite = true;
  for (std::int64_t m = 0; m < plan_.submodels; ++m) {
    const std::int64_t begin = m * batch.stride() + row_begin, end = m * batch.stride() + row_end;
    loss_pass_(plan_.loss, label_smoothing, layers_.back().outputs, labels, begin, end, layers_.back().dloss_dz,
               {loss_, metric_}, scratch);
    finite &= losses_are_finite(begin, end);
  }
  return finite;
}

template <class T>
bool Batch<T>::custom_loss(std::int64_t count, T* scratch) const {
  const Labels<T> labels{classes_, targets_, scale_};
  loss_pass_(plan_.loss, plan_.loss.label_smoothing, layers_.back().outputs, labels, 0, count, PanelMatrix<T>{},
             {loss_, metric_}, scratch);
  return custom_loss_(layers_.back().outputs, labels, count, layers_.back().dloss_dz, loss_);
}

template <class T>
bool Batch<T>::losses_are_finite(std::int64_t row_begin, std::int64_t row_end) const {
  bool finite = true;
  for (std::int64_t r = row_begin; r < row_end; ++r) finite &= std::abs(loss_[r]) <= std::numeric_limits<T>::max();
  return finite;
}

template <class T>
void Batch<T>::backward(const Network<T>& network, const BatchRows& batch, std::int64_t stage, std::int64_t row_begin,
                        std::int64_t row_end) const {
  const auto [first, last] = layers_of(stage);
  for (std::int64_t m = 0; m < plan_.submodels; ++m) {
    const std::int64_t begin = m * batch.stride() + row_begin, end = m * batch.stride() + row_end;
    if (stage + 1 < stages()) {
      outputs_backward_from_normalized(functions_[last], network, rows_of(batch, last), begin, end, m);
    } else {
      outputs_backward(functions_[last], network, layers_[last], begin, end, m);
    }
    for (std::size_t l = last; l > first; --l) {
      if (stage > 0 && l - 1 == first) {
        creche::CRECHE_LEVEL::inputs_backward(functions_[l], network, layers_[l], begin, end, layers_[first].dloss_dz,
                                              m);
        outputs_backward_to_normalized(functions_[first], layers_[first], begin, end);
      } else {
        layer_backward(functions_[l], functions_[l - 1], network, layers_[l], layers_[l - 1], begin, end, m);
      }
    }
    if (stage == 0 && below_.columns > 0)
      creche::CRECHE_LEVEL::inputs_backward(functions_.front(), network, layers_.front(), begin, end, below_, m);
  }
  if (stage > 0 || embeddings_.empty()) return;
  if (embedded_submodels_ == 1) add_submodels_below(batch, row_begin, row_end);
  for (std::int64_t m = 0; m < embedded_submodels_; ++m)
    embed_backward(shape_, network.weights.data(), below_, embeddings_, m * batch.stride() + row_begin,
                   m * batch.stride() + row_end);
}

// Adds the gradients of the first layer's inputs to those of the first submodel.
template <class T>
void Batch<T>::add_submodels_below(const BatchRows& batch, std::int64_t row_begin, std::int64_t row_end) const {
  using V = Vec<T, kNativeLanes<T>>;
  for (std::int64_t panel = 0; panel < below_.panels() && plan_.submodels > 1; ++panel) {
    T* const sums = below_.at(panel, row_begin);
    for (std::int64_t i = 0; i < (row_end - row_begin) * kPanel; i += V::kLanes) {
      V sum = V::load(sums + i);
      for (std::int64_t m = 1; m < plan_.submodels; ++m) sum += V::load(sums + m * batch.stride() * kPanel + i);
      sum.store(sums + i);
    }
  }
}

template <class T>
void Batch<T>::inputs_backward(const Network<T>& network, const BatchRows& batch, const PanelMatrix<T>& out) const {
  if (!embeddings_.empty())
    return embed_inputs_backward(shape_, network.weights.data(), below_, embeddings_, 0, batch.count, out);
  if (plan_.submodels == 1)
    return creche::CRECHE_LEVEL::inputs_backward(functions_.front(), network, layers_.front(), 0, batch.count, out);
  add_submodels_below(batch, 0, batch.count);
  for (std::int64_t panel = 0; panel < out.panels(); ++panel)
    std::copy_n(below_.at(panel, 0), batch.count * kPanel, out.at(panel, 0));
}

template <class T>
void Batch<T>::lay_out(const Plan& plan, const NetworkShape& shape) {
  layers_.clear();
  terms_.clear();
  inputs_ = matrix(plan.inputs, shape.embeddings.empty() ? rows_ : table_rows_);
  embedded_ = shape.embeddings.empty() ? inputs_ : matrix(shape.inputs());
  embeddings_ = lay_out_embeddings<T>(shape, [&](std::int64_t columns) { return matrix(columns, table_rows_); }, true);
  for (std::size_t l = 0; l < plan.layers.size(); ++l) lay_out_layer(plan.layers[l], shape.layers[l]);
  if (shape.passes_gradients_below(0) || plan.submodels > 1) below_ = matrix(shape.inputs());
  targets_ = matrix(shape.outputs());
  classes_ = matrix(1).data;
  scale_ = matrix(1).data;
  loss_ = matrix(1).data;
  metric_ = matrix(1).data;
}

template <class T>
void Batch<T>::lay_out_layer(const LayerPlan& plan, const LayerShape& shape) {
  LayerRows<T> rows;
  rows.inputs = layers_.empty() ? embedded_ : layers_.back().outputs;
  rows.outputs = matrix(shape.outputs);
  rows.dloss_dz = matrix(shape.outputs);
  if (keeps_derivative(plan)) rows.derivative = matrix(shape.outputs);
  if (plan.residual) rows.skipped = matrix(shape.outputs);
  const auto add_terms = [&](const MaybeBlock& block, std::int64_t row, std::int64_t columns) {
    terms_.push_back({*block, row, matrix(columns), kAllSubmodels});
    return terms_.back().terms;
  };
  // Of the first rows of a block, one for each submodel.
  const auto add_own_terms = [&](std::size_t block, const PanelMatrix<T>& terms) {
    for (std::int64_t m = 0; m < shape.submodels; ++m) terms_.push_back({block, m, terms, m});
    return terms;
  };
  if (shape.scale) {
    rows.scaled = matrix(shape.inputs);
    rows.scale_terms =
        shape.own_scale ? add_own_terms(*shape.scale, matrix(shape.inputs)) : add_terms(shape.scale, 0, shape.inputs);
  }
  if (shape.output_scale) {
    rows.output_scale_terms = add_own_terms(*shape.output_scale, matrix(shape.outputs));
    rows.bias_terms = matrix(shape.outputs);
  }
  if (shape.own_bias) add_own_terms(shape.block, shape.output_scale ? rows.bias_terms : rows.dloss_dz);
  if (shape.normalizes_by_batch) rows.statistics = matrix(shape.outputs, kBatchStatistics);
  if (shape.normalization) {
    if (!shape.normalizes_by_batch) rows.inverse = matrix(1).data;
    rows.shift_terms = add_terms(shape.normalization, kShiftRow, shape.outputs);
    rows.normalized = add_terms(shape.normalization, kGainRow, shape.outputs);
  }
  if (shape.slopes) rows.slope_terms = add_terms(shape.slopes, 0, shape.outputs);
  layers_.push_back(rows);
}

template <class T>
PanelMatrix<T> Batch<T>::matrix(std::int64_t columns, std::int64_t rows) {
  T* const at = storage_.size() > 0 ? storage_.data() + used_ : nullptr;
  used_ += panel_count(columns) * kPanel * rows;
  return {at, rows, columns};
}

namespace {

// kept where a word is at least the threshold, 0 elsewhere. Without a branch, which would be as random as the words.
template <class V>
CRECHE_INLINE V where_kept(const std::uint32_t* words, std::uint32_t threshold, typename V::Scalar kept) {
  using Words = typename RawVector<std::uint32_t, V::kLanes>::type;
  Words word;
  std::memcpy(&word, words, sizeof word);
  const auto is_kept = __builtin_convertvector(word >= Words{} + threshold, typename V::RawBits);
  return V::from_bits(is_kept & V(kept).bits());
}

}  // namespace

template <class T>
void Batch<T>::drop(const BatchRows& batch, std::size_t l, std::int64_t row_begin, std::int64_t row_end,
                    std::int64_t submodel) const {
  const std::int64_t position = batch.begin - submodel * batch.stride();
  const double p = plan_.layers[l].dropout * batch.dropout;
  const T kept = static_cast<T>(1.0 / (1.0 - p));
  const std::uint32_t threshold = static_cast<std::uint32_t>(p * 4294967296.0);
  const LayerRows<T>& rows = layers_[l];
  for (std::int64_t panel = 0; panel < rows.outputs.panels(); ++panel) {
    for (std::int64_t r = row_begin; r < row_end; r += 2) {
      std::uint32_t words[2 * kPanel];
      dropout_words_of_two(batch.seed, batch.epoch, static_cast<std::uint32_t>(position + r),
                           dropout_layer(static_cast<std::int64_t>(l), submodel), static_cast<std::uint32_t>(panel),
                           words);
      const int count = r + 1 < row_end ? 2 * kPanel : kPanel;  // the rows of a panel lie one after the other
      const auto multiply = [&](const PanelMatrix<T>& matrix) {
        using V = NativeVec<T>;
        T* const at = matrix.at(panel, r);
        for (int i = 0; i < count; i += V::kLanes)
          (V::load(at + i) * where_kept<V>(words + i, threshold, kept)).store(at + i);
      };
      multiply(rows.outputs);
      multiply(rows.derivative);
      if (rows.slope_terms.data != nullptr) multiply(rows.slope_terms);
    }
  }
}

#define INSTANTIATE(T) template class Batch<T>;
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
