// The parts of a plan that are kinds and numbers alone, without arrays, so that a kernel of a GPU can read them as
// well. plan.hpp puts them together.
#pragma once

#include <cstdint>

#include "level.hpp"

namespace creche::CRECHE_LEVEL {

enum class ActivationKind {
  identity,
  relu,
  leaky_relu,
  elu,
  selu,
  gelu,
  gelu_tanh,
  silu,
  mish,
  tanh,
  sigmoid,
  softplus
};

enum class LossKind {
  cross_entropy,             // softmax head, class labels
  squared_error_of_classes,  // softmax head, class labels: the squared error of the probabilities
  binary_cross_entropy,      // sigmoid head, targets in [0, 1]
  squared_error,
  absolute_error,
  huber,
  poisson,  // exponential head, targets >= 0
  quantile,
};

enum class OptimizerKind { sgd, adagrad, adadelta, rmsprop, adam, adamw, nadam, radam, lion, lbfgs };

enum class InitializerKind {
  glorot_uniform,
  glorot_normal,
  he_uniform,
  he_normal,
  lecun_uniform,
  lecun_normal,
  orthogonal,
  zeros,
  constant,
  unit_variance,
};

enum class BiasInitializerKind { zeros, normal, uniform, sampled };

enum class NormalizationKind { none, layer, batch };

// What of a layer the submodels of a network share (shape.hpp). Those that own a factor for each input have
// `scales_inputs`.
enum class WeightSharing {
  all,
  all_but_scale,  // each submodel has its own factors for the inputs
  matrix,         // and its own factors for the outputs, and biases
  none,
};

// Where the factors of the first layer's inputs begin, if each submodel has its own: -1 or 1, or from N(0, 1).
enum class SubmodelStart { signs, normal };
enum class EmbeddingKind { linear, periodic, category };

enum class ScheduleKind { constant, step, exponential, cosine, cosine_log, flat_cosine, one_cycle, reduce_on_plateau };

// The factor of a number of the plan over the course of training. See schedules.hpp for the formulas. Lengths are in
// the schedule's own unit: epochs, or steps if `per_step` is set.
struct SchedulePlan {
  ScheduleKind kind = ScheduleKind::constant;
  bool per_step = false;
  double length = 0;        // the cosines, one_cycle: units until the end; step: units between two drops
  double factor = 1;        // step, exponential, reduce_on_plateau: the factor of each drop
  double minimum = 0;       // cosine: the final factor; reduce_on_plateau: the smallest factor
  double cycles = 4;        // cosine_log: how often the factor rises and falls
  double peak_at = 0.3;     // one_cycle: the rising share of length
  double start = 0.04;      // one_cycle: the factor at the start (PyTorch's 1 / div_factor)
  double finish = 4e-6;     // one_cycle: the factor at the end
  double patience = 10;     // reduce_on_plateau: epochs without improvement before a drop
  double threshold = 1e-4;  // reduce_on_plateau: the least relative improvement that counts
  double warmup = 0;        // units of linear warm-up before the schedule starts; 0: none
  double warmup_start = 0;  // the factor at the first unit of warm-up

  bool operator==(const SchedulePlan&) const = default;
};

struct OptimizerPlan {
  OptimizerKind kind = OptimizerKind::adam;
  double learning_rate = 1e-3;
  double momentum = 0;    // sgd, rmsprop; nadam: momentum_decay
  double dampening = 0;   // sgd
  bool nesterov = false;  // sgd
  double beta1 = 0.9;     // adam family, lion
  double beta2 = 0.999;   // adam family, lion
  double rho = 0.9;       // adadelta; rmsprop: alpha
  double epsilon = 1e-8;
  double learning_rate_decay = 0;  // adagrad
  double initial_accumulator = 0;  // adagrad
  bool centered = false;           // rmsprop
  bool amsgrad = false;            // adam, adamw
  std::int64_t history = 10;       // lbfgs: pairs that are kept
  double weight_decay = 0;
  bool decoupled = false;  // weight decay shrinks weights directly (AdamW) instead of entering the gradient
  double l1 = 0;
  bool regularize_bias = false;  // weight decay and L1 apply to the biases too
  double clip_norm = 0;          // 0: no clipping
  double clip_value = 0;         // 0: no clipping

  bool operator==(const OptimizerPlan&) const = default;
};

// Factors of the optimizer's numbers for one group of parameters, such as the weights, or the biases, of a layer.
struct GroupPlan {
  double learning_rate = 1;
  double epsilon = 1;
  double weight_decay = 1;
  double l1 = 1;
  double clip_value = 1;

  bool operator==(const GroupPlan&) const = default;
};

// One fully connected layer, and what comes with it: see layers/layer.hpp for the formulas.
struct LayerPlan {
  std::int64_t width = 0;
  ActivationKind activation = ActivationKind::identity;
  double activation_parameter = 0;  // leaky_relu: slope; elu: alpha; softplus: beta
  double dropout = 0;               // share of this layer's activations dropped while training
  InitializerKind initializer = InitializerKind::glorot_uniform;
  double initializer_parameter = 1;  // gain; the value for `constant`
  BiasInitializerKind bias_initializer = BiasInitializerKind::zeros;
  bool scales_inputs = false;                                 // by a learned factor for each input
  NormalizationKind normalization = NormalizationKind::none;  // of the weighted sums, before the activation
  bool parametric = false;                                    // each neuron learns how much its activation bends
  bool residual = false;  // the layer's inputs, as many as its outputs, are added to its outputs
  WeightSharing sharing = WeightSharing::all;
  GroupPlan weights, biases, scale, slopes, gains;
};

struct EarlyStoppingPlan {
  std::int64_t patience = 0;  // epochs without improvement before stopping; 0: no early stopping
  double min_delta = 0;       // the least improvement that counts
  bool restore_best = true;   // end with the weights of the best epoch
};

}  // namespace creche::CRECHE_LEVEL
