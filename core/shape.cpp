#include "shape.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace creche::CRECHE_LEVEL {

NetworkShape::NetworkShape(const Plan& plan) {
  submodels = plan.submodels;
  std::int64_t inputs = add_embeddings(plan);
  widest_panels = panel_count(inputs);
  for (const LayerPlan& layer : plan.layers) {
    add_layer(inputs, layer);
    inputs = layer.width;
  }
}

NetworkShape::NetworkShape(const NetworkShape&) = default;
NetworkShape::NetworkShape(NetworkShape&&) noexcept = default;
NetworkShape& NetworkShape::operator=(const NetworkShape&) = default;
NetworkShape& NetworkShape::operator=(NetworkShape&&) noexcept = default;
NetworkShape::~NetworkShape() = default;

std::int64_t NetworkShape::used_per_row() const {
  std::int64_t sum = 0;
  for (const ParameterBlock& block : blocks) sum += block.size();
  for (const LayerShape& layer : layers)
    if (!layer.own_weights) sum += (submodels - 1) * layer.inputs * layer.outputs;
  return sum;
}

std::int64_t NetworkShape::add_embeddings(const Plan& plan) {
  if (plan.embeddings.empty()) return plan.inputs;
  std::int64_t inputs = 0;
  std::vector<bool> is_plain(static_cast<std::size_t>(plan.inputs), true);
  for (std::size_t owner = 0; owner < plan.embeddings.size(); ++owner) {
    const EmbeddingPlan& embedding = plan.embeddings[owner];
    if (embedding.kind == EmbeddingKind::periodic) {
      add_embedding(embedding, embedding.columns, 0, owner, inputs);
    } else {
      for (std::size_t f = 0; f < embedding.columns.size(); ++f) {
        std::vector<std::int64_t> columns = {embedding.columns[f]};
        const bool is_linear = embedding.kind == EmbeddingKind::linear;
        for (std::int64_t c = 1; is_linear && c < embedding.sizes[f]; ++c) columns.push_back(columns[0] + c);
        add_embedding(embedding, std::move(columns), is_linear ? 0 : embedding.sizes[f], owner, inputs);
      }
    }
  }
  for (const EmbeddingShape& embedding : embeddings)
    for (const std::int64_t column : embedding.columns) is_plain[static_cast<std::size_t>(column)] = false;
  for (std::int64_t column = 0; column < plan.inputs; ++column) {
    if (!is_plain[static_cast<std::size_t>(column)]) continue;
    const bool goes_on = !plain_columns.empty() && plain_columns.back().from + plain_columns.back().count == column;
    if (!goes_on) plain_columns.push_back({column, inputs, 0});
    ++plain_columns.back().count;
    ++inputs;
  }
  return inputs;
}

void NetworkShape::add_embedding(const EmbeddingPlan& plan, std::vector<std::int64_t> columns, std::int64_t codes,
                                 std::size_t owner, std::int64_t& inputs) {
  const std::string name = "embeddings." + std::to_string(embeddings.size());
  EmbeddingShape shape{plan.kind, std::move(columns), plan.width, plan.frequencies, codes, plan.deviation, inputs, 0};
  const auto part = [&](const char* of, std::int64_t row, std::int64_t rows, bool is_vector, bool is_bias) {
    return ParameterPart{name + of, row, rows, is_vector, is_bias, owner, nullptr};
  };
  const auto count = static_cast<std::int64_t>(shape.columns.size());
  switch (plan.kind) {
    case EmbeddingKind::linear:
      shape.block =
          add_block(1 + count, plan.width, {part(".bias", 0, 1, true, true), part(".weights", 1, count, false, false)});
      inputs += plan.width;
      break;
    case EmbeddingKind::category:
      shape.block = add_block(codes, plan.width, {part(".vectors", 0, codes, false, false)});
      inputs += plan.width;
      break;
    case EmbeddingKind::periodic: {
      const std::int64_t f = plan.frequencies, learned = shape.learned();
      shape.block = add_block(2 * f + f * learned + learned, count,
                              {part(".frequencies", 0, f, false, false), part(".phases", f, f, false, false),
                               part(".weights", shape.weight_row(0), f * learned, false, false),
                               part(".bias", shape.bias_row(), learned, false, false)});
      inputs += plan.width * count;
      break;
    }
  }
  embeddings.push_back(std::move(shape));
}

void NetworkShape::add_layer(std::int64_t inputs, const LayerPlan& plan) {
  const std::size_t l = layers.size();
  const std::string name = std::to_string(l);
  const bool ensemble = submodels > 1;
  LayerShape layer{inputs, plan.width, blocks.size(), transposed_size, submodels};
  layer.own_weights = ensemble && plan.sharing == WeightSharing::none;
  layer.own_bias = layer.own_weights || (ensemble && plan.sharing == WeightSharing::matrix);
  layer.own_scale = ensemble && plan.sharing != WeightSharing::all;
  transposed_size += layer.matrices() * layer.transposed_size();
  widest_panels = std::max(widest_panels, layer.output_panels());
  add_block(layer.bias_rows() + layer.matrices() * inputs, plan.width,
            {{name + ".bias", 0, layer.bias_rows(), !layer.own_bias, true, l, &LayerPlan::biases},
             {name + ".weights", layer.bias_rows(), layer.matrices() * inputs, false, false, l, &LayerPlan::weights,
              layer.own_weights ? submodels : 0}});
  if (plan.scales_inputs) {
    const std::int64_t rows = layer.own_scale ? submodels : 1;
    layer.scale = add_block(rows, inputs, {{name + ".scale", 0, rows, rows == 1, false, l, &LayerPlan::scale}});
  }
  if (layer.own_bias && !layer.own_weights)
    layer.output_scale =
        add_block(submodels, plan.width, {{name + ".output_scale", 0, submodels, false, false, l, &LayerPlan::scale}});
  if (plan.normalization != NormalizationKind::none) {
    std::vector<ParameterPart> parts = {{name + ".shift", kShiftRow, 1, true, true, l, &LayerPlan::biases},
                                        {name + ".gain", kGainRow, 1, true, false, l, &LayerPlan::gains}};
    layer.normalizes_by_batch = plan.normalization == NormalizationKind::batch;
    if (layer.normalizes_by_batch) {
      for (const auto& [of, row] :
           {std::pair(".running_mean", kRunningMeanRow), std::pair(".running_variance", kRunningVarianceRow)})
        parts.push_back({name + of, row, 1, true, true, l, &LayerPlan::biases, 0, false});
    }
    const auto rows = static_cast<std::int64_t>(parts.size());
    layer.normalization = add_block(rows, plan.width, std::move(parts));
  }
  if (plan.parametric)
    layer.slopes = add_block(1, plan.width, {{name + ".slopes", 0, 1, true, false, l, &LayerPlan::slopes}});
  layers.push_back(layer);
}

std::size_t NetworkShape::add_block(std::int64_t rows, std::int64_t columns, std::vector<ParameterPart> parts) {
  blocks.push_back({rows, columns, weights_size, parameters, std::move(parts)});
  weights_size += blocks.back().panels() * rows * kPanel;
  parameters += blocks.back().size();
  return blocks.size() - 1;
}

}  // namespace creche::CRECHE_LEVEL
