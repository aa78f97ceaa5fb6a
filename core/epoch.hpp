// The position of a run in training, the record of an epoch, and the decisions at its end: the same for a single
// network, for a member of a colony and for a network on a GPU. Functions of a plan take any struct with the members
// that they read: `Plan`, or what a kernel has of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "losses/row_metric.hpp"
#include "optimizers/coefficients.hpp"
#include "schedules.hpp"

namespace creche::CRECHE_LEVEL {

enum class Status { running, finished, early_stopped, interrupted, diverged };

// Loss and metric of a table: means over its rows (weighted for the loss), summed in row order.
struct Evaluation {
  double loss = std::numeric_limits<double>::quiet_NaN();
  double metric = std::numeric_limits<double>::quiet_NaN();
};

// One completed epoch. The training loss and metric are those of its batches, each computed before its update.
struct EpochRecord {
  double train_loss = 0;
  double train_metric = 0;
  double validation_loss = 0;
  double validation_metric = 0;
  double learning_rate = 0;
  double seconds = 0;
};

// The position of a run in training, without its arrays.
struct Progress {
  std::int64_t epoch = 0;  // completed
  std::int64_t step = 0;   // completed
  std::int64_t batch = 0;  // completed, of the current epoch
  double loss_sum = 0;     // of the current epoch's batches
  double weight_sum = 0;
  double metric_sum = 0;
  double learning_rate = 0;  // of the current epoch's first step
  double seconds = 0;        // spent on the current epoch
  Scalars scalars{};
  PlateauState plateau{};
  double best_loss = std::numeric_limits<double>::infinity();
  std::int64_t best_epoch = -1;
  bool early_stopped = false;
};

struct Divergence {
  std::int64_t epoch = 0;
  std::int64_t batch = 0;
  double learning_rate = 0;
};

inline double units_done(const SchedulePlan& schedule, const Progress& p) {
  return static_cast<double>(schedule.per_step ? p.step : p.epoch);
}

template <class AnyPlan>
double scheduled_learning_rate(const AnyPlan& plan, const Progress& p) {
  return plan.optimizer.learning_rate * schedule_factor(plan.schedule, units_done(plan.schedule, p), p.plateau);
}

// The factors of the numbers other than the learning rate that change during training, at the next step.
struct ScheduledFactors {
  double weight_decay = 1;
  double dropout = 1;
  double label_smoothing = 1;
};

// Whether any of these factors is ever another than 1.
template <class AnyPlan>
bool has_scheduled_factors(const AnyPlan& plan) {
  const auto changes = [](const SchedulePlan& schedule) {
    return schedule.kind != ScheduleKind::constant || schedule.warmup > 0;
  };
  return changes(plan.weight_decay_schedule) || changes(plan.dropout_schedule) ||
         changes(plan.label_smoothing_schedule);
}

template <class AnyPlan>
ScheduledFactors scheduled_factors(const AnyPlan& plan, const Progress& p) {
  const auto factor = [&](const SchedulePlan& schedule) {
    return schedule_factor(schedule, units_done(schedule, p), PlateauState{});
  };
  return {factor(plan.weight_decay_schedule), factor(plan.dropout_schedule), factor(plan.label_smoothing_schedule)};
}

// The steps of an epoch over `rows` training rows, at least 1.
template <class AnyPlan>
std::int64_t batches_per_epoch(const AnyPlan& plan, std::int64_t rows) {
  const std::int64_t full = rows / plan.batch_size;
  return plan.drop_last && full > 0 ? full : (rows + plan.batch_size - 1) / plan.batch_size;
}

// The position of an epoch's order at which a submodel begins that has batches of its own: they are those of submodel
// 0, moved on by as many rows.
inline std::int64_t first_position(std::int64_t rows, std::int64_t submodels, std::int64_t submodel) {
  return submodel * rows / submodels;
}

// How many of `rows` training rows an epoch visits.
template <class AnyPlan>
std::int64_t rows_per_epoch(const AnyPlan& plan, std::int64_t rows) {
  return std::min(rows, batches_per_epoch(plan, rows) * plan.batch_size);
}

// How many rows each shard of a batch of `rows` rows has; the last ones have fewer, or none.
template <class AnyPlan>
std::int64_t rows_per_shard(const AnyPlan& plan, std::int64_t rows) {
  return (rows + plan.shards - 1) / plan.shards;
}

// Fills in the record of the epoch, for which there are `rows` training rows, and advances to the next. Its loss and
// metric are means over its rows and the submodels. Returns whether the weights are the best so far. Without
// validation, validation holds NaN and the training loss is monitored.
template <class AnyPlan>
bool finish_epoch(const AnyPlan& plan, std::int64_t rows, bool validated, const Evaluation& validation, Progress& p,
                  EpochRecord& record) {
  const double train_metric =
      metric_from_mean(plan.loss.kind, p.metric_sum / static_cast<double>(rows_per_epoch(plan, rows) * plan.submodels));
  record = {p.loss_sum / p.weight_sum, train_metric, validation.loss, validation.metric, p.learning_rate, p.seconds};
  const double monitored = validated ? validation.loss : record.train_loss;
  update_plateau(plan.schedule, monitored, p.plateau);
  const bool improved = p.best_epoch < 0 || monitored < p.best_loss - plan.early_stopping.min_delta;
  if (improved) {
    p.best_loss = monitored;
    p.best_epoch = p.epoch;
  }
  const std::int64_t patience = plan.early_stopping.patience;
  if (patience > 0 && p.epoch - p.best_epoch >= patience) p.early_stopped = true;
  ++p.epoch;
  p.batch = 0;
  p.loss_sum = p.weight_sum = p.metric_sum = p.seconds = 0;
  return improved;
}

}  // namespace creche::CRECHE_LEVEL
