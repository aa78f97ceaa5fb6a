// One step of a pack, a block of rows at a time: rows from the tables (pack_rows.cpp), forward, loss, backward,
// gradients; then the optimizer. Every sum has the same order as in a network alone.
#include <algorithm>
#include <cmath>

#include "engines/pack.hpp"
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
void Pack<T>::lay_out_block() {
  const std::int64_t validation = lanes_[0].member->validation.count;
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
    block_.targets = array(shape_.outputs());
    block_.labels = array(1);
    block_.scale = array(1);
    block_.loss = array(1);
    block_.metric = array(1);
    block_.scratch = array(shape_.outputs());
    if (plan_.submodels > 1) {
      block_.submodels = array(plan_.submodels * shape_.outputs());
      block_.mean = array(shape_.outputs());
    }
    if (pass == 0) storage_ = AlignedArray<T>(used * kLanes);
  }
  if (plan_.submodels > 1 && !shape_.embeddings.empty())
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
void Pack<T>::lay_out_layers(const NewArray& array) {
  terms_.clear();
  V* statistics = vectors(statistics_);
  const std::int64_t stride = 1 + shape_.inputs();
  block_.inputs = array(stride) + 1;
  const bool embeds = !shape_.embeddings.empty();
  block_.columns = embeds ? array(plan_.inputs) : block_.inputs;
  block_.column_stride = embeds ? plan_.inputs : stride;
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
void Pack<T>::embed(std::int64_t rows, bool keeps_waves) {
  if (shape_.embeddings.empty()) return;
  lane_embed<V>(shape_, vectors(weights_), block_.columns, block_.column_stride,
                keeps_waves ? block_.waves : std::vector<LaneWaves<V>>{}, rows, block_.inputs, 1 + shape_.inputs());
}

// dloss_dinputs: the gradient of the first layer's inputs, (rows, inputs).
template <class T>
void Pack<T>::add_embedding_gradients(const V* dloss_dinputs, std::int64_t rows, bool first_of_batch) {
  lane_add_embedding_gradients<V>(shape_, vectors(weights_), block_.columns, block_.column_stride, dloss_dinputs,
                                  block_.waves, rows, first_of_batch, vectors(gradients_));
}

// Submodels share the embeddings, whose gradients are those of the sums over all submodels.
template <class T>
void Pack<T>::add_below(std::int64_t submodel, std::int64_t done, std::int64_t rows) {
  const std::int64_t size = rows * shape_.inputs();
  V* const sums = vectors(below_of_batch_) + done * shape_.inputs();
  if (submodel == 0) {
    std::copy_n(block_.below, size, sums);
  } else {
    for (std::int64_t i = 0; i < size; ++i) sums[i] += block_.below[i];
  }
}

template <class T>
void Pack<T>::add_embedding_gradients_of_submodels(std::int64_t begin, std::int64_t count) {
  for (std::int64_t done = 0; done < count; done += kRowsPerBlock) {
    const std::int64_t rows = std::min(kRowsPerBlock, count - done);
    take_rows(false, begin + done, rows);
    embed(rows, true);
    add_embedding_gradients(vectors(below_of_batch_) + done * shape_.inputs(), rows, done == 0);
  }
}

template <class T>
void Pack<T>::forward(std::int64_t rows, std::int64_t position, std::int64_t submodel, bool training) {
  // Rows that are evaluated stay for all submodels.
  if (training || submodel == 0) embed(rows, training && plan_.submodels == 1);
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    LaneMatrices<V> of = block_.layers[l];
    if (!training)
      of.derivatives = of.slope_terms = of.normalized = of.inverse = of.statistics = of.output_scale_terms = nullptr;
    lane_layer_forward<V>(layers_[l], vectors(weights_), of, rows, submodel);
    if (plan_.layers[l].dropout > 0 && training) drop(l, rows, position, submodel);
    if (layers_[l].is_residual) lane_add_residual<V>(layers_[l], of, rows);
  }
}

