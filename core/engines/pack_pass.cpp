#include "engines/pack_pass.hpp"

#include <algorithm>

#include "layers/batch_normalization.hpp"
#include "layers/lane_products.hpp"
#include "layers/layer.hpp"
#include "precisions.hpp"
#include "random/random.hpp"
#include "simd/double_sums.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

// Few enough for the second-level cache, and enough to make the cost of the gradients, which are loaded and stored once
// per block, negligible.
constexpr std::int64_t kRowsPerBlock = 32;

}  // namespace

template <class T>
PackPass<T>::PackPass(const Plan& plan, const NetworkShape& shape, const PackRows<T>& rows, const PackLanes<T>& lanes,
                      AlignedArray<T>& weights, AlignedArray<T>& gradients)
    : plan_(plan),
      shape_(shape),
      rows_(rows),
      lanes_(lanes),
      weights_(weights),
      gradients_(gradients),
      embeds_once_(plan.submodels > 1 && !plan.own_batches),
      quantiles_(shape.outputs() * kLanes),
      loss_pass_(lane_loss_function<V>(plan.loss.kind)),
      mean_(lane_mean_function<V>(plan.loss.kind)) {
  for (std::size_t l = 0; l < plan_.layers.size(); ++l) {
    LaneLayer<V> layer(plan_.layers[l], shape_.layers[l], shape_);
    for (int i = 0; i < kLanes; ++i)
      layer.parameter.set_lane(
          i, static_cast<T>(lanes_[static_cast<std::size_t>(i)].member->plan.layers[l].activation_parameter));
    layers_.push_back(layer);
    normalizes_by_batch_ |= layer.shape.normalizes_by_batch;
  }
  loss_numbers_.quantiles = vectors(quantiles_);
  for (int i = 0; i < kLanes; ++i) {
    const LossPlan& loss = lanes_[static_cast<std::size_t>(i)].member->plan.loss;
    loss_numbers_.label_smoothing.set_lane(i, static_cast<T>(loss.label_smoothing));
    loss_numbers_.delta.set_lane(i, static_cast<T>(loss.delta));
    if (loss.kind == LossKind::quantile)
      for (std::int64_t c = 0; c < shape_.outputs(); ++c)
        quantiles_[c * kLanes + i] = static_cast<T>(loss.quantile_of(c));
  }
  step_loss_numbers_ = loss_numbers_;
  lay_out_block();
}

template <class T>
void PackPass<T>::lay_out_block() {
  const std::int64_t validation = rows_.count(true);
  const std::int64_t rows = normalizes_by_batch_ ? std::max(plan_.batch_size, std::min(kRowsPerBlock, validation))
                                                 : std::min(kRowsPerBlock, std::max(plan_.batch_size, validation));
  std::int64_t neurons = 0;
  for (const LaneLayer<V>& layer : layers_) neurons += layer.shape.normalizes_by_batch ? layer.outputs : 0;
  statistics_ = AlignedArray<T>(kBatchStatistics * neurons * kLanes);
  for (int pass = 0; pass < 2; ++pass) {  // the first pass computes sizes, the second assigns addresses
    std::int64_t used = 0;
    block_ = Block{};
    const auto array = [&](std::int64_t vectors_per_row) {
      V* const at = storage_.size() > 0 ? vectors(storage_) + used : nullptr;
      used += rows * vectors_per_row;
      return at;
    };
    lay_out_layers(array);
    block_.rows.targets = array(shape_.outputs());
    block_.rows.labels = array(1);
    block_.rows.scale = array(1);
    block_.loss = array(1);
    block_.metric = array(1);
    block_.scratch = array(shape_.outputs());
    if (plan_.submodels > 1) {
      block_.submodels = array(plan_.submodels * shape_.outputs());
      block_.mean = array(shape_.outputs());
    }
    if (pass == 0) storage_ = AlignedArray<T>(used * kLanes);
  }
  if (embeds_once_ && !shape_.embeddings.empty())
    below_of_batch_ = AlignedArray<T>(plan_.batch_size * shape_.inputs() * kLanes);
  // Each left matrix of a gradient has a one before every row.
  for (std::int64_t r = 0; r < rows; ++r) {
    block_.inputs[r * (1 + shape_.inputs()) - 1] = V(T(1));
    for (const LaneMatrices<V>& of : block_.layers) {
      if (of.scaled != nullptr) of.scaled[r * of.scaled_stride - 1] = V(T(1));
      if (&of != &block_.layers.back()) of.outputs[r * of.output_stride - 1] = V(T(1));
    }
  }
}

