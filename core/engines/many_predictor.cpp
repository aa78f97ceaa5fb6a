#include "engines/many_predictor.hpp"

#include <algorithm>
#include <utility>

#include "precisions.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

// The values of a block with 10 neurons take 20 KiB: they stay in the first-level cache from layer to layer.
constexpr std::int64_t kBlock = 32;

}  // namespace

template <class T>
ManyPredictor<T>::ManyPredictor(const Plan& plan, std::int64_t count, int threads)
    : plan_(plan),
      shape_(plan),
      size_(shape_.parameters),
      count_(count),
      packs_((count + kLanes - 1) / kLanes),
      quantiles_(shape_.outputs() * kLanes),
      loss_numbers_{V(static_cast<T>(plan.loss.label_smoothing)), V(static_cast<T>(plan.loss.delta)),
                    vectors(quantiles_)},
      loss_pass_(lane_loss_function<V>(plan.loss.kind)),
      head_(lane_head_function<V>(plan.loss.kind)),
      mean_(lane_mean_function<V>(plan.loss.kind)),
      threads_(threads) {
  if (plan.loss.kind == LossKind::quantile)
    for (std::int64_t c = 0; c < shape_.outputs(); ++c)
      V(static_cast<T>(plan.loss.quantile_of(c))).store(quantiles_.data() + c * kLanes);
  std::int64_t widest = 0, most_scaled = 0;
  for (std::size_t l = 0; l < plan.layers.size(); ++l) {
    layers_.emplace_back(plan.layers[l], shape_.layers[l], shape_);
    widest = std::max(widest, layers_.back().outputs);
    if (layers_.back().scale_at >= 0) most_scaled = std::max(most_scaled, layers_.back().inputs);
  }
  weights_ = AlignedArray<T>(packs_ * size_ * kLanes);
  const auto block = [](std::int64_t vectors_per_row) { return AlignedArray<T>(kBlock * vectors_per_row * kLanes); };
  for (int thread = 0; thread < threads; ++thread) {
    Scratch scratch;
    scratch.columns = block(plan.inputs);
    if (!shape_.embeddings.empty()) scratch.inputs = block(shape_.inputs());
    scratch.scaled = block(most_scaled);
    for (AlignedArray<T>& buffer : scratch.buffers) buffer = block(widest);
    if (plan.submodels > 1) scratch.submodels = block(plan.submodels * shape_.outputs());
    scratch.targets = block(shape_.outputs());
    scratch.labels = block(1);
    scratch.loss = block(1);
    scratch.metric = block(1);
    scratch.spare = AlignedArray<T>(shape_.outputs() * kLanes);
    scratch_.push_back(std::move(scratch));
  }
}

template <class T>
void ManyPredictor<T>::set_part(const ParameterBlock& block, const ParameterPart& part, const T* values) {
  const std::int64_t at = block.lanes_at + part.row * block.columns, size = part.rows * block.columns;
  for (std::int64_t m = 0; m < count_; ++m) {
    T* const to = weights_.data() + ((m / kLanes) * size_ + at) * kLanes + m % kLanes;
    for (std::int64_t i = 0; i < size; ++i) to[i * kLanes] = values[m * size + i];
  }
}

template <class T>
int ManyPredictor<T>::used_lanes(std::int64_t pack) const {
  return static_cast<int>(std::min<std::int64_t>(kLanes, count_ - pack * kLanes));
}

// Calls f(scratch, begin, rows) for each block of rows.
template <class T>
template <class F>
void ManyPredictor<T>::each_block(std::int64_t rows, F&& f) {
  const std::int64_t blocks = (rows + kBlock - 1) / kBlock;
  const auto at = [&](int thread, std::int64_t block) {
    f(scratch_[static_cast<std::size_t>(thread)], block * kBlock, std::min(kBlock, rows - block * kBlock));
  };
  if (blocks <= 1) {  // waking the other threads would take longer than the work
    if (blocks == 1) at(0, 0);
    return;
  }
  Tasks tasks;
  tasks.assign_evenly(blocks, threads_.count());
  threads_.run([&](int thread) { tasks.work(thread, [&](std::int64_t block) { at(thread, block); }); });
}

