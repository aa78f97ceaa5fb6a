// One network on one warp of a GPU, with the bytes of `Solo`.
//
// A step has phases. In each, every lane does its own part; all lanes have finished a phase before the next begins. On
// the way forward and back a lane has a row. For gradients it has tiles of weights, whose sums over the rows begin with
// row 0; for the optimizer it has weights. Weights, gradients, optimizer state and the activations of a block of rows
// lie in memory that the lanes share. Nothing here knows whether the lanes are those of a GPU or turns of a loop.
//
// Tests: tests/engine/test_device_warp.py, tests/device
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "activations/all.hpp"
#include "losses/all.hpp"
#include "losses/row_metric.hpp"
#include "member.hpp"
#include "optimizers/all.hpp"
#include "random/philox.hpp"
#include "random/streams.hpp"

namespace creche::CRECHE_LEVEL::device {

// Coefficients of one group of parameters: the weights or the biases of a layer.
struct GroupNumbers {
  Coefficients<float> coefficients;
  Regularization<float> regularization;
};

struct LayerDropout {
  std::uint32_t threshold = 0;
  float kept = 0;  // the factor of what is kept; 0: nothing is dropped
};

// The numbers of a plan that follow schedules.
enum Scheduled : int { kRate, kDecay, kDropout, kSmoothing, kSchedules };

// What the lanes share besides arrays whose size depends on the shape.
struct WarpNumbers {
  Progress progress;
  Scalars next_scalars;
  double factors[kSchedules];
  double batch_weight;
  double per_weight;
  double validation_loss, validation_weight, validation_metric;  // sums
  float label_smoothing;
  float clip;
  bool is_finite;
  bool improved;
  alignas(16) float ones[kWarp];  // the inputs of biases
  float loss[kWarp], metric[kWarp];
  std::uint32_t words[4 * kWarp];  // random ones, of a shuffle
};

constexpr std::int64_t multiple_of_16(std::int64_t bytes) { return (bytes + 15) / 16 * 16; }

// The memory of a warp. planes: of the optimizer; order_rows: of the order of an epoch, if it is kept there.
template <class Shape>
constexpr std::int64_t warp_bytes(const Shape& shape, std::int64_t planes, std::int64_t order_rows) {
  const std::int64_t floats =
      shape.arena() * (2 + planes) + shape.values_at(shape.layers()) + shape.deltas_at(shape.layers());
  return multiple_of_16(sizeof(WarpNumbers)) +
         shape.layers() * static_cast<std::int64_t>(2 * sizeof(GroupNumbers) + 2 * sizeof(LayerDropout)) + 4 * floats +
         multiple_of_16(2 * order_rows);
}

template <class Shape, class Loss>
class Warp {
 public:
  using N = Vec<float, 1>;

  // memory: warp_bytes(), aligned to 16 bytes. order: where the order of an epoch is kept; null: in that memory.
  CRECHE_INLINE Warp(const Shape& shape, const MemberPlan& plan, char* memory, std::int64_t planes,
                     std::uint16_t* order)
      : shape_(shape), plan_(plan) {
    numbers_ = reinterpret_cast<WarpNumbers*>(memory);
    memory += multiple_of_16(sizeof(WarpNumbers));
    groups_ = reinterpret_cast<GroupNumbers*>(memory);
    memory += 2 * shape.layers() * sizeof(GroupNumbers);
    dropout_ = reinterpret_cast<LayerDropout*>(memory);
    memory += 2 * shape.layers() * sizeof(LayerDropout);
    weights_ = reinterpret_cast<float*>(memory);
    gradients_ = weights_ + shape.arena();
    planes_ = gradients_ + shape.arena();
    values_ = planes_ + planes * shape.arena();
    deltas_ = values_ + shape.values_at(shape.layers());
    order_ = order != nullptr ? order : reinterpret_cast<std::uint16_t*>(deltas_ + shape.deltas_at(shape.layers()));
  }

  CRECHE_INLINE const Progress& progress() const { return numbers_->progress; }
  CRECHE_INLINE bool is_finite() const { return numbers_->is_finite; }

  // From and to the memory of the device.
  CRECHE_INLINE void load(int lane, const Launch& launch, std::int64_t member) {
    const std::int64_t size = shape_.arena();
    CRECHE_UNROLL_ONCE
    for (std::int64_t i = lane; i < size; i += kWarp) weights_[i] = launch.weights[member * size + i];
    CRECHE_UNROLL_ONCE
    for (std::int64_t i = lane; i < plan_.planes * size; i += kWarp)
      planes_[i] = launch.planes[member * launch.planes_each * size + i];
    numbers_->ones[lane] = 1;
    if (lane != 0) return;
    numbers_->progress = launch.progress[member];
    numbers_->is_finite = true;
  }

