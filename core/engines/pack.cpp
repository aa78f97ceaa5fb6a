// The run of a pack: epochs, members that end, snapshots.
#include "engines/pack.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "engines/initialize.hpp"
#include "engines/solo.hpp"
#include "network.hpp"
#include "precisions.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

template <class T>
Plan shared_plan(const std::vector<const Member<T>*>& members) {
  for (const Member<T>* member : members)
    if (!fits_pack(*members.front(), *member)) throw std::invalid_argument("pack: members differ in shape or kind");
  Plan plan = members.front()->plan;
  plan.batch_size = std::min(plan.batch_size, members.front()->train.count);
  return plan;
}

}  // namespace

template <class T>
std::int64_t Pack<T>::working_set(const Plan& plan, std::int64_t rows) {
  const NetworkShape shape(plan);
  std::int64_t vectors = shape.parameters * (2 + optimizer_planes(plan.optimizer));
  // The outputs, their gradients and two more matrices of a layer, all rows of a batch, unless a block is enough.
  const auto normalizes_by_batch = [](const LayerShape& layer) { return layer.normalizes_by_batch; };
  if (std::any_of(shape.layers.begin(), shape.layers.end(), normalizes_by_batch))
    for (const LayerShape& layer : shape.layers) vectors += 4 * std::min(plan.batch_size, rows) * layer.outputs;
  return vectors * static_cast<std::int64_t>(sizeof(V));
}

template <class T>
PackLanes<T> Pack<T>::lanes_of(std::vector<const Member<T>*> members, const NetworkShape& shape) {
  const std::size_t count = members.size();
  members.resize(static_cast<std::size_t>(kLanes), members.front());
  PackLanes<T> lanes;
  for (const Member<T>* member : members) {
    lanes.emplace_back(*member, shape.blocks);
    lanes.back().progress.scalars = initial_scalars(member->plan.optimizer);
    lanes.back().is_active = lanes.size() <= count;
  }
  return lanes;
}

template <class T>
Pack<T>::Pack(std::vector<const Member<T>*> members)
    : count_(static_cast<int>(members.size())),
      plan_(shared_plan(members)),
      shape_(plan_),
      size_(shape_.parameters),
      batches_per_epoch_(batches_per_epoch(plan_, members.front()->train.count)),
      stops_early_(plan_.early_stopping.patience > 0),
      lanes_(lanes_of(std::move(members), shape_)),
      weights_(size_ * kLanes),
      gradients_(size_ * kLanes),
      best_(stops_early_ ? size_ * kLanes : 0),
      rows_(plan_, lanes_),
      pass_(plan_, shape_, rows_, lanes_, weights_, gradients_),
      update_(plan_, shape_, lanes_) {
  if (searches_line(plan_.optimizer)) {
    line_search_ = std::make_unique<LaneLineSearch<T>>(plan_.optimizer, shape_);
    std::int64_t rows = 0;
    for (const ParameterBlock& block : shape_.blocks) rows += block.rows;
    decays_ = AlignedArray<T>(rows * kLanes);
  }
  snapshot_.weights = AlignedArray<T>(size_ * kLanes);
  snapshot_.progress.resize(lanes_.size());
  for (int p = 0; p < optimizer_planes(plan_.optimizer); ++p) {
    planes_.emplace_back(size_ * kLanes);
    snapshot_.planes.emplace_back(size_ * kLanes);
  }
  for (int i = 0; i < kLanes; ++i) initialize_lane(i);
}

template <class T>
Pack<T>::~Pack() = default;

template <class T>
void Pack<T>::initialize_lane(int lane) {
  const Lane& entry = lanes_[static_cast<std::size_t>(lane)];
  const Plan& plan = entry.member->plan;
  has_scheduled_factors_ |= has_scheduled_factors(plan);
  Network<T> network(plan);
  initialize(plan, entry.member->train, network);
  from_arena(network.weights, lane, weights_);
  for (std::size_t p = 0; p < planes_.size(); ++p) {
    const T initial = static_cast<T>(optimizer_initial_plane(plan.optimizer, static_cast<int>(p)));
    for (std::int64_t k = 0; k < size_; ++k) planes_[p][k * kLanes + lane] = initial;
  }
  if (plan.epochs == 0 && entry.is_active) end_member(lane, Status::finished, false);
}

template <class T>
void Pack<T>::run(std::int64_t until_epoch, const std::function<bool()>& stop) {
  epoch_clock_ = Clock::now();
  while (has_active_member(lanes_) && leader().progress.epoch < until_epoch) {
    if (!epoch_begun_) begin_epoch();
    while (has_active_member(lanes_) && leader().progress.batch < batches_per_epoch_) {
      if (stop()) return;
      step();
    }
    if (has_active_member(lanes_)) end_epoch();
  }
}

template <class T>
void Pack<T>::begin_epoch() {
  const std::vector<bool> finite = finite_lanes();
  for (int i = 0; i < kLanes; ++i)
    if (lanes_[static_cast<std::size_t>(i)].is_active && !finite[static_cast<std::size_t>(i)]) hand_to_solo(i);
  take_snapshot();
  rows_.shuffle(leader().progress.epoch);
  epoch_begun_ = true;
}

template <class T>
void Pack<T>::end_epoch() {
  std::vector<Evaluation> validation(kLanes);
  const bool validated = rows_.count(true) > 0;
  if (validated) validation = line_search_ ? validate_lines() : pass_.validate();
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
  snapshot_.weights.copy_from(weights_);
  for (std::size_t p = 0; p < planes_.size(); ++p) snapshot_.planes[p].copy_from(planes_[p]);
  for (std::size_t i = 0; i < lanes_.size(); ++i) snapshot_.progress[i] = lanes_[i].progress;
  snapshot_.taken = true;
}

// Solo decides what happens after a loss that is not finite: which weights are kept, and what is reported.
template <class T>
void Pack<T>::hand_to_solo(int lane) {
  Lane& leaving = lanes_[static_cast<std::size_t>(lane)];
  const Member<T>& member = *leaving.member;
  Solo<T> solo(member.plan, member.train, member.validation, 1);
  MemberState<T> begin = state(lane);
  if (snapshot_.taken) {
    to_arena(snapshot_.weights, lane, begin.weights);
    for (std::size_t p = 0; p < planes_.size(); ++p) to_arena(snapshot_.planes[p], lane, begin.planes[p]);
    begin.progress = snapshot_.progress[static_cast<std::size_t>(lane)];
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
  snapshot_.taken = epoch_begun_ = false;
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

#define INSTANTIATE(T) template class Pack<T>;
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
