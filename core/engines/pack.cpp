// The run of a pack: epochs, members that end, snapshots. pack_step.cpp has the steps.
#include "engines/pack.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <stdexcept>

#include "engines/initialize.hpp"
#include "engines/row_order.hpp"
#include "engines/solo.hpp"
#include "network.hpp"
#include "precisions.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
bool fits_pack(const Member<T>& one, const Member<T>& other) {
  return have_same_shape(one.plan, other.plan) && one.train.count == other.train.count &&
         one.validation.count == other.validation.count;
}

template <class T>
std::int64_t Pack<T>::working_set(const Plan& plan, std::int64_t rows) {
  const NetworkShape shape(plan);
  // A line search reads its pairs a few times for all rows together, not once per row.
  const int planes = searches_line(plan.optimizer) ? Lbfgs::kPairs : optimizer_planes(plan.optimizer);
  std::int64_t vectors = shape.parameters * (2 + planes);
  // The outputs, their gradients and two more matrices of a layer, all rows of a batch, unless a block is enough.
  const auto normalizes_by_batch = [](const LayerShape& layer) { return layer.normalizes_by_batch; };
  if (std::any_of(shape.layers.begin(), shape.layers.end(), normalizes_by_batch))
    for (const LayerShape& layer : shape.layers) vectors += 4 * std::min(plan.batch_size, rows) * layer.outputs;
  return vectors * static_cast<std::int64_t>(sizeof(V));
}

template <class T>
Pack<T>::Pack(std::vector<const Member<T>*> members)
    : count_(static_cast<int>(members.size())),
      plan_(members.front()->plan),
      shape_(plan_),
      size_(shape_.parameters),
      loss_pass_(lane_loss_function<V>(plan_.loss.kind)),
      mean_(lane_mean_function<V>(plan_.loss.kind)),
      snapshot_progress_(kLanes) {
  for (const Member<T>* member : members) {
    if (!fits_pack(*members.front(), *member)) throw std::invalid_argument("pack: members differ in shape or kind");
    regularized_ |= is_regularized(member->plan.optimizer);
    clips_norm_ |= member->plan.optimizer.clip_norm > 0;
    has_scheduled_factors_ |= has_scheduled_factors(member->plan);
  }
  plan_.batch_size = std::min(plan_.batch_size, members.front()->train.count);
  batches_per_epoch_ = batches_per_epoch(plan_, members.front()->train.count);
  stops_early_ = plan_.early_stopping.patience > 0;
  update_ = lane_update_function<T>(plan_.optimizer, regularized_);
  if (searches_line(plan_.optimizer)) {
    line_search_ = std::make_unique<LaneLineSearch<T>>(plan_.optimizer, shape_);
    std::int64_t rows = 0;
    for (const ParameterBlock& block : shape_.blocks) rows += block.rows;
    decays_ = AlignedArray<T>(rows * kLanes);
  }
  // Lanes without a member repeat the first one; their results are never read.
  members.resize(static_cast<std::size_t>(kLanes), members.front());

  for (std::size_t l = 0; l < plan_.layers.size(); ++l) {
    LaneLayer<V> layer(plan_.layers[l], shape_.layers[l], shape_);
    for (int i = 0; i < kLanes; ++i)
      layer.parameter.set_lane(
          i, static_cast<T>(members[static_cast<std::size_t>(i)]->plan.layers[l].activation_parameter));
    layers_.push_back(layer);
    normalizes_by_batch_ |= layer.shape.normalizes_by_batch;
  }
  weights_ = AlignedArray<T>(size_ * kLanes);
  gradients_ = AlignedArray<T>(size_ * kLanes);
  snapshot_weights_ = AlignedArray<T>(size_ * kLanes);
  if (stops_early_) best_ = AlignedArray<T>(size_ * kLanes);
  for (int p = 0; p < optimizer_planes(plan_.optimizer); ++p) {
    planes_.emplace_back(size_ * kLanes);
    snapshot_planes_.emplace_back(size_ * kLanes);
  }
  quantiles_ = AlignedArray<T>(shape_.outputs() * kLanes);
  loss_numbers_.quantiles = vectors(quantiles_);
  for (int i = 0; i < kLanes; ++i) {
    Lane& lane = lanes_.emplace_back(*members[static_cast<std::size_t>(i)], shape_.blocks);
    lane.is_active = i < count_;
    const Plan& plan = lane.member->plan;
    lane.progress.scalars = initial_scalars(plan.optimizer);
    loss_numbers_.label_smoothing.set_lane(i, static_cast<T>(plan.loss.label_smoothing));
    loss_numbers_.delta.set_lane(i, static_cast<T>(plan.loss.delta));
    if (plan.loss.kind == LossKind::quantile)
      for (std::int64_t c = 0; c < shape_.outputs(); ++c)
        quantiles_[c * kLanes + i] = static_cast<T>(plan.loss.quantile_of(c));
    Network<T> network(plan);
    initialize(plan, lane.member->train, network);
    from_arena(network.weights, i, weights_);
    for (std::size_t p = 0; p < planes_.size(); ++p) {
      const T initial = static_cast<T>(optimizer_initial_plane(plan.optimizer, static_cast<int>(p)));
      for (std::int64_t k = 0; k < size_; ++k) planes_[p][k * kLanes + i] = initial;
    }
    if (plan.epochs == 0 && lane.is_active) end_member(i, Status::finished, false);
  }
  if (plan_.shuffle) order_.resize(static_cast<std::size_t>(lanes_[0].member->train.count * kLanes));
  orders_.resize(order_.size());
  for (int i = 0; i < kLanes; ++i) {
    const Member<T>& member = *members[static_cast<std::size_t>(i)];
    const auto first = [&](auto&& is_same) {
      int lane = 0;
      while (lane < i && !is_same(*members[static_cast<std::size_t>(lane)], member)) ++lane;
      return lane;
    };
    lanes_[static_cast<std::size_t>(i)].first_with_same_rates = first(have_same_rates<T>);
    lanes_[static_cast<std::size_t>(i)].first_with_same_order =
        first([](const Member<T>& one, const Member<T>& other) { return one.plan.seed == other.plan.seed; });
  }
  shares_numbers_ = std::all_of(members.begin(), members.end(), [&](const Member<T>* member) {
    return have_same_rates(*members.front(), *member) &&
           members.front()->plan.weight_decay_schedule == member->plan.weight_decay_schedule;
  });
  const auto is_first = [](const Lane& lane) { return lane.first_with_same_order == 0; };
  for (const bool validation : {false, true}) {
    one_table_[validation] = is_one_table(validation);
    for (int i = 0; i < kLanes; ++i) weighted_[validation] |= member_rows(i, validation).weights != nullptr;
    same_rows_[validation] =
        one_table_[validation] && (validation || !plan_.shuffle || std::all_of(lanes_.begin(), lanes_.end(), is_first));
  }
  step_loss_numbers_ = loss_numbers_;
  find_groups();
  lay_out_block();
}

