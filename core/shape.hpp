// The position of each layer in the arenas of weights, gradients and optimizer state.
//
//   weights of a layer   [panel of outputs][1 + inputs][16]   row 0 is the bias, row 1 + i the weights from input i
//   the transposed copy  [panel of inputs][outputs, staggered][16]             without the bias
//
// The bias comes first because every weighted sum begins with it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "gemm/panel.hpp"
#include "plan.hpp"

namespace creche::CRECHE_LEVEL {

struct LayerShape {
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  std::int64_t weights_offset = 0;     // offset in an arena of weights, gradients or optimizer state
  std::int64_t transposed_offset = 0;  // offset in the arena of transposed weights

  std::int64_t input_panels() const { return panel_count(inputs); }
  std::int64_t output_panels() const { return panel_count(outputs); }
  std::int64_t weight_rows() const { return inputs + 1; }
  // Written in blocks of 16 x 16.
  std::int64_t transposed_rows() const { return staggered_rows(outputs); }
};

struct NetworkShape {
  std::vector<LayerShape> layers;
  std::int64_t weights_size = 0;  // of an arena, padding included
  std::int64_t transposed_size = 0;
  std::int64_t parameters = 0;     // without padding
  std::int64_t widest_panels = 0;  // over inputs and all layers

  explicit NetworkShape(const Plan& plan) {
    std::int64_t inputs = plan.inputs;
    widest_panels = panel_count(inputs);
    for (const LayerPlan& layer : plan.layers) {
      layers.push_back({inputs, layer.width, weights_size, transposed_size});
      const LayerShape& shape = layers.back();
      weights_size += shape.output_panels() * shape.weight_rows() * kPanel;
      transposed_size += shape.input_panels() * shape.transposed_rows() * kPanel;
      parameters += shape.weight_rows() * shape.outputs;
      widest_panels = std::max(widest_panels, shape.output_panels());
      inputs = layer.width;
    }
  }

  std::int64_t inputs() const { return layers.front().inputs; }
  std::int64_t outputs() const { return layers.back().outputs; }
  std::int64_t count() const { return static_cast<std::int64_t>(layers.size()); }
};

// The weights of one layer in an arena of weights, gradients or state, the bias in row 0.
template <class T>
PanelMatrix<T> weights_view(T* arena, const LayerShape& layer) {
  return {arena + layer.weights_offset, layer.weight_rows(), layer.outputs};
}

// The transposed weights of one layer: outputs (and padding) x inputs.
template <class T>
PanelMatrix<T> transposed_view(T* arena, const LayerShape& layer) {
  return {arena + layer.transposed_offset, layer.transposed_rows(), layer.inputs};
}

}  // namespace creche::CRECHE_LEVEL