// All networks receive the same rows.
template <class T>
void ManyPredictor<T>::take_inputs(const Scratch& scratch, const Rows<T>& table, std::int64_t begin,
                                   std::int64_t rows) const {
  V* to = vectors(scratch.columns);
  for (std::int64_t r = 0; r < rows; ++r) {
    const T* const x = table.x + (begin + r) * table.x_stride;
    for (std::int64_t i = 0; i < plan_.inputs; ++i) *to++ = V(x[i]);
  }
}

template <class T>
void ManyPredictor<T>::take_labels(const Scratch& scratch, const Rows<T>& table, std::int64_t begin,
                                   std::int64_t rows) const {
  const std::int64_t outputs = shape_.outputs();
  for (std::int64_t r = 0; r < rows; ++r) {
    if (table.classes != nullptr) {
      vectors(scratch.labels)[r] = V(static_cast<T>(table.classes[begin + r]));
      continue;
    }
    const T* const targets = table.targets + (begin + r) * table.targets_stride;
    for (std::int64_t c = 0; c < outputs; ++c) vectors(scratch.targets)[r * outputs + c] = V(targets[c]);
  }
}

// Returns the weighted sums of the output layer, (rows, outputs): of several submodels, those of their mean prediction.
template <class T>
typename ManyPredictor<T>::V* ManyPredictor<T>::forward(const Scratch& scratch, std::int64_t pack,
                                                        std::int64_t rows) const {
  const std::int64_t submodels = plan_.submodels, outputs = shape_.outputs();
  if (!shape_.embeddings.empty())
    lane_embed<V>(shape_, vectors(weights_) + pack * size_, vectors(scratch.columns), plan_.inputs, {}, rows,
                  vectors(scratch.inputs), shape_.inputs());
  V* z = nullptr;
  V* const all = vectors(scratch.submodels);
  for (std::int64_t m = 0; m < submodels; ++m) {
    z = forward_submodel(scratch, pack, rows, m);
    if (submodels == 1) return z;
    for (std::int64_t r = 0; r < rows; ++r) std::copy_n(z + r * outputs, outputs, all + (r * submodels + m) * outputs);
  }
  mean_(all, rows, static_cast<int>(submodels), static_cast<int>(outputs), z, vectors(scratch.spare));
  return z;
}

template <class T>
typename ManyPredictor<T>::V* ManyPredictor<T>::forward_submodel(const Scratch& scratch, std::int64_t pack,
                                                                 std::int64_t rows, std::int64_t submodel) const {
  const V* const weights = vectors(weights_) + pack * size_;
  LaneMatrices<V> of;
  of.inputs = vectors(shape_.embeddings.empty() ? scratch.columns : scratch.inputs);
  of.outputs = vectors(scratch.buffers[0]);
  V* spare = vectors(scratch.buffers[1]);
  for (const LaneLayer<V>& layer : layers_) {
    of.input_stride = of.scaled_stride = layer.inputs;
    of.output_stride = layer.outputs;
    of.scaled = layer.scale_at >= 0 ? vectors(scratch.scaled) : nullptr;
    lane_layer_forward<V>(layer, weights, of, rows, submodel);
    if (layer.is_residual) lane_add_residual<V>(layer, of, rows);
    of.inputs = of.outputs;
    std::swap(of.outputs, spare);
  }
  return spare;
}

template <class T>
typename ManyPredictor<T>::V* ManyPredictor<T>::predict_block(const Scratch& scratch, std::int64_t pack,
                                                              std::int64_t rows, bool head) const {
  V* const z = forward(scratch, pack, rows);
  if (!head) return z;
  V* const first = vectors(scratch.buffers[0]);
  V* const out = z == first ? vectors(scratch.buffers[1]) : first;
  head_(z, rows, static_cast<int>(shape_.outputs()), out);
  return out;
}