  CRECHE_INLINE void store(int lane, const Launch& launch, std::int64_t member) const {
    const std::int64_t size = shape_.arena();
    const Progress& p = numbers_->progress;
    const bool has_ended = p.early_stopped || p.epoch == plan_.epochs;
    const bool stops_early = plan_.early_stopping.patience > 0;
    const bool restores = has_ended && stops_early && plan_.early_stopping.restore_best;
    CRECHE_UNROLL_ONCE
    for (std::int64_t i = lane; i < size; i += kWarp) {
      float weight = weights_[i];
      if (stops_early) {
        float& best = launch.best[member * size + i];
        if (numbers_->improved) best = weight;
        if (restores) weight = best;
      }
      launch.weights[member * size + i] = weight;
    }
    CRECHE_UNROLL_ONCE
    for (std::int64_t i = lane; i < plan_.planes * size; i += kWarp)
      launch.planes[member * launch.planes_each * size + i] = planes_[i];
    if (lane != 0) return;
    launch.progress[member] = p;
    if (has_ended) launch.status[member] = p.early_stopped ? Status::early_stopped : Status::finished;
  }

  // The order of an epoch is shuffled from its last position down, kShuffled positions at a time: all lanes draw words,
  // then one swaps.
  static constexpr std::int64_t kShuffled = 4 * kWarp;

  CRECHE_INLINE void begin_order(int lane) {
    for (std::int64_t i = lane; i < plan_.train.count; i += kWarp) order_[i] = static_cast<std::uint16_t>(i);
  }
  CRECHE_INLINE void draw_words(int lane, std::int64_t done) {
    const auto counter = static_cast<std::uint32_t>(done / 4 + lane);
    const auto epoch = static_cast<std::uint32_t>(numbers_->progress.epoch);
    const PhiloxWords words = philox(plan_.seed, {counter, 0, epoch, kStreamShuffle});
    for (int i = 0; i < 4; ++i) numbers_->words[4 * lane + i] = words[static_cast<std::size_t>(i)];
  }
  CRECHE_INLINE void swap_rows(int lane, std::int64_t done) {
    if (lane != 0) return;
    std::int64_t last = plan_.train.count - done;
    CRECHE_UNROLL_ONCE
    for (int k = 0; k < kShuffled && last > 1; ++k, --last) {
      const auto other = shuffled_position(numbers_->words[k], static_cast<std::size_t>(last));
      const std::uint16_t row = order_[other];
      order_[other] = order_[last - 1];
      order_[last - 1] = row;
    }
  }

  // The factors of the numbers that follow schedules, at the next step. A lane has a schedule.
  CRECHE_INLINE void find_factors(int lane) {
    if (lane >= kSchedules) return;
    const SchedulePlan& schedule = lane == kRate      ? plan_.schedule
                                   : lane == kDecay   ? plan_.weight_decay_schedule
                                   : lane == kDropout ? plan_.dropout_schedule
                                                      : plan_.label_smoothing_schedule;
    const Progress& p = numbers_->progress;
    numbers_->factors[lane] = schedule_factor(schedule, units_done(schedule, p), p.plateau);
  }