template <class T>
template <class NewArray>
void PackPass<T>::lay_out_layers(const NewArray& array) {
  terms_.clear();
  V* statistics = vectors(statistics_);
  const std::int64_t stride = 1 + shape_.inputs();
  block_.inputs = array(stride) + 1;
  const bool embeds = !shape_.embeddings.empty();
  block_.rows.columns = embeds ? array(plan_.inputs) : block_.inputs;
  block_.rows.column_stride = embeds ? plan_.inputs : stride;
  block_.waves = lay_out_waves<V>(shape_, array);
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const LaneLayer<V>& layer = layers_[l];
    LaneMatrices<V> of;
    of.inputs = l == 0 ? block_.inputs : block_.layers.back().outputs;
    of.input_stride = l == 0 ? stride : block_.layers.back().output_stride;
    const std::int64_t ones = l + 1 < layers_.size() ? 1 : 0;
    of.output_stride = layer.outputs + ones;
    of.outputs = array(of.output_stride) + ones;
    of.dloss_dz = array(layer.outputs);
    if (layer.keeps_derivative) of.derivatives = array(layer.outputs);
    if (layer.is_residual) of.skipped = array(layer.outputs);
    const auto add_terms = [&](std::int64_t at, std::int64_t columns, bool are_own = false) {
      V* const terms = array(columns);
      terms_.push_back({at, columns, terms, are_own});
      return terms;
    };
    if (layer.scale_at >= 0) {
      of.scaled_stride = 1 + layer.inputs;
      of.scaled = array(of.scaled_stride) + 1;
      of.scale_terms = add_terms(layer.scale_at, layer.inputs, layer.shape.own_scale);
    }
    if (layer.output_scale_at >= 0) {
      of.output_scale_terms = add_terms(layer.output_scale_at, layer.outputs, true);
      of.bias_terms = add_terms(layer.at, layer.outputs, true);
    } else if (layer.shape.own_bias) {
      terms_.push_back({layer.at, layer.outputs, of.dloss_dz, true});
    }
    if (layer.normalization_at >= 0) {
      if (layer.shape.normalizes_by_batch) {
        of.statistics = statistics;
        statistics += kBatchStatistics * layer.outputs;
      } else {
        of.inverse = array(1);
      }
      of.shift_terms = add_terms(layer.normalization_at + kShiftRow * layer.outputs, layer.outputs);
      of.normalized = add_terms(layer.normalization_at + kGainRow * layer.outputs, layer.outputs);
    }
    if (layer.slopes_at >= 0) of.slope_terms = add_terms(layer.slopes_at, layer.outputs);
    block_.layers.push_back(of);
  }
  if (shape_.passes_gradients_below(0)) block_.below = array(shape_.inputs());
}

template <class T>
void PackPass<T>::schedule_numbers() {
  for (int i = 0; i < kLanes; ++i) {
    const PackLane<T>& lane = lanes_[static_cast<std::size_t>(i)];
    step_loss_numbers_.label_smoothing.set_lane(
        i, static_cast<T>(lane.member->plan.loss.label_smoothing * lane.factors.label_smoothing));
  }
}

