// The steps of a pack.
//
// Where the optimizer searches lines, each lane decides for itself; those whose loss is not finite go nearer to their
// accepted points, and are evaluated again, until every lane has taken its step.
#include <algorithm>
#include <cmath>

#include "engines/pack.hpp"
#include "precisions.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
typename Pack<T>::BatchOrder Pack<T>::next_batch() const {
  BatchOrder order;
  order.epoch = leader().progress.epoch;
  order.begin = leader().progress.batch * plan_.batch_size;
  order.count = std::min(plan_.batch_size, rows_.count(false) - order.begin);
  const std::int64_t own_batches = plan_.own_batches ? plan_.submodels : 1;
  for (int i = 0; i < kLanes; ++i) {
    const bool weighted = lanes_[static_cast<std::size_t>(i)].member->train.weights != nullptr;
    double sum = 0;
    for (std::int64_t m = 0; m < own_batches; ++m)
      sum = weighted ? rows_.add_weights(sum, i, false, pass_.first_position(m) + order.begin, order.count)
                     : sum + static_cast<double>(order.count);
    order.weight[i] = sum * static_cast<double>(plan_.submodels / own_batches);
    order.per_weight[i] = order.weight[i] > 0 ? 1.0 / order.weight[i] : 0.0;
  }
  return order;
}

template <class T>
typename Pack<T>::Sums Pack<T>::sums_of_epoch() const {
  Sums sums;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    sums.loss[i] = lanes_[i].progress.loss_sum;
    sums.metric[i] = lanes_[i].progress.metric_sum;
  }
  return sums;
}

template <class T>
void Pack<T>::count_step(int lane, const BatchOrder& order, const Sums& sums) {
  Lane& counted = lanes_[static_cast<std::size_t>(lane)];
  Progress& p = counted.progress;
  if (p.batch == 0) p.learning_rate = counted.last_rate;
  p.loss_sum = sums.loss[lane];
  p.metric_sum = sums.metric[lane];
  p.weight_sum += order.weight[lane];
  ++p.batch;
  ++p.step;
}

template <class T>
void Pack<T>::step() {
  if (has_scheduled_factors_) {
    for (Lane& lane : lanes_) lane.factors = scheduled_factors(lane.member->plan, lane.progress);
    pass_.schedule_numbers();
  }
  const BatchOrder order = next_batch();
  if (line_search_) {
    LaneSet active;
    std::transform(lanes_.begin(), lanes_.end(), active.begin(), [](const Lane& lane) { return lane.is_active; });
    return step_lines(order, active);
  }
  Sums sums = sums_of_epoch();
  const V zero_or_nan = pass_.compute_gradients(order, sums);
  for (int i = 0; i < kLanes; ++i) {
    if (lanes_[static_cast<std::size_t>(i)].is_active && zero_or_nan.lane(i) != T(0)) hand_to_solo(i);
  }
  if (!has_active_member(lanes_)) return;
  update_.step(lanes_, weights_, gradients_, planes_);
  for (int i = 0; i < kLanes; ++i) count_step(i, order, sums);
  pass_.move_running_statistics(order.count);
}

template <class T>
typename LaneLineSearch<T>::Searches Pack<T>::searches() const {
  typename LaneLineSearch<T>::Searches out;
  for (const Lane& lane : lanes_) out.emplace_back(lane.progress.scalars);
  return out;
}

// The weight decay of each row of the blocks, in this step.
template <class T>
void Pack<T>::prepare_decays() {
  T* to = decays_.data();
  for (std::size_t b = 0; b < shape_.blocks.size(); ++b) {
    for (std::size_t p = 0; p < shape_.blocks[b].parts.size(); ++p) {
      T of_lane[kLanes];
      for (std::size_t i = 0; i < lanes_.size(); ++i) {
        const Lane& lane = lanes_[i];
        of_lane[i] =
            lane.groups.template regularization<T>(lane.groups.of(b, p), lane.last_rate, lane.factors.weight_decay)
                .weight_decay;
      }
      for (std::int64_t row = 0; row < shape_.blocks[b].parts[p].rows; ++row) to = std::copy_n(of_lane, kLanes, to);
    }
  }
}

template <class T>
void Pack<T>::step_lines(const BatchOrder& order, LaneSet lanes) {
  using Search = LaneLineSearch<T>;
  typename Search::Evaluated at{weights_.data(), gradients_.data(), planes_, {}, {}, {}, decays_.data(), false};
  for (std::size_t i = 0; i < lanes_.size(); ++i)
    lanes_[i].last_rate = scheduled_learning_rate(lanes_[i].member->plan, lanes_[i].progress);
  if (update_.is_regularized()) prepare_decays();
  at.is_last = leader().progress.epoch + 1 >= plan_.epochs;
  while (true) {
    Sums sums = sums_of_epoch();
    const V zero_or_nan = pass_.compute_gradients(order, sums);
    LaneSet finite{}, others{};
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      (zero_or_nan.lane(static_cast<int>(i)) == T(0) ? finite : others)[i] = lanes[i];
      at.loss[i] = sums.loss[i] / order.weight[i];
      at.learning_rate[i] = lanes_[i].last_rate;
      at.decays[i] = finite[i] && lanes_[i].member->plan.optimizer.weight_decay != 0;
    }
    typename Search::Searches searches = this->searches();
    line_search_->step(finite, at, searches);
    const LaneSet shortened = line_search_->shorten(others, weights_.data(), planes_, searches);
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      if (finite[i]) count_step(static_cast<int>(i), order, sums);
      if (finite[i] || shortened[i]) lanes_[i].progress.scalars = searches[i].scalars();
      if (others[i] && !shortened[i]) hand_to_solo(static_cast<int>(i));
    }
    if (shortened == LaneSet{}) return;
    lanes = shortened;
  }
}

// The losses of validation. Lanes in which they are not finite at the point that is tried next go nearer to the
// accepted one.
template <class T>
std::vector<Evaluation> Pack<T>::validate_lines() {
  std::vector<Evaluation> out = pass_.validate();
  const auto are_wrong = [&] {
    LaneSet lanes{};
    for (std::size_t i = 0; i < lanes_.size(); ++i) lanes[i] = lanes_[i].is_active && !std::isfinite(out[i].loss);
    return lanes;
  };
  for (LaneSet wrong = are_wrong(); wrong != LaneSet{};) {
    typename LaneLineSearch<T>::Searches searches = this->searches();
    const LaneSet shortened = line_search_->shorten(wrong, weights_.data(), planes_, searches);
    if (shortened == LaneSet{}) break;
    const std::vector<Evaluation> again = pass_.validate();
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      if (!shortened[i]) continue;
      lanes_[i].progress.scalars = searches[i].scalars();
      out[i] = again[i];
      wrong[i] = !std::isfinite(out[i].loss);
    }
    for (std::size_t i = 0; i < lanes_.size(); ++i) wrong[i] = wrong[i] && shortened[i];
  }
  return out;
}

#define INSTANTIATE(T) template class Pack<T>;
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