template <class T>
void Pack<T>::find_groups() {
  const auto add = [&](std::int64_t begin, std::int64_t end, auto&& group_of) {
    const auto is_same = [&](const Group& group) {
      return std::equal(lanes_.begin(), lanes_.end(), group.of_lane,
                        [&](const Lane& lane, std::size_t of_lane) { return group_of(lane.groups) == of_lane; });
    };
    const auto found =
        static_cast<std::size_t>(std::find_if(groups_.begin(), groups_.end(), is_same) - groups_.begin());
    if (found == groups_.size()) {
      Group group;
      std::transform(lanes_.begin(), lanes_.end(), group.of_lane,
                     [&](const Lane& lane) { return group_of(lane.groups); });
      const auto has_same_coefficients = [&](const Group& other) {
        for (std::size_t i = 0; i < lanes_.size(); ++i) {
          const ParameterGroups& groups = lanes_[i].groups;
          if (groups.first_with_same_coefficients(group.of_lane[i]) !=
              groups.first_with_same_coefficients(other.of_lane[i]))
            return false;
        }
        return true;
      };
      group.first_with_same_coefficients = static_cast<std::size_t>(
          std::find_if(groups_.begin(), groups_.end(), has_same_coefficients) - groups_.begin());
      groups_.push_back(group);
    }
    if (!ranges_.empty() && ranges_.back().group == found && ranges_.back().end == begin) {
      ranges_.back().end = end;
    } else {
      ranges_.push_back({begin, end, found});
    }
  };
  for (std::size_t b = 0; b < shape_.blocks.size(); ++b) {
    const ParameterBlock& block = shape_.blocks[b];
    for (std::size_t p = 0; p < block.parts.size(); ++p) {
      const ParameterPart& part = block.parts[p];
      if (!part.is_learned) continue;
      add(block.lanes_at + part.row * block.columns, block.lanes_at + part.end() * block.columns,
          [b, p](const ParameterGroups& groups) { return groups.of(b, p); });
    }
  }
}

template <class T>
bool Pack<T>::has_active_member() const {
  return std::any_of(lanes_.begin(), lanes_.end(), [](const Lane& lane) { return lane.is_active; });
}

// An active member: all of them are at the same step.
template <class T>
const typename Pack<T>::Lane& Pack<T>::leader() const {
  return *std::find_if(lanes_.begin(), lanes_.end(), [](const Lane& lane) { return lane.is_active; });
}