template <class T>
void PackPass<T>::embed(std::int64_t rows, bool keeps_waves) {
  if (shape_.embeddings.empty()) return;
  lane_embed<V>(shape_, vectors(weights_), block_.rows.columns, block_.rows.column_stride,
                keeps_waves ? block_.waves : std::vector<LaneWaves<V>>{}, rows, block_.inputs, 1 + shape_.inputs());
}

// dloss_dinputs: the gradient of the first layer's inputs, (rows, inputs).
template <class T>
void PackPass<T>::add_embedding_gradients(const V* dloss_dinputs, std::int64_t rows, bool first_of_batch) {
  lane_add_embedding_gradients<V>(shape_, vectors(weights_), block_.rows.columns, block_.rows.column_stride,
                                  dloss_dinputs, block_.waves, rows, first_of_batch, vectors(gradients_));
}

// Submodels share the embeddings, whose gradients are those of the sums over all submodels.
template <class T>
void PackPass<T>::add_below(std::int64_t submodel, std::int64_t done, std::int64_t rows) {
  const std::int64_t size = rows * shape_.inputs();
  V* const sums = vectors(below_of_batch_) + done * shape_.inputs();
  if (submodel == 0) {
    std::copy_n(block_.below, size, sums);
  } else {
    for (std::int64_t i = 0; i < size; ++i) sums[i] += block_.below[i];
  }
}

template <class T>
void PackPass<T>::add_embedding_gradients_of_submodels(std::int64_t begin, std::int64_t count) {
  for (std::int64_t done = 0; done < count; done += kRowsPerBlock) {
    const std::int64_t rows = std::min(kRowsPerBlock, count - done);
    rows_.take(false, begin + done, rows, block_.rows);
    embed(rows, true);
    add_embedding_gradients(vectors(below_of_batch_) + done * shape_.inputs(), rows, done == 0);
  }
}

template <class T>
void PackPass<T>::forward(std::int64_t rows, const BatchOrder* order, std::int64_t done, std::int64_t submodel) {
  const bool training = order != nullptr;
  // Rows that are evaluated stay for all submodels.
  if (training || submodel == 0) embed(rows, training && !embeds_once_);
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    LaneMatrices<V> of = block_.layers[l];
    if (!training)
      of.derivatives = of.slope_terms = of.normalized = of.inverse = of.statistics = of.output_scale_terms = nullptr;
    lane_layer_forward<V>(layers_[l], vectors(weights_), of, rows, submodel);
    if (plan_.layers[l].dropout > 0 && training) drop(l, rows, *order, done, submodel);
    if (layers_[l].is_residual) lane_add_residual<V>(layers_[l], of, rows);
  }
}

// The outputs of an evaluation: of several submodels, those of their mean prediction.
template <class T>
const typename PackPass<T>::V* PackPass<T>::mean_outputs(std::int64_t rows) {
  const std::int64_t outputs = shape_.outputs();
  const V* const z = block_.layers.back().outputs;
  for (std::int64_t m = 0; m < plan_.submodels; ++m) {
    forward(rows, nullptr, 0, m);
    if (plan_.submodels == 1) return z;
    for (std::int64_t r = 0; r < rows; ++r)
      std::copy_n(z + r * outputs, outputs, block_.submodels + (r * plan_.submodels + m) * outputs);
  }
  mean_(block_.submodels, rows, static_cast<int>(plan_.submodels), static_cast<int>(outputs), block_.mean,
        block_.scratch);
  return block_.mean;
}

