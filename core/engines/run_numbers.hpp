// The numbers of a run whose arrays another engine keeps: its progress, the coefficients of its steps, its decisions at
// the end of an epoch, its history. They are those that `Solo` has.
//
// Tests: tests/engine/test_run_numbers.py
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "optimizers/groups.hpp"
#include "plan.hpp"
#include "progress.hpp"
#include "shape.hpp"

namespace creche::CRECHE_LEVEL {

class RunNumbers {
 public:
  // Of each group of parameters in a step: its coefficients and its regularization.
  struct OfGroup {
    Coefficients<double> coefficients;
    Regularization<double> regularization;
  };

  RunNumbers(const Plan& plan, std::int64_t rows)
      : plan_(plan), shape_(plan), groups_(plan, shape_.blocks), rows_(rows) {
    plan_.batch_size = std::min(plan.batch_size, rows);
    progress_.scalars = initial_scalars(plan.optimizer);
  }

  const Plan& plan() const { return plan_; }
  const NetworkShape& shape() const { return shape_; }
  const ParameterGroups& groups() const { return groups_; }
  std::int64_t batches() const { return batches_per_epoch(plan_, rows_); }

  double learning_rate() const { return scheduled_learning_rate(plan_, progress_); }
  ScheduledFactors factors() const { return factors_at(progress_); }

  // Calls f(numbers of each group, factors) for each of the next `count` steps, which are of one epoch.
  template <class F>
  void each_step(std::int64_t count, F&& f) const {
    Progress at = progress_;
    std::vector<OfGroup> numbers(groups_.count());
    for (std::int64_t s = 0; s < count; ++s) {
      const ScheduledFactors factors = factors_at(at);
      take_step(at, factors.weight_decay, numbers);
      f(numbers, factors);
    }
  }

  // Completes a step, whose rows have these sums.
  void count_step(double loss_sum, double weight_sum, double metric_sum) {
    std::vector<OfGroup> numbers(groups_.count());
    if (progress_.batch == 0) progress_.learning_rate = learning_rate();
    take_step(progress_, 1, numbers);
    progress_.loss_sum += loss_sum;
    progress_.weight_sum += weight_sum;
    progress_.metric_sum += metric_sum;
  }

  // Returns whether the weights are the best so far.
  bool finish_epoch(bool validated, const Evaluation& validation) {
    return creche::CRECHE_LEVEL::finish_epoch(plan_, rows_, validated, validation, progress_, history_);
  }

  Progress& progress() { return progress_; }
  const Progress& progress() const { return progress_; }
  std::vector<EpochRecord>& history() { return history_; }
  const std::vector<EpochRecord>& history() const { return history_; }

 private:
  ScheduledFactors factors_at(const Progress& at) const {
    return has_scheduled_factors(plan_) ? scheduled_factors(plan_, at) : ScheduledFactors{};
  }
  // The numbers of the step after `at`, which moves on by it.
  void take_step(Progress& at, double decay_factor, std::vector<OfGroup>& numbers) const {
    const double rate = scheduled_learning_rate(plan_, at);
    Scalars next;
    for (std::size_t g = 0; g < groups_.count(); ++g) {
      next = at.scalars;
      numbers[g] = {groups_.coefficients<double>(g, rate, at.step + 1, next),
                    groups_.regularization<double>(g, rate, decay_factor)};
    }
    at.scalars = next;
    ++at.batch;
    ++at.step;
  }

  Plan plan_;
  NetworkShape shape_;
  ParameterGroups groups_;
  std::int64_t rows_;
  Progress progress_;
  std::vector<EpochRecord> history_;
};

}  // namespace creche::CRECHE_LEVEL