  // The numbers of the next step, or of the evaluation of the validation rows. A lane has a group of parameters.
  CRECHE_INLINE void begin_turn(int lane, bool is_training, std::int64_t begin, std::int64_t count) {
    Progress& p = numbers_->progress;
    const double* const factors = numbers_->factors;
    const double rate = plan_.optimizer.learning_rate * factors[kRate];
    if (lane < 2 * shape_.layers() && is_training) {
      const MemberLayer& layer = plan_.layers[lane / 2];
      const bool is_bias = lane % 2 == 1;
      const GroupPlan& group = is_bias ? layer.biases : layer.weights;
      OptimizerPlan optimizer = plan_.optimizer;
      optimizer.epsilon *= group.epsilon;
      Scalars scalars = p.scalars;
      GroupNumbers& out = groups_[lane];
      out.coefficients = prepare_coefficients<float>(optimizer, rate * group.learning_rate, p.step + 1, scalars);
      out.regularization = Regularization<float>::prepare(RegularizationPlan(plan_.optimizer, group, is_bias),
                                                          rate * group.learning_rate, factors[kDecay]);
      if (lane == 0) numbers_->next_scalars = scalars;
    }
    if (lane < shape_.layers()) {
      const double share = is_training ? plan_.layers[lane].dropout * factors[kDropout] : 0.0;
      dropout_[lane] = {};
      if (share > 0)
        dropout_[lane] = {static_cast<std::uint32_t>(share * 4294967296.0), static_cast<float>(1.0 / (1.0 - share))};
    }
    if (lane != 0) return;
    if (!is_training) {
      numbers_->label_smoothing = static_cast<float>(plan_.loss.label_smoothing);
      numbers_->validation_loss = numbers_->validation_weight = numbers_->validation_metric = 0;
      return;
    }
    if (p.batch == 0) p.learning_rate = rate;
    double weight = static_cast<double>(count);
    if (plan_.train.weights != nullptr) {
      weight = 0;
      for (std::int64_t r = 0; r < count; ++r) weight += plan_.train.weight(training_row(begin + r));
    }
    numbers_->batch_weight = weight;
    numbers_->per_weight = weight > 0 ? 1.0 / weight : 0.0;
    numbers_->label_smoothing = static_cast<float>(plan_.loss.label_smoothing * factors[kSmoothing]);
  }

  // A row forward, through the loss and, in training, back.
  CRECHE_INLINE void pass_row(int lane, bool is_training, std::int64_t position) {
    const Rows<float>& table = is_training ? plan_.train : plan_.validation;
    const std::int64_t row = is_training ? training_row(position) : position;
    CRECHE_UNROLL_ONCE
    for (int i = 0; i < shape_.inputs(Constant<0>{}); ++i)
      values_[i * kRowStride + lane] = table.x[row * table.x_stride + i];
    // The products have code for each layer, the activations, which are many, for all layers together.
    CRECHE_UNROLL_ONCE
    for (int l = 0; l < shape_.layers() - 1; ++l) {
      float *values = nullptr, *derivatives = nullptr;
      int neurons = 0;
      each(less_one(shape_.layers()), [&](auto layer) __attribute__((always_inline)) {
        if (layer != l) return;
        N z[Shape::kWidest];
        weighted_sums(layer, lane, z);
        values = values_ + shape_.values_at(plus_one(layer)) + lane;
        derivatives = deltas_ + shape_.deltas_at(layer) + lane;
        neurons = shape_.outputs(layer);
        each(shape_.outputs(layer), [&](auto j) __attribute__((always_inline)) { values[j * kRowStride] = z[j].raw; });
      });
      activate(plan_.layers[l], values, derivatives, neurons);
      drop(l, position, values, derivatives, neurons);
    }
    pass_loss(lane, table, row);
    if (is_training) pass_back(lane);
  }

  // Adds the losses and, in training, the gradients of the rows of a block, in their order.
  CRECHE_INLINE void add_rows(int lane, bool is_training, std::int64_t begin, int rows, bool is_first) {
    if (lane < 2) add_losses(lane, is_training, begin, rows);
    if (is_training) add_gradients(lane, rows, is_first);
  }

  // The squares of the gradients of each column, row by row, then the columns one after the other: where a step clips
  // by norm, these two phases come before update().
  CRECHE_INLINE void add_squares(int lane) {
    each(shape_.layers(), [&](auto l) __attribute__((always_inline)) {
      if (lane >= shape_.outputs(l)) return;
      const float* const gradients = gradients_ + shape_.weights_at(l) + lane;
      N sum(0.0f);
      CRECHE_UNROLL_ONCE
      for (int i = 0; i <= shape_.inputs(l); ++i) {
        const N g(gradients[i * 4 * fours(shape_.outputs(l))]);
        sum = fma(g, g, sum);
      }
      values_[l * kWarp + lane] = sum.raw;
    });
  }
  CRECHE_INLINE void find_clip(int lane) {
    if (lane != 0) return;
    N sum(0.0f);
    each(shape_.layers(), [&](auto l) __attribute__((always_inline)) {
      CRECHE_UNROLL_ONCE
      for (int j = 0; j < shape_.outputs(l); ++j) sum += N(values_[l * kWarp + j]);
    });
    const N factor = N(static_cast<float>(plan_.optimizer.clip_norm)) / (sqrt(sum) + N(1e-6f));
    numbers_->clip = select(factor < N(1.0f), factor, N(1.0f)).raw;
  }