template <class T>
void Pack<T>::run(std::int64_t until_epoch, const std::function<bool()>& stop) {
  epoch_clock_ = Clock::now();
  while (has_active_member() && leader().progress.epoch < until_epoch) {
    if (!epoch_begun_) begin_epoch();
    while (has_active_member() && leader().progress.batch < batches_per_epoch_) {
      if (stop()) return;
      step();
    }
    if (has_active_member()) end_epoch();
  }
}

template <class T>
void Pack<T>::begin_epoch() {
  const std::vector<bool> finite = finite_lanes();
  for (int i = 0; i < kLanes; ++i)
    if (lanes_[static_cast<std::size_t>(i)].is_active && !finite[static_cast<std::size_t>(i)]) hand_to_solo(i);
  take_snapshot();
  if (plan_.shuffle) shuffle();
  epoch_begun_ = true;
}

template <class T>
void Pack<T>::shuffle() {
  const std::int64_t count = lanes_[0].member->train.count;
  const auto order_of_lane = [&](int lane) {
    return std::span(orders_).subspan(static_cast<std::size_t>(lane * count), static_cast<std::size_t>(count));
  };
  if (same_rows_[false]) {
    order_rows(leader().member->plan, static_cast<std::uint32_t>(leader().progress.epoch), order_of_lane(0));
    for (std::int64_t position = 0; position < count; ++position)
      std::fill_n(order_.data() + position * kLanes, kLanes, order_of_lane(0)[static_cast<std::size_t>(position)]);
    return;
  }
  for (int i = 0; i < kLanes; ++i) {
    const Lane& lane = lanes_[static_cast<std::size_t>(i)];
    if (lane.first_with_same_order < i) {
      std::copy_n(order_of_lane(lane.first_with_same_order).data(), count, order_of_lane(i).data());
    } else {
      order_rows(lane.member->plan, static_cast<std::uint32_t>(leader().progress.epoch), order_of_lane(i));
    }
  }
  for (std::int64_t position = 0; position < count; ++position)
    for (int i = 0; i < kLanes; ++i)
      order_[static_cast<std::size_t>(position * kLanes + i)] = orders_[static_cast<std::size_t>(i * count + position)];
}

template <class T>
void Pack<T>::end_epoch() {
  std::vector<Evaluation> validation(kLanes);
  const bool validated = lanes_[0].member->validation.count > 0;
  if (validated) validation = line_search_ ? validate_lines() : validate();
  const Clock::time_point now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - epoch_clock_).count();
  epoch_clock_ = now;
  for (int i = 0; i < kLanes; ++i) {
    Lane& lane = lanes_[static_cast<std::size_t>(i)];
    if (!lane.is_active) continue;
    const Evaluation& evaluation = validation[static_cast<std::size_t>(i)];
    if (validated && !std::isfinite(evaluation.loss)) {
      hand_to_solo(i);
      continue;
    }
    const Plan& plan = lane.member->plan;
    lane.progress.seconds += seconds;
    if (finish_epoch(plan, lane.member->train.count, validated, evaluation, lane.progress, lane.history) &&
        stops_early_) {
      for (std::int64_t k = 0; k < size_; ++k) best_[k * kLanes + i] = weights_[k * kLanes + i];
    }
    const bool early = lane.progress.early_stopped;
    if (early || lane.progress.epoch == plan.epochs)
      end_member(i, early ? Status::early_stopped : Status::finished, stops_early_ && plan.early_stopping.restore_best);
  }
  epoch_begun_ = false;
}

// Copies the state of a member; the pack continues without it.
template <class T>
void Pack<T>::end_member(int lane, Status status, bool best) {
  MemberState<T> out = state(lane);
  if (best) out.weights.copy_from(out.best);
  out.status = status;
  Lane& entry = lanes_[static_cast<std::size_t>(lane)];
  entry.ended = std::move(out);
  entry.is_active = false;
}

template <class T>
void Pack<T>::take_snapshot() {
  snapshot_weights_.copy_from(weights_);
  for (std::size_t p = 0; p < planes_.size(); ++p) snapshot_planes_[p].copy_from(planes_[p]);
  for (std::size_t i = 0; i < lanes_.size(); ++i) snapshot_progress_[i] = lanes_[i].progress;
  snapshot_taken_ = true;
}

// Solo decides what happens after a loss that is not finite: which weights are kept, and what is reported.
template <class T>
void Pack<T>::hand_to_solo(int lane) {
  Lane& leaving = lanes_[static_cast<std::size_t>(lane)];
  const Member<T>& member = *leaving.member;
  Solo<T> solo(member.plan, member.train, member.validation, 1);
  MemberState<T> begin = state(lane);
  if (snapshot_taken_) {
    to_arena(snapshot_weights_, lane, begin.weights);
    for (std::size_t p = 0; p < planes_.size(); ++p) to_arena(snapshot_planes_[p], lane, begin.planes[p]);
    begin.progress = snapshot_progress_[static_cast<std::size_t>(lane)];
    begin.history.resize(static_cast<std::size_t>(begin.progress.epoch));
  }
  write_state(solo, begin);
  solo.run(Limits{}, {});
  leaving.ended = read_state(solo);
  leaving.is_active = false;
}

