#include "optimizers/groups.hpp"

#include <algorithm>

namespace creche::CRECHE_LEVEL {

ParameterGroups::ParameterGroups(const Plan& plan, const std::vector<ParameterBlock>& blocks) {
  for (const ParameterBlock& block : blocks) {
    std::vector<std::size_t>& of_parts = of_blocks_.emplace_back();
    for (const ParameterPart& part : block.parts)
      of_parts.push_back(find_or_add(plan.optimizer, part.factors(plan), part.is_bias));
  }
}

std::size_t ParameterGroups::find_or_add(const OptimizerPlan& plan, const GroupPlan& factors, bool is_bias) {
  const auto position = [](const auto& among, auto&& is_same) {
    return static_cast<std::size_t>(std::find_if(among.begin(), among.end(), is_same) - among.begin());
  };
  OptimizerPlan optimizer = plan;
  optimizer.epsilon *= factors.epsilon;
  Group group{RegularizationPlan(plan, factors, is_bias), factors.learning_rate,
              position(optimizers_, [&](const OptimizerPlan& other) { return optimizer == other; })};
  if (group.optimizer == optimizers_.size()) optimizers_.push_back(optimizer);
  const auto has_same_coefficients = [&](const Group& other) {
    return group.optimizer == other.optimizer && group.rate_factor == other.rate_factor;
  };
  const std::size_t found = position(groups_, [&](const Group& other) {
    return has_same_coefficients(other) && group.regularization == other.regularization;
  });
  if (found == groups_.size()) {
    group.first_with_same_coefficients = position(groups_, has_same_coefficients);
    groups_.push_back(group);
  }
  return found;
}

}  // namespace creche::CRECHE_LEVEL
