// Groups of parameters: parts of the blocks, where the numbers of the optimizer differ.
//
//   eta_group = eta f_eta,   epsilon_group = epsilon f_epsilon,   lambda_group = lambda f_lambda,   likewise lambda_1
//   and the limit of clipping by value; of biases, lambda and lambda_1 are 0 unless `regularize_bias`
//
// Tests: tests/engine/test_contract.py, tests/engine/test_colony.py, tests/unit/plan/test_parameter_groups.py
#pragma once

#include <vector>

#include "../parameters.hpp"
#include "all.hpp"

namespace creche::CRECHE_LEVEL {

class ParameterGroups {
 public:
  ParameterGroups(const Plan& plan, const std::vector<ParameterBlock>& blocks);

  std::size_t count() const { return groups_.size(); }
  std::size_t of(std::size_t block, std::size_t part) const { return of_blocks_[block][part]; }

  // The first group with the same coefficients at every step: those of the others need not be computed.
  std::size_t first_with_same_coefficients(std::size_t group) const {
    return groups_[group].first_with_same_coefficients;
  }

  // The coefficients of a step with this learning rate. Advances the scalars, in the same way for each group.
  template <class T>
  Coefficients<T> coefficients(std::size_t group, double learning_rate, std::int64_t step, Scalars& scalars) const {
    const Group& of = groups_[group];
    return prepare_coefficients<T>(optimizers_[of.optimizer], learning_rate * of.rate_factor, step, scalars);
  }

  template <class T>
  Regularization<T> regularization(std::size_t group, double learning_rate, double decay_factor) const {
    const Group& of = groups_[group];
    return Regularization<T>::prepare(of.regularization, learning_rate * of.rate_factor, decay_factor);
  }

 private:
  struct Group {
    RegularizationPlan regularization;
    double rate_factor = 1;
    std::size_t optimizer = 0;
    std::size_t first_with_same_coefficients = 0;
  };

  std::size_t find_or_add(const OptimizerPlan& plan, const GroupPlan& factors, bool is_bias);

  std::vector<OptimizerPlan> optimizers_;  // with the epsilon of each group, but for what is in RegularizationPlan
  std::vector<Group> groups_;
  std::vector<std::vector<std::size_t>> of_blocks_;  // of each part of each block
};

}  // namespace creche::CRECHE_LEVEL
