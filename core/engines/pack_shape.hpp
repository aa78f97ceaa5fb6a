// What the networks of a pack have in common. The rest of a plan may differ from lane to lane.
//
// Each function names all members of its struct. One that is added to a plan does not compile until it is named here,
// where it is compared or else is a number of each lane.
#pragma once

#include <algorithm>
#include <tuple>

#include "plan.hpp"

namespace creche::CRECHE_LEVEL {

namespace detail {

inline auto common_of(const LayerPlan& plan) {
  const auto& [width, activation, activation_parameter, dropout, initializer, initializer_parameter, bias_initializer,
               scales_inputs, normalization, parametric, residual, sharing, weights, biases, scale, slopes, gains] =
      plan;
  return std::tuple(width, activation, dropout > 0, scales_inputs, normalization, parametric, residual, sharing);
}

inline auto common_of(const LossPlan& plan) {
  const auto& [kind, label_smoothing, delta, quantiles] = plan;
  return std::tuple(kind);
}

inline auto common_of(const OptimizerPlan& plan) {
  const auto& [kind, learning_rate, momentum, dampening, nesterov, beta1, beta2, rho, epsilon, learning_rate_decay,
               initial_accumulator, centered, amsgrad, history, weight_decay, decoupled, l1, regularize_bias, clip_norm,
               clip_value] = plan;
  return std::tuple(kind, momentum != 0, nesterov, centered, amsgrad, history);
}

inline auto common_of(const EarlyStoppingPlan& plan) {
  const auto& [patience, min_delta, restore_best] = plan;
  return std::tuple(patience > 0);
}

inline auto common_of(const EmbeddingPlan& plan) {
  const auto& [kind, columns, sizes, width, frequencies, deviation, parameters] = plan;
  return std::tuple(kind, columns, sizes, width, frequencies);
}

inline auto common_of(const Plan& plan) {
  const auto& [inputs, submodels, submodel_start, input_features, embeddings, layers, loss, optimizer, schedule,
               weight_decay_schedule, dropout_schedule, label_smoothing_schedule, early_stopping, batch_size, shards,
               drop_last, own_batches, rounds_products, epochs, seed, shuffle, windows] = plan;
  return std::tuple(inputs, submodels, layers.size(), common_of(loss), common_of(optimizer), common_of(early_stopping),
                    batch_size, shards, drop_last, own_batches, rounds_products, epochs, shuffle, windows.block,
                    windows.window);
}

}  // namespace detail

// The factors of the optimizer's numbers for all groups of a layer.
inline auto groups_of(const LayerPlan& plan) {
  const auto& [width, activation, activation_parameter, dropout, initializer, initializer_parameter, bias_initializer,
               scales_inputs, normalization, parametric, residual, sharing, weights, biases, scale, slopes, gains] =
      plan;
  return std::tie(weights, biases, scale, slopes, gains);
}

// Whether networks of two plans can be trained in one pack, if they also have as many rows.
inline bool have_same_shape(const Plan& one, const Plan& other) {
  const auto is_alike = [](const auto& a, const auto& b) { return detail::common_of(a) == detail::common_of(b); };
  return is_alike(one, other) && std::ranges::equal(one.embeddings, other.embeddings, is_alike) &&
         std::ranges::equal(one.layers, other.layers, is_alike);
}

}  // namespace creche::CRECHE_LEVEL
