// The layers of a network and the blocks of their parameters.
//
//   the weights of a layer  [panel of outputs][1 + inputs][16]   row 0 is the bias, row 1 + i the weights from input i
//   the transposed copy    [panel of inputs][outputs, staggered][16]             without the bias
//
// The bias comes first because every weighted sum begins with it.
//
// A network may be an ensemble of submodels that share weights. What they do not share has a row, or a matrix, for each
// submodel: a block of weights then has first the biases of all submodels, one row each, and then the weights, those of
// one submodel below those of the one before if they are not shared either.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "gemm/panel.hpp"
#include "parameters.hpp"
#include "plan.hpp"

namespace creche::CRECHE_LEVEL {

// The parts of a layer's block.
inline constexpr std::size_t kBiasPart = 0, kWeightsPart = 1;
// The rows of the block of a normalization: the last two if it is by batch.
inline constexpr std::int64_t kShiftRow = 0, kGainRow = 1, kRunningMeanRow = 2, kRunningVarianceRow = 3;

// A block that a layer may lack.
using MaybeBlock = std::optional<std::size_t>;

struct LayerShape {
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  std::size_t block = 0;               // the biases and weights, in NetworkShape::blocks
  std::int64_t transposed_offset = 0;  // offset in the arena of transposed weights
  std::int64_t submodels = 1;
  bool own_scale = false, own_bias = false, own_weights = false;  // each submodel has its own
  MaybeBlock scale = {};                                          // a factor for each input
  MaybeBlock output_scale = {};                                   // a factor for each output
  MaybeBlock normalization = {};                                  // its shift, gain and running statistics
  bool normalizes_by_batch = false;
  MaybeBlock slopes = {};  // of a parametric activation, for each output

  std::int64_t input_panels() const { return panel_count(inputs); }
  std::int64_t output_panels() const { return panel_count(outputs); }
  // Written in blocks of 16 x 16.
  std::int64_t transposed_rows() const { return staggered_rows(outputs); }
  std::int64_t transposed_size() const { return input_panels() * transposed_rows() * kPanel; }

  std::int64_t matrices() const { return own_weights ? submodels : 1; }
  std::int64_t bias_rows() const { return own_bias ? submodels : 1; }
  // Rows of the blocks of a submodel: of its bias, of its weights from input 0, of its factors of the inputs.
  std::int64_t bias_row(std::int64_t submodel) const { return own_bias ? submodel : 0; }
  std::int64_t weights_row(std::int64_t submodel) const { return bias_rows() + (own_weights ? submodel * inputs : 0); }
  std::int64_t scale_row(std::int64_t submodel) const { return own_scale ? submodel : 0; }
  std::int64_t transposed_at(std::int64_t submodel) const {
    return transposed_offset + (own_weights ? submodel * transposed_size() : 0);
  }
};

// Some features of the table that become inputs of the first layer by one block of parameters.
struct EmbeddingShape {
  EmbeddingKind kind = EmbeddingKind::linear;
  // Of the table. periodic: one column for each feature; otherwise those of one feature.
  std::vector<std::int64_t> columns;
  std::int64_t width = 1;        // the inputs that a feature becomes
  std::int64_t frequencies = 0;  // periodic
  std::int64_t codes = 0;        // category
  double deviation = 1;          // periodic: of the initial frequencies
  std::int64_t at = 0;           // the first of its inputs of the first layer
  std::size_t block = 0;

  // Of a periodic embedding, whose block has these rows, and a column for each feature. The last of the inputs that a
  // feature becomes is the feature itself.
  std::int64_t learned() const { return width - 1; }
  std::int64_t phase_row() const { return frequencies; }
  std::int64_t weight_row(std::int64_t frequency) const { return 2 * frequencies + frequency * learned(); }
  std::int64_t bias_row() const { return weight_row(frequencies); }
};

// Neighbouring columns of the table that are inputs of the first layer as they are.
struct PlainColumns {
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::int64_t count = 0;
};

struct NetworkShape {
  std::vector<EmbeddingShape> embeddings;
  std::vector<PlainColumns> plain_columns;  // if there are embeddings
  std::vector<LayerShape> layers;
  std::vector<ParameterBlock> blocks;
  std::int64_t weights_size = 0;  // of an arena, padding included
  std::int64_t transposed_size = 0;
  std::int64_t parameters = 0;     // without padding
  std::int64_t widest_panels = 0;  // over inputs and all layers
  std::int64_t submodels = 1;

  explicit NetworkShape(const Plan& plan);
  NetworkShape(const NetworkShape&);
  NetworkShape(NetworkShape&&) noexcept;
  NetworkShape& operator=(const NetworkShape&);
  NetworkShape& operator=(NetworkShape&&) noexcept;
  ~NetworkShape();

  std::int64_t inputs() const { return layers.front().inputs; }  // of the first layer
  std::int64_t outputs() const { return layers.back().outputs; }
  std::int64_t count() const { return static_cast<std::int64_t>(layers.size()); }
  const ParameterBlock& block_of(const LayerShape& layer) const { return blocks[layer.block]; }
  // How many parameters a row meets on its way through all submodels.
  std::int64_t used_per_row() const;
  // Whether the backward pass goes through the weights of layer l, to parameters below them.
  bool passes_gradients_below(std::int64_t l) const {
    return l > 0 || layers[0].scale.has_value() || !embeddings.empty();
  }

 private:
  // Returns the number of inputs of the first layer.
  std::int64_t add_embeddings(const Plan& plan);
  void add_embedding(const EmbeddingPlan& plan, std::vector<std::int64_t> columns, std::int64_t codes,
                     std::size_t owner, std::int64_t& inputs);
  void add_layer(std::int64_t inputs, const LayerPlan& plan);
  std::size_t add_block(std::int64_t rows, std::int64_t columns, std::vector<ParameterPart> parts);
};

// The transposed weights of one layer: outputs (and padding) x inputs.
template <class T>
PanelMatrix<T> transposed_view(T* arena, const LayerShape& layer, std::int64_t submodel) {
  return {arena + layer.transposed_at(submodel), layer.transposed_rows(), layer.inputs};
}

}  // namespace creche::CRECHE_LEVEL
