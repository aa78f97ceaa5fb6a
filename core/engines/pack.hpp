// A pack: as many networks of one shape as a register has lanes, trained together, each as if it were alone.
//
// PackRows has the rows that the lanes visit, PackPass takes them forward and back, PackUpdate has the optimizer, and
// LaneLineSearch the steps of an optimizer that searches lines. The run is here: epochs, members that end, snapshots.
//
// Each lane has its own rows (the same number, possibly from different tables), seed and numbers of the plan. All lanes
// share the shape, the kinds of activations, loss and optimizer, the batch size and the number of epochs (`fits_pack`).
// A member that ends early is copied out and ignored from then on. A member whose loss is not finite is trained by
// `Solo` from the beginning of its epoch, with the same bits as alone.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "aligned.hpp"
#include "engines/lane_line_search.hpp"
#include "engines/pack_lane.hpp"
#include "engines/pack_pass.hpp"
#include "engines/pack_rows.hpp"
#include "engines/pack_update.hpp"
#include "shape.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
class Pack {
 public:
  static constexpr int kLanes = kNativeLanes<T>;
  using V = Vec<T, kLanes>;

  // members: 1 ... kLanes that fit each other; they must outlive the pack, as must their tables.
  explicit Pack(std::vector<const Member<T>*> members);
  ~Pack();

  int count() const { return count_; }
  Status status(int lane) const;
  const Progress& progress(int lane) const;
  const std::vector<EpochRecord>& history(int lane) const;
  // Meaningful for a lane that diverged.
  const Divergence& divergence(int lane) const;

  // Trains until every member has completed `until_epoch` epochs or has ended, or until `stop`, which is called before
  // each step, returns true.
  void run(std::int64_t until_epoch, const std::function<bool()>& stop);

  // The state of a member's run, with copies of its arrays.
  MemberState<T> state(int lane) const;
  // All active members must be at the same step.
  void set_state(int lane, const MemberState<T>& state);

  // Bytes of the arrays that a step reads and writes; rows are those of a training table.
  static std::int64_t working_set(const Plan& plan, std::int64_t rows);

 private:
  using Lane = PackLane<T>;
  using LaneSet = std::array<bool, kLanes>;
  using BatchOrder = typename PackPass<T>::BatchOrder;
  using Sums = typename PackPass<T>::Sums;
  using Clock = std::chrono::steady_clock;

  struct Snapshot {
    AlignedArray<T> weights;
    std::vector<AlignedArray<T>> planes;
    std::vector<Progress> progress;
    bool taken = false;
  };

  static PackLanes<T> lanes_of(std::vector<const Member<T>*> members, const NetworkShape& shape);
  const Lane& leader() const { return leader_of(lanes_); }
  void initialize_lane(int lane);
  void begin_epoch();
  void end_epoch();
  void step();
  BatchOrder next_batch() const;
  Sums sums_of_epoch() const;
  void count_step(int lane, const BatchOrder& order, const Sums& sums);
  void step_lines(const BatchOrder& order, LaneSet lanes);
  void prepare_decays();
  std::vector<Evaluation> validate_lines();
  typename LaneLineSearch<T>::Searches searches() const;
  void take_snapshot();
  void end_member(int lane, Status status, bool best);
  void hand_to_solo(int lane);
  std::vector<bool> finite_lanes() const;
  void to_arena(const AlignedArray<T>& lanes, int lane, AlignedArray<T>& arena) const;
  void from_arena(const AlignedArray<T>& arena, int lane, AlignedArray<T>& lanes) const;

  const int count_;
  const Plan plan_;  // the first member's; only what all members share is read from it
  const NetworkShape shape_;
  const std::int64_t size_;  // of an arena of lanes, in vectors
  const std::int64_t batches_per_epoch_;
  const bool stops_early_;
  PackLanes<T> lanes_;
  AlignedArray<T> weights_, gradients_, best_;
  std::vector<AlignedArray<T>> planes_;
  PackRows<T> rows_;
  PackPass<T> pass_;
  PackUpdate<T> update_;
  std::unique_ptr<LaneLineSearch<T>> line_search_;  // null: the optimizer needs none
  AlignedArray<T> decays_;                          // of a line search: [row of the blocks][lane]
  bool has_scheduled_factors_ = false;              // in some lane
  Snapshot snapshot_;
  bool epoch_begun_ = false;
  Clock::time_point epoch_clock_;
};

}  // namespace creche::CRECHE_LEVEL
