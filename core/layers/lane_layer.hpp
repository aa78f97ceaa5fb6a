// One layer of a pack, as layers/layer.hpp has it for a single network: each lane with its own network and row.
#pragma once

#include <cstdint>

#include "layers/lane_pass.hpp"
#include "plan.hpp"
#include "shape.hpp"

namespace creche::CRECHE_LEVEL {

template <class V>
struct LaneLayer {
  LaneLayer(const LayerPlan& plan, const LayerShape& layer, const NetworkShape& network);

  std::int64_t inputs;
  std::int64_t outputs;
  ActivationKind kind;
  LaneActivate<V> activate;
  LaneBend<V> bend;  // null if the layer has no slopes
  V parameter{};     // of the activation
  bool is_residual;
  bool is_plain;  // weights and an activation, without any other parameters
  bool keeps_derivative;
  bool derivative_from_value;
  LayerShape shape;
  // Offsets of the blocks, in vectors: the bias and then the weights input by input; the others negative if there are
  // none.
  std::int64_t at;
  std::int64_t scale_at, output_scale_at, normalization_at, slopes_at;

  // Of a submodel's parameters.
  std::int64_t bias_at(std::int64_t submodel) const { return at + shape.bias_row(submodel) * outputs; }
  std::int64_t weights_at(std::int64_t submodel) const { return at + shape.weights_row(submodel) * outputs; }
  std::int64_t scale_at_of(std::int64_t submodel) const { return scale_at + shape.scale_row(submodel) * inputs; }
  const V* normalization_row(const V* weights, std::int64_t row) const {
    return weights + normalization_at + row * outputs;
  }
  std::int64_t output_scale_at_of(std::int64_t submodel) const { return output_scale_at + submodel * outputs; }
};

// The matrices of a layer, row by row. Those that the plan or the pass does not need may be null. The stride between
// rows is that of the member next to it, otherwise the number of columns.
template <class V>
struct LaneMatrices {
  const V* inputs = nullptr;
  std::int64_t input_stride = 0;
  V* scaled = nullptr;
  std::int64_t scaled_stride = 0;
  V* outputs = nullptr;
  std::int64_t output_stride = 0;
  V* derivatives = nullptr;
  V* dloss_dz = nullptr;
  V* skipped = nullptr;
  V* normalized = nullptr;
  V* inverse = nullptr;
  V* statistics = nullptr;  // of each neuron in the batch, which the rows then are; one row has none
  V* scale_terms = nullptr;
  V* shift_terms = nullptr;
  V* slope_terms = nullptr;
  V* output_scale_terms = nullptr;
  V* bias_terms = nullptr;

  bool has_statistics(std::int64_t rows) const { return statistics != nullptr && rows > 1; }
  const V* left() const { return scaled != nullptr ? scaled : inputs; }
  std::int64_t left_stride() const { return scaled != nullptr ? scaled_stride : input_stride; }
};

// weights: the arena of the pack. The rows are those of a submodel.
template <class V>
void lane_layer_forward(const LaneLayer<V>& layer, const V* weights, const LaneMatrices<V>& of, std::int64_t rows,
                        std::int64_t submodel);

template <class V>
void lane_add_residual(const LaneLayer<V>& layer, const LaneMatrices<V>& of, std::int64_t rows);

template <class V>
void lane_outputs_backward(const LaneLayer<V>& layer, const V* weights, const LaneMatrices<V>& of, std::int64_t rows,
                           std::int64_t submodel);

// Moves the running statistics of a layer towards those of a batch of `count` rows.
template <class V>
void lane_move_running_statistics(const LaneLayer<V>& layer, V* weights, const V* statistics, std::int64_t count);

template <class V>
void lane_inputs_backward(const LaneLayer<V>& layer, const V* weights, const LaneMatrices<V>& of, std::int64_t rows,
                          std::int64_t submodel, V* out);

template <class V>
void lane_layer_backward(const LaneLayer<V>& layer, const LaneLayer<V>& below, const V* weights,
                         const LaneMatrices<V>& of, const LaneMatrices<V>& of_below, std::int64_t rows,
                         std::int64_t submodel);

}  // namespace creche::CRECHE_LEVEL