  CRECHE_INLINE void update(int lane) {
    const bool clips = plan_.optimizer.clip_norm > 0;
    const bool is_regularized_plan = is_regularized(plan_.optimizer);
    const int size = shape_.arena();
    with_optimizer(plan_.optimizer, [&](auto rule) __attribute__((always_inline)) {
      using Rule = decltype(rule);
      CRECHE_UNROLL_ONCE
      for (int i = lane; i < size; i += kWarp) {
        const GroupNumbers& group = groups_[group_of(i)];
        N w(weights_[i]), g(gradients_[i]), state[kMaxPlanes];
        for (int p = 0; p < Rule::kPlanes; ++p) state[p] = N(planes_[p * size + i]);
        if (clips) g *= N(numbers_->clip);
        if (is_regularized_plan) regularize(w, g, Regularization<N>(group.regularization));
        Rule::update(w, g, state, Coefficients<N>(group.coefficients));
        weights_[i] = w.raw;
        for (int p = 0; p < Rule::kPlanes; ++p) planes_[p * size + i] = state[p].raw;
      }
    });
    if (lane != 0) return;
    Progress& p = numbers_->progress;
    p.weight_sum += numbers_->batch_weight;
    p.scalars = numbers_->next_scalars;
    ++p.batch;
    ++p.step;
  }

  CRECHE_INLINE void check_weights(int lane) {
    CRECHE_UNROLL_ONCE
    for (int i = lane; i < shape_.arena(); i += kWarp)
      if (!is_finite_number(weights_[i])) numbers_->is_finite = false;
  }

  CRECHE_INLINE void finish(int lane, EpochRecord& record) {
    if (lane != 0 || !numbers_->is_finite) return;
    Evaluation validation;
    const bool validated = plan_.validation.count > 0;
    if (validated) {
      validation.loss = numbers_->validation_loss / numbers_->validation_weight;
      validation.metric =
          metric_from_mean(plan_.loss.kind, numbers_->validation_metric / static_cast<double>(plan_.validation.count));
      if (!(std::abs(validation.loss) <= std::numeric_limits<double>::max())) {
        numbers_->is_finite = false;
        return;
      }
    }
    numbers_->improved = finish_epoch(plan_, plan_.train.count, validated, validation, numbers_->progress, record);
  }

 private:
  static CRECHE_INLINE bool is_finite_number(float x) { return std::abs(x) <= std::numeric_limits<float>::max(); }

  CRECHE_INLINE std::int64_t training_row(std::int64_t position) const {
    return plan_.shuffle ? order_[position] : position;
  }

  // Four numbers at once, aligned to 16 bytes.
  static CRECHE_INLINE void load4(const float* from, N* to) {
#ifdef __CUDACC__
    const float4 four = *reinterpret_cast<const float4*>(from);
    to[0] = N(four.x), to[1] = N(four.y), to[2] = N(four.z), to[3] = N(four.w);
#else
    for (int i = 0; i < 4; ++i) to[i] = N(from[i]);
#endif
  }

  // A row of a layer's arena: its biases, or the weights of an input. Padding is read as well.
  template <class Outputs>
  static CRECHE_INLINE void load_row(const float* from, Outputs outputs, N* to) {
    each(fours(outputs), [&](auto q) __attribute__((always_inline)) { load4(from + 4 * q, to + 4 * q); });
  }

  // b + x W, the terms in the order of the inputs.
  template <class Layer>
  CRECHE_INLINE void weighted_sums(Layer l, int lane, N* sums) const {
    const auto outputs = shape_.outputs(l);
    const float* weights = weights_ + shape_.weights_at(l);
    const float* values = values_ + shape_.values_at(l) + lane;
    load_row(weights, outputs, sums);
    CRECHE_UNROLL_TWICE
    for (int k = 0; k < shape_.inputs(l); ++k) {
      weights += 4 * fours(outputs);
      N row[Shape::kWidest];
      load_row(weights, outputs, row);
      const N x(values[k * kRowStride]);
      each(outputs, [&](auto j) __attribute__((always_inline)) { sums[j] = fma(x, row[j], sums[j]); });
    }
  }

  // A neuron's values and derivatives lie kRowStride apart.
  static CRECHE_INLINE void activate(const MemberLayer& layer, float* values, float* derivatives, int neurons) {
    with_activation(layer.activation, [&](auto activation) __attribute__((always_inline)) {
      const N parameter(layer.activation_parameter);
      CRECHE_UNROLL_ONCE
      for (int j = 0; j < neurons * kRowStride; j += kRowStride) {
        N derivative;
        values[j] = decltype(activation)::apply(N(values[j]), parameter, derivative).raw;
        derivatives[j] = derivative.raw;
      }
    });
  }

