#include "machine.hpp"

#include <algorithm>
#include <chrono>

#include "aligned.hpp"
#include "layers/layer.hpp"
#include "optimizers/all.hpp"
#include "shape.hpp"
#include "simd/lanes.hpp"
#include "threads.hpp"

namespace creche::CRECHE_LEVEL {

std::int64_t training_memory(const Plan& plan, std::int64_t rows, std::int64_t itemsize) {
  const NetworkShape shape(plan);
  const std::int64_t planes = optimizer_planes(plan.optimizer);
  // Weights and optimizer state, a snapshot of both, the transposed copy, the best weights, the gradients.
  const std::int64_t arenas = 2 * (1 + planes) + (plan.early_stopping.patience > 0 ? 1 : 0) + 1;
  const std::int64_t weights = shape.weights_size * arenas + shape.transposed_size;
  std::int64_t panels = 2 * panel_count(plan.inputs);
  for (std::size_t l = 0; l < shape.layers.size(); ++l) {
    const LayerShape& layer = shape.layers[l];
    // Outputs, gradients and derivatives; the gradient of a residual layer's outputs; what is normalized, and terms.
    const int matrices = 3 + plan.layers[l].residual + 2 * layer.normalization.has_value() + layer.slopes.has_value() +
                         2 * layer.output_scale.has_value();
    panels += matrices * layer.output_panels() + 2 * layer.scale.has_value() * layer.input_panels();
  }
  if (!shape.embeddings.empty()) panels += 2 * panel_count(shape.inputs());
  std::int64_t embedding_panels = 0;  // which submodels share with their batch
  for (const EmbeddingShape& embedding : shape.embeddings) {
    const bool is_periodic = embedding.kind == EmbeddingKind::periodic;
    const std::int64_t features = panel_count(static_cast<std::int64_t>(embedding.columns.size()));
    embedding_panels +=
        is_periodic ? features * (1 + embedding.learned() + 2 * embedding.frequencies) : panel_count(embedding.width);
  }
  if (plan.own_batches) embedding_panels *= plan.submodels;
  const std::int64_t columns = (plan.submodels * panels + embedding_panels) * kPanel;
  const std::int64_t batch = std::min(plan.batch_size, rows) + kPanel;
  return (weights + batch * columns) * itemsize + (plan.shuffle ? rows * 4 : 0) +
         (plan.windows.block > 0 ? rows / plan.windows.block * 8 : 0);
}

double multiply_add_peak(double seconds, int threads) {
  using V = Vec<float, kNativeLanes<float>>;
  using Clock = std::chrono::steady_clock;
  constexpr int kSums = 12;  // enough to cover four cycles of latency twice a cycle; fits 16 registers
  constexpr int kTurns = 4000;
  const double flops_per_turn = 2.0 * kSums * V::kLanes;
  Threads pool(threads);
  AlignedArray<float> sink(threads * kSums * V::kLanes);
  const Clock::time_point begin = Clock::now();
  double best = 0;
  while (std::chrono::duration<double>(Clock::now() - begin).count() < seconds) {
    const Clock::time_point from = Clock::now();
    pool.run([&](int thread) {
      V sums[kSums];
      for (V& sum : sums) sum = V(1.0f);
      const V factor(0.999f), term(0.001f);
      for (int repeat = 0; repeat < 50; ++repeat) {
        for (int turn = 0; turn < kTurns; ++turn)
          for (int i = 0; i < kSums; ++i) sums[i] = fma(sums[i], factor, term);
      }
      for (int i = 0; i < kSums; ++i) sums[i].store(sink.data() + (thread * kSums + i) * V::kLanes);
    });
    const double took = std::chrono::duration<double>(Clock::now() - from).count();
    best = std::max(best, flops_per_turn * kTurns * 50 * threads / took);
  }
  return best;
}

namespace {

// Operations per second of f, which performs `flops` of them: the best trial within `seconds`.
template <class F>
double best_rate(double flops, double seconds, F&& f) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  double best = 0;
  while (std::chrono::duration<double>(Clock::now() - begin).count() < seconds) {
    const Clock::time_point from = Clock::now();
    f();
    best = std::max(best, flops / std::chrono::duration<double>(Clock::now() - from).count());
  }
  return best;
}

}  // namespace

ProductRates product_rates(std::int64_t batch_size, std::int64_t inputs, std::int64_t outputs, double seconds,
                           bool rounds_products) {
  const std::int64_t rows = staggered_rows(batch_size);
  const auto fill = [](const AlignedArray<float>& array) {
    for (std::int64_t i = 0; i < array.size(); ++i) array[i] = static_cast<float>(i % 17 - 8) * 0.01f;
  };
  const auto matrix = [&](AlignedArray<float>& array, std::int64_t n, std::int64_t columns) {
    array = AlignedArray<float>(panel_count(columns) * n * kPanel);
    fill(array);
    return PanelMatrix<float>{array.data(), n, columns};
  };
  // The second layer is measured; its inputs are the outputs of the first.
  Plan plan;
  plan.inputs = 1;
  plan.layers.resize(2);
  plan.layers[0].width = inputs;
  plan.layers[1].width = outputs;
  for (LayerPlan& layer : plan.layers) layer.activation = ActivationKind::relu;
  const Network<float> network(plan);
  fill(network.weights);
  fill(network.transposed);
  AlignedArray<float> arrays[4];
  LayerRows<float> below, layer;
  layer.inputs = below.outputs = matrix(arrays[0], rows, inputs);
  layer.outputs = layer.dloss_dz = matrix(arrays[1], rows, outputs);
  below.dloss_dz = matrix(arrays[2], rows, inputs);
  const PanelMatrix<float> dloss_dw = matrix(arrays[3], inputs + 1, outputs);
  const LayerFunctions<float> of_below(plan.layers[0], network.shape.layers[0], rounds_products);
  const LayerFunctions<float> of_layer(plan.layers[1], network.shape.layers[1], rounds_products);
  const PanelMatrix<float>& z = layer.outputs;
  const Operand<float> left{layer.inputs.data, layer.inputs.panel_stride()};
  const double flops =
      2.0 * static_cast<double>(batch_size) * static_cast<double>(inputs) * static_cast<double>(outputs);
  const std::int64_t step = 64;
  ProductRates rates;
  rates.forward = best_rate(flops, seconds, [&] {
    for (std::int64_t r = 0; r < batch_size; r += step)
      layer_forward(of_layer, network, layer, r, std::min(r + step, batch_size));
  });
  rates.dloss_dinputs = best_rate(flops, seconds, [&] {
    for (std::int64_t r = 0; r < batch_size; r += step)
      layer_backward(of_layer, of_below, network, layer, below, r, std::min(r + step, batch_size));
  });
  rates.dloss_dweights = best_rate(flops, seconds, [&] {
    for_panel_groups<float>(0, z.panels(), [&](auto panels, std::int64_t panel) {
      for (std::int64_t i = 0; i < inputs; i += step) {
        product_by_columns<decltype(panels)::value>(rounds_products, left, i, std::min(i + step, inputs),
                                                    Operand<float>{z.at(panel, 0), z.panel_stride()}, batch_size,
                                                    dloss_dw.at(panel, 1 + i), i == 0 ? dloss_dw.at(panel, 0) : nullptr,
                                                    dloss_dw.panel_stride(), false);
      }
    });
  });
  return rates;
}

}  // namespace creche::CRECHE_LEVEL
