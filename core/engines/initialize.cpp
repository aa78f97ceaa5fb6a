#include "engines/initialize.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "engines/pass.hpp"
#include "engines/row_order.hpp"
#include "initializers.hpp"
#include "precisions.hpp"
#include "random/random.hpp"
#include "simd/math.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

constexpr std::int64_t kSampledRows = 5;
constexpr double kLeastDeviation = 1e-30;

// The features of the first rows of the first epoch.
template <class T>
std::vector<T> first_rows(const Plan& plan, const Rows<T>& train) {
  std::vector<std::int32_t> order(static_cast<std::size_t>(train.count));
  order_rows(plan, 0, order);
  order.resize(std::min(order.size(), static_cast<std::size_t>(kMostStartRows)));
  std::vector<T> x;
  for (const std::int32_t row : order) {
    const T* const from = train.x + row * train.x_stride;
    x.insert(x.end(), from, from + plan.inputs);
  }
  return x;
}

// The sums of a layer, of those rows of the submodels that share its parameters: value(i, j) with i below count.
template <class T>
struct Sums {
  const PanelMatrix<T>& z;
  std::int64_t first, rows, stride, count;

  double value(std::int64_t i, std::int64_t j) const {
    return static_cast<double>(z.element(first + i / rows * stride + i % rows, j));
  }
};

// Means with random weights of each column, over kSampledRows random rows.
template <class T>
std::vector<double> random_means(const Sums<T>& sums, const InitialStream& stream) {
  std::vector<double> means;
  double uniform[16];
  for (std::int64_t j = 0; j < sums.z.columns; ++j) {
    initial_uniforms(stream.seed, kBiasDraws + stream.layer, static_cast<std::uint64_t>(16 * j), uniform,
                     stream.submodel);
    double sum = 0, total = 0;
    for (std::int64_t k = 0; k < kSampledRows; ++k) {
      const auto row = static_cast<std::int64_t>(uniform[k] * static_cast<double>(sums.count));
      const double weight = -log(Vec<double, 1>(1 - uniform[kSampledRows + k])).raw;
      sum += weight * sums.value(row, j);
      total += weight;
    }
    means.push_back(total > 0 ? sum / total : 0);
  }
  return means;
}

// The deviation of a column over all its rows; 1 if they are all alike.
template <class T>
double deviation(const Sums<T>& sums, std::int64_t column) {
  double sum = 0, squares = 0;
  for (std::int64_t i = 0; i < sums.count; ++i) sum += sums.value(i, column);
  const double mean = sum / static_cast<double>(sums.count);
  for (std::int64_t i = 0; i < sums.count; ++i) {
    const double centered = sums.value(i, column) - mean;
    squares += centered * centered;
  }
  const double found = std::sqrt(squares / static_cast<double>(sums.count));
  return found > kLeastDeviation ? found : 1;
}

// The biases that begin as minus random means are those of all submodels, unless they share no weights.
template <class T>
void fit_weights(const LayerPlan& plan, const LayerShape& layer, const Sums<T>& sums, const InitialStream& stream,
                 const PanelMatrix<T>& weights) {
  std::vector<double> means(static_cast<std::size_t>(layer.outputs));
  if (plan.bias_initializer == BiasInitializerKind::sampled) means = random_means(sums, stream);
  const std::int64_t first = layer.weights_row(stream.submodel);
  for (std::int64_t j = 0; j < layer.outputs; ++j) {
    double divisor = 1;
    if (plan.initializer == InitializerKind::unit_variance) {
      divisor = deviation(sums, j);
      for (std::int64_t row = first; row < first + layer.inputs; ++row)
        weights.element(row, j) = static_cast<T>(static_cast<double>(weights.element(row, j)) / divisor);
    }
    if (plan.bias_initializer != BiasInitializerKind::sampled) continue;
    const T bias = static_cast<T>(-means[static_cast<std::size_t>(j)] / divisor);
    if (layer.own_weights) {
      weights.element(layer.bias_row(stream.submodel), j) = bias;
    } else {
      for (std::int64_t row = 0; row < layer.bias_rows(); ++row) weights.element(row, j) = bias;
    }
  }
}

