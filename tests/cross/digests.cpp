// Trains some plans and prints a digest of the final weights of each: the contract says that it is the same on every
// processor. Built for this machine's levels and, with a cross-compiler, for 64-bit Arm (tools/cross_digests.sh).
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "engines/solo.hpp"
#include "random/philox.hpp"

using namespace creche::CRECHE_LEVEL;

namespace {

// FNV-1a, 64 bits: enough to distinguish different bytes.
std::uint64_t digest(const void* data, std::size_t size, std::uint64_t hash = 0xcbf29ce484222325u) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (std::size_t i = 0; i < size; ++i) hash = (hash ^ bytes[i]) * 0x100000001b3u;
  return hash;
}

struct Choices {
  ActivationKind activation;
  LossKind loss;
  OptimizerKind optimizer;
  InitializerKind initializer;
  ScheduleKind schedule;
  bool has_parts = false;       // what hidden layers can have besides weights, and a start that depends on the rows
  bool has_embeddings = false;  // of each kind
  bool has_submodels = false;   // which share the matrices of hidden layers
  NormalizationKind normalization = NormalizationKind::layer;  // among those parts
  bool has_own_batches = false;                                // each submodel
};

Plan plan_of(const std::vector<std::int64_t>& sizes, const Choices& choices) {
  Plan plan;
  plan.inputs = sizes[0];
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    LayerPlan layer;
    layer.width = sizes[i];
    layer.initializer = choices.initializer;
    if (i + 1 < sizes.size()) {
      layer.activation = choices.activation;
      layer.activation_parameter = choices.activation == ActivationKind::leaky_relu ? 0.01 : 1.0;
      layer.dropout = 0.2;
      layer.normalization = choices.has_parts ? choices.normalization : NormalizationKind::none;
      layer.parametric = choices.has_parts;
      layer.residual = choices.has_parts && sizes[i] == sizes[i - 1];
    }
    layer.scales_inputs = choices.has_parts;
    if (choices.has_parts) layer.bias_initializer = BiasInitializerKind::sampled;
    plan.layers.push_back(layer);
  }
  if (choices.has_embeddings) {
    const auto add = [&](EmbeddingKind kind, std::vector<std::int64_t> columns,
                         std::vector<std::int64_t> codes_or_size) {
      EmbeddingPlan& embedding = plan.embeddings.emplace_back();
      embedding.kind = kind;
      embedding.columns = std::move(columns);
      embedding.sizes = std::move(codes_or_size);
      embedding.width = 4;
      embedding.frequencies = 7;
      embedding.deviation = 0.5;
    };
    add(EmbeddingKind::periodic, {0, 3}, {});
    add(EmbeddingKind::linear, {1}, {1});
    add(EmbeddingKind::category, {2}, {3});
  }
  if (choices.has_submodels) {
    plan.submodels = 3;
    plan.own_batches = choices.has_own_batches;
    for (LayerPlan& layer : plan.layers) {
      layer.sharing = &layer == &plan.layers.back() ? WeightSharing::none : WeightSharing::matrix;
      layer.scales_inputs = true;
    }
  }
  plan.loss.kind = choices.loss;
  plan.loss.label_smoothing = 0.05;
  plan.optimizer.kind = choices.optimizer;
  plan.optimizer.learning_rate = 0.005;
  plan.optimizer.momentum = 0.9;
  plan.optimizer.weight_decay = 0.001;
  plan.optimizer.clip_norm = 0.5;
  plan.schedule.kind = choices.schedule;
  plan.schedule.per_step = true;
  plan.schedule.length = 40;
  plan.schedule.factor = 0.9;
  plan.batch_size = 37;
  plan.epochs = 3;
  plan.seed = 11;
  return plan;
}

