#include "engines/initialize.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include "engines/pass.hpp"
#include "initializers.hpp"
#include "precisions.hpp"
#include "random/random.hpp"
#include "simd/math.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

constexpr std::int64_t kMostRows = 1024;
constexpr std::int64_t kSampledRows = 5;
constexpr double kLeastDeviation = 1e-30;

bool depends_on_rows(const LayerPlan& plan) {
  return plan.initializer == InitializerKind::unit_variance || plan.bias_initializer == BiasInitializerKind::sampled;
}

// The features of the first rows of the first epoch.
template <class T>
std::vector<T> first_rows(const Plan& plan, const Rows<T>& train) {
  std::vector<std::int32_t> order(static_cast<std::size_t>(train.count));
  std::iota(order.begin(), order.end(), 0);
  if (plan.shuffle) permutation(plan.seed, 0, order);
  order.resize(std::min(order.size(), static_cast<std::size_t>(kMostRows)));
  std::vector<T> x;
  for (const std::int32_t row : order) {
    const T* const from = train.x + row * train.x_stride;
    x.insert(x.end(), from, from + plan.inputs);
  }
  return x;
}

// Means with random weights of each column of z, over kSampledRows random rows.
template <class T>
std::vector<double> random_means(const PanelMatrix<T>& z, std::int64_t rows, std::uint64_t seed, std::uint32_t layer) {
  std::vector<double> means;
  double uniform[16];
  for (std::int64_t j = 0; j < z.columns; ++j) {
    initial_uniforms(seed, kBiasDraws + layer, static_cast<std::uint64_t>(16 * j), uniform);
    double sum = 0, total = 0;
    for (std::int64_t k = 0; k < kSampledRows; ++k) {
      const auto row = static_cast<std::int64_t>(uniform[k] * static_cast<double>(rows));
      const double weight = -log(Vec<double, 1>(1 - uniform[kSampledRows + k])).raw;
      sum += weight * static_cast<double>(z.element(row, j));
      total += weight;
    }
    means.push_back(total > 0 ? sum / total : 0);
  }
  return means;
}

// The deviation of a column over all its rows; 1 if they are all alike.
template <class T>
double deviation(const PanelMatrix<T>& z, std::int64_t rows, std::int64_t column) {
  double sum = 0, squares = 0;
  for (std::int64_t r = 0; r < rows; ++r) sum += static_cast<double>(z.element(r, column));
  const double mean = sum / static_cast<double>(rows);
  for (std::int64_t r = 0; r < rows; ++r) {
    const double centered = static_cast<double>(z.element(r, column)) - mean;
    squares += centered * centered;
  }
  const double found = std::sqrt(squares / static_cast<double>(rows));
  return found > kLeastDeviation ? found : 1;
}

template <class T>
void fit_to_rows(const Plan& plan, const Rows<T>& rows, std::int64_t l, Network<T>& network) {
  const LayerPlan& layer = plan.layers[static_cast<std::size_t>(l)];
  AlignedArray<T> array(panel_count(layer.width) * kPanel * staggered_rows(rows.count));
  const PanelMatrix<T> z{array.data(), staggered_rows(rows.count), layer.width};
  Pass<T>(plan, network, rows).pre_activations(l, z);
  const PanelMatrix<T> weights = network.layer_weights(l);
  std::vector<double> means(static_cast<std::size_t>(layer.width));
  if (layer.bias_initializer == BiasInitializerKind::sampled)
    means = random_means(z, rows.count, plan.seed, static_cast<std::uint32_t>(l));
  for (std::int64_t j = 0; j < layer.width; ++j) {
    double divisor = 1;
    if (layer.initializer == InitializerKind::unit_variance) {
      divisor = deviation(z, rows.count, j);
      for (std::int64_t row = 1; row < weights.rows; ++row)
        weights.element(row, j) = static_cast<T>(static_cast<double>(weights.element(row, j)) / divisor);
    }
    if (layer.bias_initializer == BiasInitializerKind::sampled)
      weights.element(0, j) = static_cast<T>(-means[static_cast<std::size_t>(j)] / divisor);
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

template <class T>
void fill_row(const Network<T>& network, const MaybeBlock& block, std::int64_t row, T value) {
  if (!block) return;
  const PanelMatrix<T> to = block_view(network.weights.data(), network.shape.blocks[*block]);
  for (std::int64_t c = 0; c < to.columns; ++c) to.element(row, c) = value;
}

}  // namespace

template <class T>
void initialize(const Plan& plan, const Rows<T>& train, Network<T>& network) {
  for (std::size_t e = 0; e < network.shape.embeddings.size(); ++e)
    initialize_embedding(network.shape, e, plan.seed, network.weights.data());
  for (std::int64_t l = 0; l < network.shape.count(); ++l) {
    const LayerShape& layer = network.shape.layers[static_cast<std::size_t>(l)];
    const LayerPlan& layer_plan = plan.layers[static_cast<std::size_t>(l)];
    const ParameterBlock& block = network.shape.block_of(layer);
    std::vector<T> w(static_cast<std::size_t>(layer.inputs * layer.outputs));
    std::vector<T> b(static_cast<std::size_t>(layer.outputs));
    initial_weights(layer_plan, plan.seed, static_cast<std::uint32_t>(l), layer.inputs, std::span<T>(w));
    initial_biases(layer_plan, plan.seed, static_cast<std::uint32_t>(l), std::span<T>(b));
    write_part(w.data(), block, block.parts[kWeightsPart], network.weights.data());
    write_part(b.data(), block, block.parts[kBiasPart], network.weights.data());
    fill_row(network, layer.scale, 0, T(1));
    fill_row(network, layer.slopes, 0, T(1));
    fill_row(network, layer.normalization, kShiftRow, T(0));
    fill_row(network, layer.normalization, kGainRow, T(1));
  }
  if (train.count > 0 && std::any_of(plan.layers.begin(), plan.layers.end(), depends_on_rows)) {
    const std::vector<T> x = first_rows(plan, train);
    Rows<T> rows;
    rows.x = x.data();
    rows.x_stride = plan.inputs;
    rows.count = static_cast<std::int64_t>(x.size()) / plan.inputs;
    for (std::int64_t l = 0; l < network.shape.count(); ++l)
      if (depends_on_rows(plan.layers[static_cast<std::size_t>(l)])) fit_to_rows(plan, rows, l, network);
  }
  network.transpose_all();
}

#define INSTANTIATE(T) template void initialize<T>(const Plan&, const Rows<T>&, Network<T>&);
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