template <class T>
void fit_to_rows(const Plan& plan, const Rows<T>& rows, std::int64_t l, Network<T>& network) {
  const LayerPlan& layer_plan = plan.layers[static_cast<std::size_t>(l)];
  const LayerShape& layer = network.shape.layers[static_cast<std::size_t>(l)];
  const Pass<T> pass(plan, network, rows, nullptr, true);
  AlignedArray<T> array(panel_count(layer.outputs) * kPanel * staggered_rows(pass.rows()));
  const PanelMatrix<T> z{array.data(), staggered_rows(pass.rows()), layer.outputs};
  pass.pre_activations(l, z);
  for (std::int64_t m = 0; m < layer.matrices(); ++m) {
    const std::int64_t count = rows.count * (layer.own_weights ? 1 : plan.submodels);
    fit_weights(layer_plan, layer, Sums<T>{z, pass.first_row(m), rows.count, pass.first_row(1), count},
                {plan.seed, static_cast<std::uint32_t>(l), static_cast<std::uint32_t>(m)}, network.layer_weights(l));
  }
}

// The parameters of an embedding: as in the papers of layers/embedding.hpp.
template <class T>
void initialize_embedding(const NetworkShape& shape, std::size_t e, std::uint64_t seed, T* weights) {
  const EmbeddingShape& embedding = shape.embeddings[e];
  const ParameterBlock& block = shape.blocks[embedding.block];
  for (std::size_t p = 0; p < block.parts.size(); ++p) {
    const ParameterPart& part = block.parts[p];
    std::vector<T> numbers(static_cast<std::size_t>(part.rows * block.columns));
    initial_embedding(embedding, p, seed, static_cast<std::uint32_t>(e), block.columns, std::span<T>(numbers));
    write_part(numbers.data(), block, part, weights);
  }
}

// Rows of a block, or of a part of it.
template <class T>
void fill_rows(const Network<T>& network, const MaybeBlock& block, std::int64_t begin, std::int64_t end, T value) {
  if (!block) return;
  const PanelMatrix<T> to = block_view(network.weights.data(), network.shape.blocks[*block]);
  for (std::int64_t row = begin; row < end; ++row)
    for (std::int64_t c = 0; c < to.columns; ++c) to.element(row, c) = value;
}

template <class T>
void fill_rows(const Network<T>& network, const MaybeBlock& block, T value) {
  if (block) fill_rows(network, block, 0, network.shape.blocks[*block].rows, value);
}

// Copies numbers to `rows` rows of a layer's block from `first` on, row by row.
template <class T>
void write_rows(const std::vector<T>& numbers, const PanelMatrix<T>& block, std::int64_t first, std::int64_t rows) {
  auto from = numbers.begin();
  for (std::int64_t row = first; row < first + rows; ++row)
    for (std::int64_t c = 0; c < block.columns; ++c) block.element(row, c) = *from++;
}

// The feature of the table that each input of the first layer stems from.
std::vector<std::int64_t> features_of_inputs(const Plan& plan, const NetworkShape& shape) {
  std::vector<std::int64_t> columns;
  for (const EmbeddingShape& embedding : shape.embeddings) {
    const bool is_periodic = embedding.kind == EmbeddingKind::periodic;
    for (std::size_t k = 0; k < (is_periodic ? embedding.columns.size() : 1); ++k)
      columns.insert(columns.end(), static_cast<std::size_t>(embedding.width), embedding.columns[k]);
  }
  for (const PlainColumns& plain : shape.plain_columns)
    for (std::int64_t c = 0; c < plain.count; ++c) columns.push_back(plain.from + c);
  for (std::int64_t c = 0; c < plan.inputs && shape.embeddings.empty(); ++c) columns.push_back(c);
  if (!plan.input_features.empty())
    for (std::int64_t& column : columns) column = plan.input_features[static_cast<std::size_t>(column)];
  return columns;
}

