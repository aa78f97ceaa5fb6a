// The steps of a pack whose optimizer searches lines. Each lane decides for itself; those whose loss is not finite go
// nearer to their accepted points, and are evaluated again, until every lane has taken its step.
#include <cmath>

#include "engines/pack.hpp"
#include "precisions.hpp"

namespace creche::CRECHE_LEVEL {

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
void Pack<T>::step_lines(const StepOrder& order, LaneSet lanes) {
  using Search = LaneLineSearch<T>;
  typename Search::Evaluated at{weights_.data(), gradients_.data(), planes_, {}, {}, {}, decays_.data(), false};
  for (std::size_t i = 0; i < lanes_.size(); ++i)
    lanes_[i].last_rate = scheduled_learning_rate(lanes_[i].member->plan, lanes_[i].progress);
  if (regularized_) prepare_decays();
  at.is_last = leader().progress.epoch + 1 >= plan_.epochs;
  while (true) {
    Sums sums = sums_of_epoch();
    const V zero_or_nan = pass_batch(order, sums);
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
  std::vector<Evaluation> out = validate();
  const auto are_wrong = [&] {
    LaneSet lanes{};
    for (std::size_t i = 0; i < lanes_.size(); ++i) lanes[i] = lanes_[i].is_active && !std::isfinite(out[i].loss);
    return lanes;
  };
  for (LaneSet wrong = are_wrong(); wrong != LaneSet{};) {
    typename LaneLineSearch<T>::Searches searches = this->searches();
    const LaneSet shortened = line_search_->shorten(wrong, weights_.data(), planes_, searches);
    if (shortened == LaneSet{}) break;
    const std::vector<Evaluation> again = validate();
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