template <class T>
void ManyPredictor<T>::predict(const Rows<T>& table, bool head, T* out) {
  const std::int64_t outputs = shape_.outputs();
  each_block(table.count, [&](const Scratch& scratch, std::int64_t begin, std::int64_t rows) {
    take_inputs(scratch, table, begin, rows);
    for (std::int64_t pack = 0; pack < packs_; ++pack) {
      const T* const predictions = reinterpret_cast<const T*>(predict_block(scratch, pack, rows, head));
      for (int lane = 0; lane < used_lanes(pack); ++lane) {
        T* const to = out + ((pack * kLanes + lane) * table.count + begin) * outputs;
        for (std::int64_t i = 0; i < rows * outputs; ++i) to[i] = predictions[i * kLanes + lane];
      }
    }
  });
}

template <class T>
void ManyPredictor<T>::mean(const Rows<T>& table, const double* shares, double* out) {
  const std::int64_t outputs = shape_.outputs();
  each_block(table.count, [&](const Scratch& scratch, std::int64_t begin, std::int64_t rows) {
    double* const sums = out + begin * outputs;
    std::fill_n(sums, rows * outputs, 0.0);
    take_inputs(scratch, table, begin, rows);
    for (std::int64_t pack = 0; pack < packs_; ++pack) {
      const T* const predictions = reinterpret_cast<const T*>(predict_block(scratch, pack, rows, true));
      for (std::int64_t i = 0; i < rows * outputs; ++i) {
        double sum = sums[i];
        for (int lane = 0; lane < used_lanes(pack); ++lane)
          sum += shares[pack * kLanes + lane] * static_cast<double>(predictions[i * kLanes + lane]);
        sums[i] = sum;
      }
    }
  });
}

template <class T>
void ManyPredictor<T>::evaluate(const Rows<T>& table, Evaluation* out) {
  Tasks tasks;
  tasks.assign_evenly(packs_, threads_.count());
  threads_.run([&](int thread) {
    const Scratch& scratch = scratch_[static_cast<std::size_t>(thread)];
    tasks.work(thread, [&](std::int64_t pack) { evaluate_pack(scratch, table, pack, out + pack * kLanes); });
  });
}

// Sums are in double and in row order, as in `Evaluator::summarize`.
template <class T>
void ManyPredictor<T>::evaluate_pack(const Scratch& scratch, const Rows<T>& table, std::int64_t pack,
                                     Evaluation* out) const {
  const int outputs = static_cast<int>(shape_.outputs());
  double losses[kLanes] = {};
  double metrics[kLanes] = {};
  double weights = 0;
  for (std::int64_t begin = 0; begin < table.count; begin += kBlock) {
    const std::int64_t rows = std::min(kBlock, table.count - begin);
    take_inputs(scratch, table, begin, rows);
    take_labels(scratch, table, begin, rows);
    loss_pass_({rows, outputs, forward(scratch, pack, rows), vectors(scratch.targets), vectors(scratch.labels), nullptr,
                nullptr, vectors(scratch.loss), vectors(scratch.metric), vectors(scratch.spare)},
               loss_numbers_);
    for (std::int64_t r = 0; r < rows; ++r) {
      const double weight = table.weight(begin + r);
      const T* const loss = scratch.loss.data() + r * kLanes;
      const T* const metric = scratch.metric.data() + r * kLanes;
      for (int lane = 0; lane < kLanes; ++lane) losses[lane] += weight * static_cast<double>(loss[lane]);
      for (int lane = 0; lane < kLanes; ++lane) metrics[lane] += static_cast<double>(metric[lane]);
      weights += weight;
    }
  }
  for (int lane = 0; lane < used_lanes(pack); ++lane)
    out[lane] = {losses[lane] / weights,
                 metric_from_mean(plan_.loss.kind, metrics[lane] / static_cast<double>(table.count))};
}

#define INSTANTIATE(T) template class ManyPredictor<T>;
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