template <class T>
void initialize_layer(const Plan& plan, std::int64_t l, Network<T>& network) {
  const LayerShape& layer = network.shape.layers[static_cast<std::size_t>(l)];
  const LayerPlan& layer_plan = plan.layers[static_cast<std::size_t>(l)];
  const PanelMatrix<T> block = network.layer_weights(l);
  std::vector<T> w(static_cast<std::size_t>(layer.inputs * layer.outputs));
  std::vector<T> b(static_cast<std::size_t>(layer.outputs));
  std::vector<T> r(static_cast<std::size_t>(layer.inputs));
  std::vector<std::int64_t> features;
  if (l == 0 && layer.own_scale) features = features_of_inputs(plan, network.shape);
  InitialStream stream{plan.seed, static_cast<std::uint32_t>(l)};
  fill_rows(network, layer.scale, T(1));
  fill_rows(network, layer.output_scale, T(1));
  fill_rows(network, layer.slopes, T(1));
  fill_rows(network, layer.normalization, kShiftRow, kShiftRow + 1, T(0));
  fill_rows(network, layer.normalization, kGainRow, kGainRow + 1, T(1));
  if (layer.normalizes_by_batch)
    fill_rows(network, layer.normalization, kRunningVarianceRow, kRunningVarianceRow + 1, T(1));
  for (std::int64_t m = 0; m < layer.submodels; ++m) {
    stream.submodel = static_cast<std::uint32_t>(m);
    if (l == 0 && layer.own_scale && layer.scale) {
      initial_factors(plan.submodel_start, stream, std::span<const std::int64_t>(features), std::span<T>(r));
      write_rows(r, block_view(network.weights.data(), network.shape.blocks[*layer.scale]), m, 1);
    }
    if (!layer.own_weights) stream.submodel = 0;
    if (m < layer.matrices()) {
      initial_weights(layer_plan, stream, layer.inputs, std::span<T>(w));
      write_rows(w, block, layer.weights_row(m), layer.inputs);
    }
    if (m < layer.bias_rows()) {
      initial_biases(layer_plan, stream, layer.inputs, std::span<T>(b));
      write_rows(b, block, layer.bias_row(m), 1);
    }
  }
}

}  // namespace

template <class T>
void initialize(const Plan& plan, const Rows<T>& train, Network<T>& network) {
  const bool depends = train.count > 0 && start_depends_on_rows(plan);
  initialize_by_first_rows(plan, depends ? first_rows(plan, train) : std::vector<T>{}, network);
}

template <class T>
void initialize_by_first_rows(const Plan& plan, const std::vector<T>& x, Network<T>& network) {
  for (std::size_t e = 0; e < network.shape.embeddings.size(); ++e)
    initialize_embedding(network.shape, e, plan.seed, network.weights.data());
  for (std::int64_t l = 0; l < network.shape.count(); ++l) initialize_layer(plan, l, network);
  if (!x.empty()) {
    Rows<T> rows;
    rows.x = x.data();
    rows.x_stride = plan.inputs;
    rows.count = static_cast<std::int64_t>(x.size()) / plan.inputs;
    for (std::int64_t l = 0; l < network.shape.count(); ++l)
      if (depends_on_rows(plan.layers[static_cast<std::size_t>(l)])) fit_to_rows(plan, rows, l, network);
  }
  network.transpose_all();
}

#define INSTANTIATE(T)                                                   \
  template void initialize<T>(const Plan&, const Rows<T>&, Network<T>&); \
  template void initialize_by_first_rows<T>(const Plan&, const std::vector<T>&, Network<T>&);
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
