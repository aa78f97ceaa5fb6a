// A training run as plain data: what the engine has to do, and nothing about how it does it.
//
// Every number is a double and every choice an enumerator, so that a plan can be saved, compared and sent. The Python
// package builds it from the dataclasses in creche.plan, which validate it; the engine does not check it again.
#pragma once

#include <cstdint>
#include <vector>

#include "plan_parts.hpp"

namespace creche::CRECHE_LEVEL {

// How features alike become several inputs of the first layer each: see layers/embedding.hpp for the formulas.
struct EmbeddingPlan {
  EmbeddingKind kind = EmbeddingKind::linear;
  std::vector<std::int64_t> columns;  // of the table: the first of each feature
  std::vector<std::int64_t> sizes;    // linear: the columns of each feature; category: its codes; periodic: empty
  std::int64_t width = 1;             // the inputs that a feature becomes
  std::int64_t frequencies = 0;       // periodic
  double deviation = 1;               // periodic: of the initial frequencies
  GroupPlan parameters;

  bool operator==(const EmbeddingPlan&) const = default;
};

struct LossPlan {
  LossKind kind = LossKind::cross_entropy;
  double label_smoothing = 0;             // cross_entropy
  double delta = 1;                       // huber
  std::vector<double> quantiles = {0.5};  // quantile: the level of each output, or one for all of them

  double quantile_of(std::int64_t output) const {
    return quantiles.size() == 1 ? quantiles[0] : quantiles.at(static_cast<std::size_t>(output));
  }
};

// How many rows are a block, and how many blocks a window, of an order by windows (random/windows.hpp).
struct WindowsPlan {
  std::int64_t block = 0;  // 0: all rows are shuffled together
  std::int64_t window = 0;

  bool operator==(const WindowsPlan&) const = default;
};

struct Plan {
  std::int64_t inputs = 0;     // columns of the table
  std::int64_t submodels = 1;  // networks that share weights, and are trained and predict as one
  SubmodelStart submodel_start = SubmodelStart::signs;
  // Of each column, the number of the feature it stems from: those of one feature begin with the same factor. Empty:
  // each is a feature.
  std::vector<std::int64_t> input_features;
  std::vector<EmbeddingPlan> embeddings;  // of columns; the others are inputs of the first layer as they are
  std::vector<LayerPlan> layers;          // the last one is the output layer
  LossPlan loss;
  OptimizerPlan optimizer;
  SchedulePlan schedule;  // of the learning rate
  // Of other numbers; none of them reduce_on_plateau. Label smoothing follows its schedule in training only: losses of
  // evaluations have its full value, so that epochs can be compared.
  SchedulePlan weight_decay_schedule, dropout_schedule, label_smoothing_schedule;
  EarlyStoppingPlan early_stopping;
  std::int64_t batch_size = 32;
  // Runs of a batch's rows whose gradients are summed each for itself, and then added in their order. 1: one sum.
  std::int64_t shards = 1;
  bool drop_last = false;    // leave out the rows at the end of an epoch that fill no batch
  bool own_batches = false;  // each submodel begins an epoch at another position, so that its batches are its own
  // Of steps, not of evaluations, those of layers: their operands to bfloat16 (gemm/bfloat16.hpp). For float32.
  bool rounds_products = false;
  std::int64_t epochs = 100;
  std::uint64_t seed = 0;
  bool shuffle = true;
  WindowsPlan windows;  // with shuffle

  // Not where they are used: copied in a dozen places, all these vectors would take the compiler seconds.
  Plan();
  Plan(const Plan&);
  Plan(Plan&&) noexcept;
  Plan& operator=(const Plan&);
  Plan& operator=(Plan&&) noexcept;
  ~Plan();
};

}  // namespace creche::CRECHE_LEVEL