// As Batch::drop, with each member's own probability and random numbers. A factor of 1 for each neuron of a member that
// drops none changes no bit.
template <class T>
void PackPass<T>::drop(std::size_t l, std::int64_t rows, const BatchOrder& order, std::int64_t done,
                       std::int64_t submodel) {
  constexpr int kWordLanes = 16;
  std::uint64_t seeds[kWordLanes] = {};
  std::uint32_t thresholds[kLanes];
  alignas(kAlignment) T kept[kLanes];
  for (int i = 0; i < kLanes; ++i) {
    const PackLane<T>& lane = lanes_[static_cast<std::size_t>(i)];
    const Plan& plan = lane.member->plan;
    const double p = plan.layers[l].dropout * lane.factors.dropout;
    seeds[i] = plan.seed;
    kept[i] = static_cast<T>(1.0 / (1.0 - p));
    thresholds[i] = static_cast<std::uint32_t>(p * 4294967296.0);
  }
  const auto epoch = static_cast<std::uint32_t>(order.epoch);
  const std::int64_t position = order.begin + done;
  const std::int64_t outputs = layers_[l].outputs;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t quad = 0; 4 * quad < outputs; ++quad) {
      std::uint32_t words[4 * kWordLanes];
      dropout_words_of_lanes(seeds, epoch, static_cast<std::uint32_t>(position + r),
                             dropout_layer(static_cast<std::int64_t>(l), submodel), static_cast<std::uint32_t>(quad),
                             words);
      for (std::int64_t n = 4 * quad; n < std::min(4 * quad + 4, outputs); ++n) {
        alignas(kAlignment) T factor[kLanes];
        for (int i = 0; i < kLanes; ++i) factor[i] = words[(n % 4) * kWordLanes + i] >= thresholds[i] ? kept[i] : T(0);
        const LaneMatrices<V>& of = block_.layers[l];
        of.outputs[r * of.output_stride + n] *= V::load(factor);
        of.derivatives[r * outputs + n] *= V::load(factor);
        if (of.slope_terms != nullptr) of.slope_terms[r * outputs + n] *= V::load(factor);
      }
    }
  }
}

// Adds the rows' losses and metrics to the sums, in row order; in training, also computes dloss_dz. Returns 0 in the
// lanes whose losses are all finite, NaN in the others.
template <class T>
typename PackPass<T>::V PackPass<T>::losses(bool training, const V* z, std::int64_t begin, std::int64_t rows,
                                            Sums& sums) {
  const std::int64_t outputs = shape_.outputs();
  V zero_or_nan(T(0));
  loss_pass_({rows, static_cast<int>(outputs), z, block_.rows.targets, block_.rows.labels, block_.rows.scale,
              training ? block_.layers.back().dloss_dz : nullptr, block_.loss, block_.metric, block_.scratch},
             training ? step_loss_numbers_ : loss_numbers_);
  DoubleSums<V> losses(sums.loss), metrics(sums.metric);
  for (std::int64_t r = 0; r < rows; ++r) {
    zero_or_nan = fma(block_.loss[r], V(T(0)), zero_or_nan);
    if (!rows_.are_weighted(!training)) losses.add(block_.loss[r]);
    metrics.add(block_.metric[r]);
  }
  losses.store(sums.loss);
  metrics.store(sums.metric);
  for (std::int64_t r = 0; r < rows && rows_.are_weighted(!training); ++r) {
    for (int i = 0; i < kLanes; ++i) {
      const double weight = rows_.weight(i, !training, begin + r);
      sums.loss[i] += weight * static_cast<double>(block_.loss[r].lane(i));
    }
  }
  return zero_or_nan;
}

template <class T>
void PackPass<T>::backward(std::int64_t rows, std::int64_t submodel) {
  const V* const weights = vectors(weights_);
  lane_outputs_backward<V>(layers_.back(), weights, block_.layers.back(), rows, submodel);
  for (std::size_t l = layers_.size() - 1; l > 0; --l)
    lane_layer_backward<V>(layers_[l], layers_[l - 1], weights, block_.layers[l], block_.layers[l - 1], rows, submodel);
  if (block_.below != nullptr)
    lane_inputs_backward<V>(layers_[0], weights, block_.layers[0], rows, submodel, block_.below);
}

