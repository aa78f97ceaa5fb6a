// What a kernel knows of the networks that it trains: structs without arrays of their own size, which are copied to the
// memory of a device as they are.
#pragma once

#include <cstdint>

#include "epoch.hpp"
#include "losses/numbers.hpp"
#include "plan_parts.hpp"
#include "rows.hpp"
#include "warp_shape.hpp"

namespace creche::CRECHE_LEVEL::device {

struct MemberLayer {
  ActivationKind activation = ActivationKind::identity;
  float activation_parameter = 0;
  double dropout = 0;
  GroupPlan weights, biases;
};

struct MemberLoss {
  LossKind kind = LossKind::cross_entropy;
  double label_smoothing = 0;
  double delta = 1;
  Vec<float, 1> quantiles[kMostWidth];  // of each output
};

// The plan of a network, with the names of `Plan`, and its rows. All rows are in the device's memory.
struct MemberPlan {
  static constexpr std::int64_t submodels = 1;

  MemberLayer layers[kMostLayers];
  MemberLoss loss;
  OptimizerPlan optimizer;
  SchedulePlan schedule, weight_decay_schedule, dropout_schedule, label_smoothing_schedule;
  EarlyStoppingPlan early_stopping;
  std::int64_t batch_size = 32;  // at most the training rows
  std::int64_t epochs = 100;
  std::uint64_t seed = 0;
  bool drop_last = false;
  bool shuffle = true;
  std::int32_t planes = 0;  // of the optimizer
  Rows<float> train, validation;
};

// The networks of one shape and kind of loss, and what their training reads and writes: arrays with one entry, or one
// arena, for each. What a network has not finished of an epoch is not in them.
struct Launch {
  const MemberPlan* members = nullptr;
  Progress* progress = nullptr;
  Status* status = nullptr;  // diverged: a number is not finite, and the CPU has to repeat the epoch
  float* weights = nullptr;
  float* best = nullptr;            // of the best epoch; null: no member stops early
  float* planes = nullptr;          // of the optimizer, `planes_each` arenas for each member
  std::uint16_t* orders = nullptr;  // space for the rows of an epoch, `order_rows` for each; null: in the warp's memory
  EpochRecord* records = nullptr;   // of the epochs of this launch, `epochs` for each
  std::int64_t count = 0;           // of the networks
  std::int64_t planes_each = 0;
  std::int64_t order_rows = 0;  // the most training rows of a network
  std::int64_t epochs = 0;      // that a launch trains at most
  std::int64_t until_epoch = 0;
};

}  // namespace creche::CRECHE_LEVEL::device