template <class T>
Status Pack<T>::status(int lane) const {
  const Lane& entry = lanes_[static_cast<std::size_t>(lane)];
  return entry.is_active ? Status::running : entry.ended.status;
}

template <class T>
const Progress& Pack<T>::progress(int lane) const {
  const Lane& entry = lanes_[static_cast<std::size_t>(lane)];
  return entry.is_active ? entry.progress : entry.ended.progress;
}

template <class T>
const std::vector<EpochRecord>& Pack<T>::history(int lane) const {
  const Lane& entry = lanes_[static_cast<std::size_t>(lane)];
  return entry.is_active ? entry.history : entry.ended.history;
}

template <class T>
const Divergence& Pack<T>::divergence(int lane) const {
  return lanes_[static_cast<std::size_t>(lane)].ended.divergence;
}

template <class T>
std::vector<bool> Pack<T>::finite_lanes() const {
  V zero_or_nan(T(0));  // NaN in a lane that holds a number that is not finite
  for (std::int64_t k = 0; k < size_; ++k)
    zero_or_nan = fma(V::load(weights_.data() + k * kLanes), V(T(0)), zero_or_nan);
  std::vector<bool> finite;
  for (int i = 0; i < kLanes; ++i) finite.push_back(zero_or_nan.lane(i) == T(0));
  return finite;
}

template <class T>
MemberState<T> Pack<T>::state(int lane) const {
  const Lane& entry = lanes_[static_cast<std::size_t>(lane)];
  MemberState<T> out;
  const auto copy = [&](const AlignedArray<T>& lanes, const AlignedArray<T>& ended) {
    if (!entry.is_active) return copy_array(ended);
    AlignedArray<T> array(shape_.weights_size);
    to_arena(lanes, lane, array);
    return array;
  };
  out.weights = copy(weights_, entry.ended.weights);
  for (std::size_t p = 0; p < planes_.size(); ++p)
    out.planes.push_back(copy(planes_[p], entry.is_active ? entry.ended.weights : entry.ended.planes[p]));
  if (stops_early_) out.best = copy(best_, entry.ended.best);
  out.progress = entry.is_active ? entry.progress : entry.ended.progress;
  out.history = entry.is_active ? entry.history : entry.ended.history;
  out.status = status(lane);
  out.divergence = entry.ended.divergence;
  return out;
}

template <class T>
void Pack<T>::set_state(int lane, const MemberState<T>& state) {
  Lane& entry = lanes_[static_cast<std::size_t>(lane)];
  from_arena(state.weights, lane, weights_);
  for (std::size_t p = 0; p < planes_.size(); ++p) from_arena(state.planes[p], lane, planes_[p]);
  if (stops_early_) from_arena(state.best, lane, best_);
  entry.progress = state.progress;
  entry.history = state.history;
  entry.is_active = true;
  if (entry.progress.early_stopped) {
    end_member(lane, Status::early_stopped, false);
  } else if (entry.progress.epoch >= entry.member->plan.epochs) {
    end_member(lane, Status::finished, false);
  }
  snapshot_taken_ = epoch_begun_ = false;
}

template <class T>
void Pack<T>::to_arena(const AlignedArray<T>& lanes, int lane, AlignedArray<T>& arena) const {
  for (const ParameterBlock& block : shape_.blocks) {
    const PanelMatrix<T> to = block_view(arena.data(), block);
    const T* from = lanes.data() + block.lanes_at * kLanes + lane;
    for (std::int64_t row = 0; row < block.rows; ++row)
      for (std::int64_t column = 0; column < block.columns; ++column, from += kLanes) to.element(row, column) = *from;
  }
}

template <class T>
void Pack<T>::from_arena(const AlignedArray<T>& arena, int lane, AlignedArray<T>& lanes) const {
  for (const ParameterBlock& block : shape_.blocks) {
    const PanelMatrix<T> from = block_view(arena.data(), block);
    T* to = lanes.data() + block.lanes_at * kLanes + lane;
    for (std::int64_t row = 0; row < block.rows; ++row)
      for (std::int64_t column = 0; column < block.columns; ++column, to += kLanes) *to = from.element(row, column);
  }
}

#define INSTANTIATE(T)    \
  template class Pack<T>; \
  template bool fits_pack(const Member<T>&, const Member<T>&);
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
