// The weights of a network, stored twice: in panels of outputs for the forward pass, transposed for the backward pass.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "aligned.hpp"
#include "shape.hpp"
#include "simd/transpose.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
struct Network {
  NetworkShape shape;
  AlignedArray<T> weights;
  AlignedArray<T> transposed;

  explicit Network(const Plan& plan) : shape(plan), weights(shape.weights_size), transposed(shape.transposed_size) {}

  // The block of a layer's biases and weights.
  PanelMatrix<T> layer_weights(std::int64_t l) const {
    return block_view(weights.data(), shape.block_of(shape.layers[static_cast<std::size_t>(l)]));
  }

  // Updates the transposed copy of a submodel's rows i_begin ... i_end - 1 of one panel. i_begin is a multiple of 16.
  void transpose_block(std::int64_t l, std::int64_t submodel, std::int64_t panel, std::int64_t i_begin,
                       std::int64_t i_end) const {
    const LayerShape& layer = shape.layers[static_cast<std::size_t>(l)];
    const PanelMatrix<T> from = layer_weights(l);
    const PanelMatrix<T> to = transposed_view(transposed.data(), layer, submodel);
    const std::int64_t first = layer.weights_row(submodel);
    for (std::int64_t i = i_begin; i < i_end; i += kPanel) {
      const int rows = static_cast<int>(std::min<std::int64_t>(kPanel, i_end - i));
      transpose_panel_block(from.at(panel, first + i), rows, to.at(i / kPanel, panel * kPanel));
    }
  }

  void transpose_all() const {
    for (std::int64_t l = 0; l < shape.count(); ++l) {
      const LayerShape& layer = shape.layers[static_cast<std::size_t>(l)];
      for (std::int64_t submodel = 0; submodel < layer.matrices(); ++submodel)
        for (std::int64_t panel = 0; panel < layer.output_panels(); ++panel)
          transpose_block(l, submodel, panel, 0, layer.inputs);
    }
  }
};

}  // namespace creche::CRECHE_LEVEL