// The outputs of an evaluation: of several submodels, those of their mean prediction.
template <class T>
const typename Pack<T>::V* Pack<T>::mean_outputs(std::int64_t rows) {
  const std::int64_t outputs = shape_.outputs();
  const V* const z = block_.layers.back().outputs;
  for (std::int64_t m = 0; m < plan_.submodels; ++m) {
    forward(rows, 0, m, false);
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
void Pack<T>::drop(std::size_t l, std::int64_t rows, std::int64_t position, std::int64_t submodel) {
  constexpr int kWordLanes = 16;
  std::uint64_t seeds[kWordLanes] = {};
  std::uint32_t thresholds[kLanes];
  alignas(kAlignment) T kept[kLanes];
  for (int i = 0; i < kLanes; ++i) {
    const Lane& lane = lanes_[static_cast<std::size_t>(i)];
    const Plan& plan = lane.member->plan;
    const double p = plan.layers[l].dropout * lane.factors.dropout;
    seeds[i] = plan.seed;
    kept[i] = static_cast<T>(1.0 / (1.0 - p));
    thresholds[i] = static_cast<std::uint32_t>(p * 4294967296.0);
  }
  const auto epoch = static_cast<std::uint32_t>(leader().progress.epoch);
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
typename Pack<T>::V Pack<T>::losses(bool training, const V* z, std::int64_t begin, std::int64_t rows, Sums& sums) {
  const std::int64_t outputs = shape_.outputs();
  V zero_or_nan(T(0));
  loss_pass_({rows, static_cast<int>(outputs), z, block_.targets, block_.labels, block_.scale,
              training ? block_.layers.back().dloss_dz : nullptr, block_.loss, block_.metric, block_.scratch},
             training ? step_loss_numbers_ : loss_numbers_);
  DoubleSums<V> losses(sums.loss), metrics(sums.metric);
  for (std::int64_t r = 0; r < rows; ++r) {
    zero_or_nan = fma(block_.loss[r], V(T(0)), zero_or_nan);
    if (!weighted_[!training]) losses.add(block_.loss[r]);
    metrics.add(block_.metric[r]);
  }
  losses.store(sums.loss);
  metrics.store(sums.metric);
  for (std::int64_t r = 0; r < rows && weighted_[!training]; ++r) {
    for (int i = 0; i < kLanes; ++i) {
      const double weight = member_rows(i, !training).weight(member_row(i, !training, begin + r));
      sums.loss[i] += weight * static_cast<double>(block_.loss[r].lane(i));
    }
  }
  return zero_or_nan;
}

template <class T>
void Pack<T>::backward(std::int64_t rows, std::int64_t submodel) {
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
void Pack<T>::add_gradients(std::int64_t rows, std::int64_t submodel, bool first_of_batch) {
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

// As in Solo: 16 sums for each panel of a block, each over its rows; then the sum of those.
template <class T>
void Pack<T>::clip_norm() {
  V sum(T(0));
  for (const ParameterBlock& block : shape_.blocks) {
    const V* const gradient = vectors(gradients_) + block.lanes_at;
    for (std::int64_t column = 0; column < block.columns; ++column) {
      V squares(T(0));
      for (std::int64_t row = 0; row < block.rows; ++row) {
        const V g = gradient[row * block.columns + column];
        squares = fma(g, g, squares);
      }
      sum += squares;
    }
  }
  const V norm = sqrt(sum);
  alignas(kAlignment) T scale[kLanes];
  for (int i = 0; i < kLanes; ++i) {
    const double limit = lanes_[static_cast<std::size_t>(i)].member->plan.optimizer.clip_norm;
    scale[i] = limit > 0 ? std::min(T(1), static_cast<T>(limit) / (norm.lane(i) + T(1e-6))) : T(1);
  }
  const V factor = V::load(scale);
  V* const gradient = vectors(gradients_);
  for (std::int64_t k = 0; k < size_; ++k) gradient[k] *= factor;
}

// Sets the numbers of the step that have schedules, other than the learning rate.
template <class T>
void Pack<T>::schedule_numbers() {
  for (int i = 0; i < kLanes; ++i) {
    Lane& lane = lanes_[static_cast<std::size_t>(i)];
    const Plan& plan = lane.member->plan;
    lane.factors = scheduled_factors(plan, lane.progress);
    step_loss_numbers_.label_smoothing.set_lane(
        i, static_cast<T>(plan.loss.label_smoothing * lane.factors.label_smoothing));
  }
}

// Sets the numbers of the update of all members.
template <class T>
void Pack<T>::prepare_update() {
  if (shares_numbers_) return prepare_shared_update();
  for (int i = 0; i < kLanes; ++i) prepare_lane(i);
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    Group& group = groups_[g];
    if (group.first_with_same_coefficients == g) group.coefficients = group.coefficient_lanes.vectors();
    if (regularized_) group.regularization = Regularization<V>::from_lanes(group.regularization_lanes);
  }
}

template <class T>
void Pack<T>::prepare_shared_update() {
  const Lane& lane = leader();
  const double rate = scheduled_learning_rate(lane.member->plan, lane.progress);
  Scalars scalars;
  for (Group& group : groups_) {
    const std::size_t of_lane = group.of_lane[0];
    scalars = lane.progress.scalars;
    group.coefficients =
        Coefficients<V>(lane.groups.template coefficients<T>(of_lane, rate, lane.progress.step + 1, scalars));
    if (regularized_)
      group.regularization =
          Regularization<V>(lane.groups.template regularization<T>(of_lane, rate, lane.factors.weight_decay));
  }
  for (Lane& each : lanes_) {
    each.progress.scalars = scalars;
    each.last_rate = rate;
  }
}

template <class T>
void Pack<T>::prepare_lane(int i) {
  Lane& lane = lanes_[static_cast<std::size_t>(i)];
  const Lane& same = lanes_[static_cast<std::size_t>(lane.first_with_same_rates)];
  // A lane that has ended stays in its last epoch.
  const bool copies = &same != &lane && same.is_active;
  lane.last_rate = copies ? same.last_rate : scheduled_learning_rate(lane.member->plan, lane.progress);
  Scalars scalars = same.progress.scalars;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    Group& group = groups_[g];
    const std::size_t of_lane = group.of_lane[i];
    if (group.first_with_same_coefficients == g) {
      if (copies) {
        group.coefficient_lanes.copy(i, lane.first_with_same_rates);
      } else {
        scalars = lane.progress.scalars;
        group.coefficient_lanes.set(
            i, lane.groups.template coefficients<T>(of_lane, lane.last_rate, lane.progress.step + 1, scalars));
      }
    }
    if (regularized_)
      group.regularization_lanes[i] =
          lane.groups.template regularization<T>(of_lane, lane.last_rate, lane.factors.weight_decay);
  }
  lane.progress.scalars = scalars;
}

template <class T>
void Pack<T>::update() {
  for (const GroupRange& range : ranges_) {
    const Group& group = groups_[range.group];
    T* planes[kMaxPlanes] = {};
    for (std::size_t p = 0; p < planes_.size(); ++p) planes[p] = planes_[p].data() + range.begin * kLanes;
    update_(weights_.data() + range.begin * kLanes, gradients_.data() + range.begin * kLanes, planes,
            (range.end - range.begin) * kLanes, groups_[group.first_with_same_coefficients].coefficients,
            group.regularization);
  }
}

template <class T>
typename Pack<T>::StepOrder Pack<T>::next_step() const {
  StepOrder order;
  order.begin = leader().progress.batch * plan_.batch_size;
  order.count = std::min(plan_.batch_size, lanes_[0].member->train.count - order.begin);
  for (int i = 0; i < kLanes; ++i) {
    const Rows<T>& table = lanes_[static_cast<std::size_t>(i)].member->train;
    double weight = static_cast<double>(order.count);
    if (table.weights != nullptr) {
      weight = 0;
      for (std::int64_t r = 0; r < order.count; ++r) weight += table.weight(member_row(i, false, order.begin + r));
    }
    weight *= static_cast<double>(plan_.submodels);
    order.weight[i] = weight;
    order.per_weight[i] = weight > 0 ? 1.0 / weight : 0.0;
  }
  return order;
}

template <class T>
typename Pack<T>::Sums Pack<T>::sums_of_epoch() const {
  Sums sums;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    sums.loss[i] = lanes_[i].progress.loss_sum;
    sums.metric[i] = lanes_[i].progress.metric_sum;
  }
  return sums;
}

// Computes the gradients of a batch, and adds its losses and metrics to the sums. Returns 0 in the lanes whose losses
// are all finite, NaN in the others.
template <class T>
typename Pack<T>::V Pack<T>::pass_batch(const StepOrder& order, Sums& sums) {
  V zero_or_nan(T(0));
  const std::int64_t begin = order.begin, count = order.count;
  const std::int64_t per_block = normalizes_by_batch_ ? count : kRowsPerBlock;
  for (std::int64_t m = 0; m < plan_.submodels; ++m) {
    for (std::int64_t done = 0; done < count; done += per_block) {
      const std::int64_t rows = std::min(per_block, count - done);
      take_rows(false, begin + done, rows);
      take_scale(begin + done, rows, order.per_weight);
      forward(rows, begin + done, m, true);
      zero_or_nan += losses(true, block_.layers.back().outputs, begin + done, rows, sums);
      backward(rows, m);
      add_gradients(rows, m, done == 0);
      if (shape_.embeddings.empty()) continue;
      plan_.submodels == 1 ? add_embedding_gradients(block_.below, rows, done == 0) : add_below(m, done, rows);
    }
  }
  if (below_of_batch_.size() > 0) add_embedding_gradients_of_submodels(begin, count);
  return zero_or_nan;
}

template <class T>
void Pack<T>::count_step(int lane, const StepOrder& order, const Sums& sums) {
  Lane& counted = lanes_[static_cast<std::size_t>(lane)];
  Progress& p = counted.progress;
  if (p.batch == 0) p.learning_rate = counted.last_rate;
  p.loss_sum = sums.loss[lane];
  p.metric_sum = sums.metric[lane];
  p.weight_sum += order.weight[lane];
  ++p.batch;
  ++p.step;
}

template <class T>
void Pack<T>::step() {
  if (has_scheduled_factors_) schedule_numbers();
  const StepOrder order = next_step();
  if (line_search_) {
    LaneSet active;
    std::transform(lanes_.begin(), lanes_.end(), active.begin(), [](const Lane& lane) { return lane.is_active; });
    return step_lines(order, active);
  }
  Sums sums = sums_of_epoch();
  const V zero_or_nan = pass_batch(order, sums);
  for (int i = 0; i < kLanes; ++i) {
    if (lanes_[static_cast<std::size_t>(i)].is_active && zero_or_nan.lane(i) != T(0)) hand_to_solo(i);
  }
  if (!has_active_member()) return;
  if (clips_norm_) clip_norm();
  prepare_update();
  for (int i = 0; i < kLanes; ++i) count_step(i, order, sums);
  update();
  if (normalizes_by_batch_) move_running_statistics(order.count);
}

// Those of members that have ended are never read.
template <class T>
void Pack<T>::move_running_statistics(std::int64_t count) {
  for (std::size_t l = 0; l < layers_.size(); ++l)
    if (block_.layers[l].has_statistics(count))
      lane_move_running_statistics<V>(layers_[l], vectors(weights_), block_.layers[l].statistics, count);
}

template <class T>
std::vector<Evaluation> Pack<T>::validate() {
  const std::int64_t count = lanes_[0].member->validation.count;
  Sums sums;
  for (std::int64_t done = 0; done < count; done += kRowsPerBlock) {
    const std::int64_t rows = std::min(kRowsPerBlock, count - done);
    take_rows(true, done, rows);
    losses(false, mean_outputs(rows), done, rows, sums);
  }
  std::vector<Evaluation> out(kLanes);
  for (int i = 0; i < kLanes; ++i) {
    const Rows<T>& table = member_rows(i, true);
    double weights = 0;
    for (std::int64_t r = 0; r < count; ++r) weights += table.weight(r);
    out[static_cast<std::size_t>(i)] = {sums.loss[i] / weights,
                                        metric_from_mean(plan_.loss.kind, sums.metric[i] / static_cast<double>(count))};
  }
  return out;
}

#define INSTANTIATE(T) template class Pack<T>;
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