template <class T>
std::uint64_t train(const Plan& plan, int threads) {
  constexpr std::int64_t kRows = 211;
  const std::int64_t outputs = plan.layers.back().width;
  std::vector<T> x(static_cast<std::size_t>(kRows * plan.inputs)), targets(static_cast<std::size_t>(kRows * outputs));
  std::vector<std::int32_t> classes(kRows);
  const auto word = [](std::size_t i, std::uint32_t use) {
    return philox(5, {static_cast<std::uint32_t>(i), use, 0, 0})[0];
  };
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(word(i, 0) >> 8) / T(1 << 23) - T(1);
  for (std::size_t i = 0; i < classes.size(); ++i) classes[i] = static_cast<std::int32_t>(word(i, 1) % outputs);
  for (std::size_t i = 0; i < targets.size(); ++i) targets[i] = static_cast<T>(word(i, 2) % 2);
  Rows<T> rows;
  rows.x = x.data();
  rows.x_stride = plan.inputs;
  rows.count = kRows;
  if (plan.loss.kind == LossKind::cross_entropy || plan.loss.kind == LossKind::squared_error_of_classes) {
    rows.classes = classes.data();
  } else {
    rows.targets = targets.data();
    rows.targets_stride = outputs;
  }
  Solo<T> solo(plan, rows, rows, threads);
  solo.run({}, {});
  std::uint64_t hash =
      digest(solo.network().weights.data(), static_cast<std::size_t>(solo.network().weights.size()) * sizeof(T));
  for (const EpochRecord& record : solo.history()) hash = digest(&record, offsetof(EpochRecord, seconds), hash);
  return hash;
}

}  // namespace

int main() {
  const std::vector<std::vector<std::int64_t>> shapes = {{4, 10, 10, 3}, {7, 33, 50, 17, 5}, {64, 100, 2}, {20, 1}};
  int number = 0;
  const auto report = [&](const Choices& choices, bool rounds_products = false) {
    const std::vector<std::int64_t>& sizes = shapes[static_cast<std::size_t>(number) % shapes.size()];
    Plan plan = plan_of(sizes, choices);
    plan.rounds_products = rounds_products;
    std::printf("%02d %016" PRIx64 " %016" PRIx64 "\n", number, train<float>(plan, 1 + number % 3),
                train<double>(plan, 1));
    ++number;
  };
  // Every choice at least once; the rest vary along with it.
  for (int i = 0; i < 12; ++i) {
    report({static_cast<ActivationKind>(i), static_cast<LossKind>(i % 8), static_cast<OptimizerKind>(i % 9),
            static_cast<InitializerKind>(i % 9), static_cast<ScheduleKind>(i % 6)});
  }
  for (int i = 0; i < 9; ++i) {
    report({static_cast<ActivationKind>((5 * i + 1) % 12), static_cast<LossKind>((3 * i + 2) % 8),
            static_cast<OptimizerKind>(i), static_cast<InitializerKind>((i + 4) % 8),
            static_cast<ScheduleKind>((i + 1) % 5)});
  }
  for (int i = 0; i < 12; ++i) {
    report({static_cast<ActivationKind>(i), static_cast<LossKind>((i + 3) % 8), static_cast<OptimizerKind>(i % 9),
            InitializerKind::unit_variance, static_cast<ScheduleKind>(i % 6), true});
  }
  for (int i = 0; i < 8; ++i) {
    report({static_cast<ActivationKind>(i + 2), static_cast<LossKind>(i), static_cast<OptimizerKind>((i + 4) % 9),
            InitializerKind::he_normal, static_cast<ScheduleKind>(i % 6), i % 2 == 1, true});
  }
  for (int i = 0; i < 8; ++i) {
    report({static_cast<ActivationKind>(i + 3), static_cast<LossKind>(i), static_cast<OptimizerKind>((i + 5) % 9),
            InitializerKind::lecun_uniform, static_cast<ScheduleKind>(i % 6), i % 2 == 0, i % 3 == 0, true});
  }
  for (int i = 0; i < 8; ++i) {
    report({static_cast<ActivationKind>(i + 4), static_cast<LossKind>(i), static_cast<OptimizerKind>(i),
            InitializerKind::unit_variance, static_cast<ScheduleKind>(i % 6), true, i % 3 == 0, false,
            NormalizationKind::batch});
  }
  for (int i = 0; i < 4; ++i) {
    report({static_cast<ActivationKind>(i), static_cast<LossKind>(i), static_cast<OptimizerKind>(i + 4),
            InitializerKind::he_normal, static_cast<ScheduleKind>(i), i % 2 == 1, false, i % 2 == 0},
           true);
  }
  for (int i = 0; i < 4; ++i) {
    report({static_cast<ActivationKind>(i), static_cast<LossKind>(i), static_cast<OptimizerKind>(i + 4),
            InitializerKind::he_normal, static_cast<ScheduleKind>(i), false, i % 2 == 0, true, NormalizationKind::layer,
            true});
  }
}