// A one precedes the left matrix's rows, so that the gradient of the bias is one more row of the product: a
// multiply-add by one rounds as an addition does. What submodels share adds up over all of them.
template <class T>
void PackPass<T>::add_gradients(std::int64_t rows, std::int64_t submodel, bool first_of_batch) {
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const LaneLayer<V>& layer = layers_[l];
    const LaneMatrices<V>& of = block_.layers[l];
    const std::int64_t outputs = layer.outputs;
    const std::int64_t bias = layer.shape.own_bias ? 0 : 1;
    V* const out = vectors(gradients_) + layer.weights_at(submodel) - bias * outputs;
    const LaneStrides at{1, of.left_stride(), outputs, 1};
    const auto product = [&](const auto& begin) {
      lane_product<V>(of.left() - bias, of.dloss_dz, at, bias + layer.inputs, outputs, rows, begin,
                      [&](std::int64_t i, std::int64_t j, V sum)
                          __attribute__((always_inline)) { out[i * outputs + j] = sum; });
    };
    if (first_of_batch && (submodel == 0 || layer.shape.own_weights)) {
      product([](std::int64_t, std::int64_t) __attribute__((always_inline)) { return V(T(0)); });
    } else {
      product([&](std::int64_t i, std::int64_t j) __attribute__((always_inline)) { return out[i * outputs + j]; });
    }
  }
  for (const RowTerms& of : terms_) {
    V* const sums = vectors(gradients_) + of.at + (of.is_own ? submodel * of.columns : 0);
    if (first_of_batch && (submodel == 0 || of.is_own)) std::fill_n(sums, of.columns, V(T(0)));
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < of.columns; ++c) sums[c] += of.terms[r * of.columns + c];
  }
}

template <class T>
typename PackPass<T>::V PackPass<T>::compute_gradients(const BatchOrder& order, Sums& sums) {
  V zero_or_nan(T(0));
  const std::int64_t begin = order.begin, count = order.count;
  const std::int64_t per_block = normalizes_by_batch_ ? count : kRowsPerBlock;
  for (std::int64_t m = 0; m < plan_.submodels; ++m) {
    for (std::int64_t done = 0; done < count; done += per_block) {
      const std::int64_t rows = std::min(per_block, count - done), position = first_position(m) + begin + done;
      rows_.take(false, position, rows, block_.rows);
      rows_.take_scale(position, rows, order.per_weight, block_.rows);
      forward(rows, &order, done, m);
      zero_or_nan += losses(true, block_.layers.back().outputs, position, rows, sums);
      backward(rows, m);
      add_gradients(rows, m, done == 0);
      if (shape_.embeddings.empty()) continue;
      embeds_once_ ? add_below(m, done, rows) : add_embedding_gradients(block_.below, rows, m == 0 && done == 0);
    }
  }
  if (below_of_batch_.size() > 0) add_embedding_gradients_of_submodels(begin, count);
  return zero_or_nan;
}

// Those of members that have ended are never read.
template <class T>
void PackPass<T>::move_running_statistics(std::int64_t count) {
  for (std::size_t l = 0; l < layers_.size(); ++l)
    if (block_.layers[l].has_statistics(count))
      lane_move_running_statistics<V>(layers_[l], vectors(weights_), block_.layers[l].statistics, count);
}

template <class T>
std::vector<Evaluation> PackPass<T>::validate() {
  const std::int64_t count = rows_.count(true);
  Sums sums;
  for (std::int64_t done = 0; done < count; done += kRowsPerBlock) {
    const std::int64_t rows = std::min(kRowsPerBlock, count - done);
    rows_.take(true, done, rows, block_.rows);
    losses(false, mean_outputs(rows), done, rows, sums);
  }
  std::vector<Evaluation> out(kLanes);
  for (int i = 0; i < kLanes; ++i) {
    const double weights = rows_.add_weights(0, i, true, 0, count);
    out[static_cast<std::size_t>(i)] = {sums.loss[i] / weights,
                                        metric_from_mean(plan_.loss.kind, sums.metric[i] / static_cast<double>(count))};
  }
  return out;
}

#define INSTANTIATE(T) template class PackPass<T>;
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