  CRECHE_INLINE void drop(int layer, std::int64_t position, float* values, float* derivatives, int neurons) const {
    const LayerDropout dropout = dropout_[layer];
    if (dropout.kept == 0) return;
    const auto epoch = static_cast<std::uint32_t>(numbers_->progress.epoch);
    CRECHE_UNROLL_ONCE
    for (int quad = 0; 4 * quad < neurons; ++quad) {
      const PhiloxWords words =
          philox(plan_.seed, {static_cast<std::uint32_t>(quad), static_cast<std::uint32_t>(position), epoch,
                              kStreamDropout + dropout_layer(layer, 0)});
      each(Constant<4>{}, [&](auto i) __attribute__((always_inline)) {
        const int j = 4 * quad + i;
        if (j >= neurons) return;
        const float factor = words[static_cast<std::size_t>(i)] >= dropout.threshold ? dropout.kept : 0.0f;
        values[j * kRowStride] *= factor;
        derivatives[j * kRowStride] *= factor;
      });
    }
  }

  CRECHE_INLINE void pass_loss(int lane, const Rows<float>& table, std::int64_t row) {
    const auto last = less_one(shape_.layers());
    const auto outputs = shape_.outputs(last);
    N z[Shape::kWidest], targets[Shape::kWidest], gradient[Shape::kWidest];
    weighted_sums(last, lane, z);
    N label(0.0f);
    if constexpr (Loss::kClasses) {
      label = N(static_cast<float>(table.classes[row]));
    } else {
      each(outputs, [&](auto j) __attribute__((always_inline)) {
        targets[j] = N(table.targets[row * table.targets_stride + j]);
      });
    }
    const LossNumbers<N> numbers{N(numbers_->label_smoothing), N(static_cast<float>(plan_.loss.delta)),
                                 plan_.loss.quantiles};
    numbers_->metric[lane] = detail::row_metric<Loss>(z, targets, label, outputs, gradient).raw;
    numbers_->loss[lane] = Loss::apply(z, targets, label, gradient, outputs, numbers).raw;
    const N scale(table.weights == nullptr ? static_cast<float>(numbers_->per_weight)
                                           : static_cast<float>(table.weight(row) * numbers_->per_weight));
    float* const deltas = deltas_ + shape_.deltas_at(last) + lane;
    each(outputs, [&](auto j) __attribute__((always_inline)) {
      deltas[j * kRowStride] = flush_gradient(gradient[j] * scale).raw;
    });
  }

  // From dL/dz of the output layer to that of the first. Where it begins, the place of each hidden layer holds da/dz.
  CRECHE_INLINE void pass_back(int lane) {
    each_down(less_one(shape_.layers()), [&](auto below) __attribute__((always_inline)) {
      const auto l = plus_one(below);
      const auto outputs = shape_.outputs(l);
      const MemberLayer& layer = plan_.layers[below];
      // As `Solo`, which has no derivative of such a layer, only its values.
      const bool selects = layer.activation == ActivationKind::relu && !(layer.dropout > 0);
      const float* const from = deltas_ + shape_.deltas_at(l) + lane;
      float* const to = deltas_ + shape_.deltas_at(below) + lane;
      const float* weights = weights_ + shape_.weights_at(l);
      N delta[Shape::kWidest];
      each(outputs, [&](auto j) __attribute__((always_inline)) { delta[j] = N(from[j * kRowStride]); });
      CRECHE_UNROLL_TWICE
      for (int i = 0; i < shape_.inputs(l); ++i) {
        weights += 4 * fours(outputs);
        N row[Shape::kWidest], sum(0.0f);
        load_row(weights, outputs, row);
        each(outputs, [&](auto j) __attribute__((always_inline)) { sum = fma(delta[j], row[j], sum); });
        const N derivative(to[i * kRowStride]);
        to[i * kRowStride] = (selects ? select(derivative > N(0.0f), sum, N(0.0f)) : sum * derivative).raw;
      }
    });
  }

