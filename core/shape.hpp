// The layers of a network and the blocks of their parameters.
//
//   the block of a layer   [panel of outputs][1 + inputs][16]   row 0 is the bias, row 1 + i the weights from input i
//   the transposed copy    [panel of inputs][outputs, staggered][16]             without the bias
//
// The bias comes first because every weighted sum begins with it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "gemm/panel.hpp"
#include "parameters.hpp"
#include "plan.hpp"

namespace creche::CRECHE_LEVEL {

// The parts of a layer's block.
inline constexpr std::size_t kBiasPart = 0, kWeightsPart = 1;

struct LayerShape {
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  std::size_t block = 0;               // its parameters, in NetworkShape::blocks
  std::int64_t transposed_offset = 0;  // offset in the arena of transposed weights

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
      const std::string name = std::to_string(layers.size());
      layers.push_back({inputs, layer.width, blocks.size(), transposed_size});
      add_block(1 + inputs, layer.width,
                {{name + ".bias", 0, 1, true, true, layers.size() - 1},
                 {name + ".weights", 1, inputs, false, false, layers.size() - 1}});
      const LayerShape& shape = layers.back();
      transposed_size += shape.input_panels() * shape.transposed_rows() * kPanel;
      widest_panels = std::max(widest_panels, shape.output_panels());
      inputs = layer.width;
    }
  }

  std::int64_t inputs() const { return layers.front().inputs; }
  std::int64_t outputs() const { return layers.back().outputs; }
  std::int64_t count() const { return static_cast<std::int64_t>(layers.size()); }
  const ParameterBlock& block_of(const LayerShape& layer) const { return blocks[layer.block]; }

 private:
  void add_block(std::int64_t rows, std::int64_t columns, std::vector<ParameterPart> parts) {
    blocks.push_back({rows, columns, weights_size, parameters, std::move(parts)});
    weights_size += blocks.back().panels() * rows * kPanel;
    parameters += blocks.back().size();
  }
};

// The transposed weights of one layer: outputs (and padding) x inputs.
template <class T>
PanelMatrix<T> transposed_view(T* arena, const LayerShape& layer) {
  return {arena + layer.transposed_offset, layer.transposed_rows(), layer.inputs};
}

}  // namespace creche::CRECHE_LEVEL
