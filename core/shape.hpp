// The layers of a network and the blocks of their parameters.
//
//   the weights of a layer  [panel of outputs][1 + inputs][16]   row 0 is the bias, row 1 + i the weights from input i
//   the transposed copy    [panel of inputs][outputs, staggered][16]             without the bias
//
// The bias comes first because every weighted sum begins with it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gemm/panel.hpp"
#include "parameters.hpp"
#include "plan.hpp"

namespace creche::CRECHE_LEVEL {

// The parts of a layer's block.
inline constexpr std::size_t kBiasPart = 0, kWeightsPart = 1;
// The rows of the block of a normalization.
inline constexpr std::int64_t kShiftRow = 0, kGainRow = 1;

// A block that a layer may lack.
using MaybeBlock = std::optional<std::size_t>;

struct LayerShape {
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  std::size_t block = 0;               // the biases and weights, in NetworkShape::blocks
  std::int64_t transposed_offset = 0;  // offset in the arena of transposed weights
  MaybeBlock scale;                    // a factor for each input
  MaybeBlock normalization;            // a shift and a gain for each output
  MaybeBlock slopes;                   // of a parametric activation, for each output

  std::int64_t input_panels() const { return panel_count(inputs); }
  std::int64_t output_panels() const { return panel_count(outputs); }
  // Written in blocks of 16 x 16.
  std::int64_t transposed_rows() const { return staggered_rows(outputs); }
};

struct NetworkShape {
  std::vector<LayerShape> layers;
  std::vector<ParameterBlock> blocks;
  std::int64_t weights_size = 0;  // of an arena, padding included
  std::int64_t transposed_size = 0;
  std::int64_t parameters = 0;     // without padding
  std::int64_t widest_panels = 0;  // over inputs and all layers

  explicit NetworkShape(const Plan& plan) {
    std::int64_t inputs = plan.inputs;
    widest_panels = panel_count(inputs);
    for (const LayerPlan& layer : plan.layers) {
      add_layer(inputs, layer);
      inputs = layer.width;
    }
  }

  std::int64_t inputs() const { return layers.front().inputs; }
  std::int64_t outputs() const { return layers.back().outputs; }
  std::int64_t count() const { return static_cast<std::int64_t>(layers.size()); }
  const ParameterBlock& block_of(const LayerShape& layer) const { return blocks[layer.block]; }
  // Whether the backward pass goes through the weights of layer l, to parameters below them.
  bool passes_gradients_below(std::int64_t l) const { return l > 0 || layers[0].scale.has_value(); }

 private:
  void add_layer(std::int64_t inputs, const LayerPlan& plan) {
    const std::size_t l = layers.size();
    const std::string name = std::to_string(l);
    LayerShape layer{inputs, plan.width, blocks.size(), transposed_size, {}, {}, {}};
    transposed_size += layer.input_panels() * layer.transposed_rows() * kPanel;
    widest_panels = std::max(widest_panels, layer.output_panels());
    add_block(1 + inputs, plan.width,
              {{name + ".bias", 0, 1, true, true, l, &LayerPlan::biases},
               {name + ".weights", 1, inputs, false, false, l, &LayerPlan::weights}});
    if (plan.scales_inputs)
      layer.scale = add_block(1, inputs, {{name + ".scale", 0, 1, true, false, l, &LayerPlan::scale}});
    if (plan.normalization != NormalizationKind::none) {
      layer.normalization = add_block(2, plan.width,
                                      {{name + ".shift", kShiftRow, 1, true, true, l, &LayerPlan::biases},
                                       {name + ".gain", kGainRow, 1, true, false, l, &LayerPlan::gains}});
    }
    if (plan.parametric)
      layer.slopes = add_block(1, plan.width, {{name + ".slopes", 0, 1, true, false, l, &LayerPlan::slopes}});
    layers.push_back(layer);
  }

  std::size_t add_block(std::int64_t rows, std::int64_t columns, std::vector<ParameterPart> parts) {
    blocks.push_back({rows, columns, weights_size, parameters, std::move(parts)});
    weights_size += blocks.back().panels() * rows * kPanel;
    parameters += blocks.back().size();
    return blocks.size() - 1;
  }
};

// The transposed weights of one layer: outputs (and padding) x inputs.
template <class T>
PanelMatrix<T> transposed_view(T* arena, const LayerShape& layer) {
  return {arena + layer.transposed_offset, layer.transposed_rows(), layer.inputs};
}

}  // namespace creche::CRECHE_LEVEL