  // The sums in double: lane 0 has the loss, lane 1 the metric.
  CRECHE_INLINE void add_losses(int lane, bool is_training, std::int64_t begin, int rows) {
    const bool is_loss = lane == 0;
    const Rows<float>& table = is_training ? plan_.train : plan_.validation;
    double& of_training = is_loss ? numbers_->progress.loss_sum : numbers_->progress.metric_sum;
    double& of_validation = is_loss ? numbers_->validation_loss : numbers_->validation_metric;
    double& total = is_training ? of_training : of_validation;
    const float* const from = is_loss ? numbers_->loss : numbers_->metric;
    double sum = total, weights = numbers_->validation_weight;
    bool finite = true;
    for (int r = 0; r < rows; ++r) {
      double x = static_cast<double>(from[r]);
      double weight = 1;
      if (table.weights != nullptr) weight = table.weight(is_training ? training_row(begin + r) : begin + r);
      if (is_loss) {
        finite = finite && is_finite_number(from[r]);
        if (table.weights != nullptr) x = weight * x;
        weights += weight;
      }
      sum += x;
    }
    total = sum;
    if (!is_loss) return;
    if (!is_training) numbers_->validation_weight = weights;
    if (is_training && !finite) numbers_->is_finite = false;
  }

  // A lane has tiles of two inputs (the bias comes before the first) and two outputs. Where a tile reaches beyond the
  // last input or output, that one is computed twice.
  CRECHE_INLINE void add_gradients(int lane, int rows, bool is_first) {
    each(shape_.layers(), [&](auto l) __attribute__((always_inline)) {
      const int inputs = 1 + shape_.inputs(l), outputs = shape_.outputs(l), stride = 4 * fours(shape_.outputs(l));
      const int across = (outputs + 1) / 2, tiles = (inputs + 1) / 2 * across;
      const float* const values = values_ + shape_.values_at(l);
      const float* const deltas = deltas_ + shape_.deltas_at(l);
      float* const gradients = gradients_ + shape_.weights_at(l);
      CRECHE_UNROLL_ONCE
      for (int tile = lane; tile < tiles; tile += kWarp) {
        const int i[2] = {tile / across * 2, std::min(tile / across * 2 + 1, inputs - 1)};
        const int j[2] = {tile % across * 2, std::min(tile % across * 2 + 1, outputs - 1)};
        const float* left[2];
        const float* right[2];
        N sums[2][2];
        each(Constant<2>{}, [&](auto a) __attribute__((always_inline)) {
          left[a] = i[a] == 0 ? numbers_->ones : values + (i[a] - 1) * kRowStride;
          right[a] = deltas + j[a] * kRowStride;
          each(Constant<2>{}, [&](auto b) __attribute__((always_inline)) {
            sums[a][b] = is_first ? N(0.0f) : N(gradients[i[a] * stride + j[b]]);
          });
        });
        const auto add = [&](N x0, N x1, N d0, N d1) __attribute__((always_inline)) {
          sums[0][0] = fma(x0, d0, sums[0][0]);
          sums[0][1] = fma(x0, d1, sums[0][1]);
          sums[1][0] = fma(x1, d0, sums[1][0]);
          sums[1][1] = fma(x1, d1, sums[1][1]);
        };
        int r = 0;
        for (; r + 4 <= rows; r += 4) {
          N x0[4], x1[4], d0[4], d1[4];
          load4(left[0] + r, x0), load4(left[1] + r, x1), load4(right[0] + r, d0), load4(right[1] + r, d1);
          each(Constant<4>{}, [&](auto k) __attribute__((always_inline)) { add(x0[k], x1[k], d0[k], d1[k]); });
        }
        for (; r < rows; ++r) add(N(left[0][r]), N(left[1][r]), N(right[0][r]), N(right[1][r]));
        each(Constant<2>{}, [&](auto a) __attribute__((always_inline)) {
          each(Constant<2>{},
               [&](auto b) __attribute__((always_inline)) { gradients[i[a] * stride + j[b]] = sums[a][b].raw; });
        });
      }
    });
  }

  // The group of a number of an arena.
  CRECHE_INLINE int group_of(int at) const {
    int group = 0;
    each(shape_.layers(), [&](auto l) __attribute__((always_inline)) {
      const int begin = shape_.weights_at(l);
      if (at >= begin) group = 2 * l + (at < begin + 4 * fours(shape_.outputs(l)) ? 1 : 0);
    });
    return group;
  }

  Shape shape_;
  const MemberPlan& plan_;
  WarpNumbers* numbers_;
  GroupNumbers* groups_;   // of each layer its weights, then its biases
  LayerDropout* dropout_;  // of each layer
  float *weights_, *gradients_, *planes_, *values_, *deltas_;
  std::uint16_t* order_;
};

}  // namespace creche::CRECHE_LEVEL::device
