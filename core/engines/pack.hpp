// A pack: as many networks of one shape as a register has lanes, trained together, each as if it were alone.
//
// Per lane may differ: the rows (as many, of tables of their own), the seed, and every number of the plan. Shared are
// the shape, the kinds of activations, loss and optimizer, the batch size and the number of epochs (`fits_pack`). A
// member that ends early is read out and left behind; one whose loss is not finite is handed to `Solo`, from the
// beginning of its epoch on, which then does to the bit what it does alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "aligned.hpp"
#include "engines/member_state.hpp"
#include "layers/lane_layer.hpp"
#include "optimizers/update.hpp"
#include "progress.hpp"
#include "rows.hpp"
#include "shape.hpp"

namespace creche::CRECHE_LEVEL {

// One network of a colony: what `Solo` is made of.
template <class T>
struct Member {
  Plan plan;
  Rows<T> train;
  Rows<T> validation;
};

// Whether two members take steps of the same coefficients, so that these need to be worked out once only.
template <class T>
bool have_same_rates(const Member<T>& one, const Member<T>& other) {
  return one.plan.optimizer == other.plan.optimizer && one.plan.schedule == other.plan.schedule &&
         one.plan.schedule.kind != ScheduleKind::reduce_on_plateau;
}

// Whether two members can share a pack.
template <class T>
bool fits_pack(const Member<T>& one, const Member<T>& other);

template <class T>
class Pack {
 public:
  static constexpr int kLanes = kNativeLanes<T>;
  using V = Vec<T, kLanes>;

  // members: 1 ... kLanes that fit each other; they must outlive the pack, as must their tables.
  explicit Pack(std::vector<const Member<T>*> members);

  int count() const { return count_; }
  Status status(int lane) const;
  const Progress& progress(int lane) const;

  // Trains until every member has completed `until_epoch` epochs or has ended, or `stop`, asked before each step, says
  // true.
  void run(std::int64_t until_epoch, const std::function<bool()>& stop);

  // A member's run as it stands; arrays are copied.
  MemberState<T> state(int lane) const;
  // Members that go on must all stand at the same step.
  void set_state(int lane, const MemberState<T>& state);

  // Bytes of the arrays that a step goes through.
  static std::int64_t working_set(const Plan& plan);

 private:
  struct Layer : LaneLayer<V> {
    std::int64_t stride = 0;  // of the values from row to row: before those of a hidden layer stands a one
    std::int64_t at = 0;      // the bias, then the weights input by input; counted in vectors
    bool keeps_derivative = false;
    bool drops = false;
  };

  // A member that goes on has its numbers in the pack's arrays; one that has ended, in `ended`.
  struct Lane {
    const Member<T>* member = nullptr;
    int first_with_same_rates = 0;  // the first lane whose coefficients are the same at every step
    int first_with_same_order = 0;  // the first lane that goes through its rows in the same order
    Progress progress;
    double last_rate = 0;  // the learning rate of the last step
    std::vector<EpochRecord> history;
    bool is_active = true;
    MemberState<T> ended;
  };

  // What is kept of a block of rows, each array row by row.
  struct Block {
    V* inputs = nullptr;
    std::vector<V*> values, derivatives, dloss_dz;
    V* targets = nullptr;
    V* labels = nullptr;
    V* scale = nullptr;
    V* loss = nullptr;
    V* metric = nullptr;
    V* scratch = nullptr;
  };

  // Sums in double, one for each lane.
  struct Sums {
    double loss[kLanes] = {};
    double metric[kLanes] = {};
  };

  using Clock = std::chrono::steady_clock;

  void lay_out_block();
  bool has_active_member() const;
  const Lane& leader() const;
  void begin_epoch();
  void shuffle();
  void end_epoch();
  void step();
  void take_rows(bool validation, std::int64_t begin, std::int64_t rows);
  void forward(std::int64_t rows, std::int64_t position, bool training);
  void drop(std::size_t layer, std::int64_t rows, std::int64_t position);
  V losses(bool training, std::int64_t begin, std::int64_t rows, Sums& sums);
  void backward(std::int64_t rows);
  void add_gradients(std::int64_t rows, bool first_of_batch);
  void clip_norm();
  void update(const Coefficients<V>& coefficients, const Regularization<V>& weights, const Regularization<V>& biases);
  std::vector<Evaluation> validate();
  void take_snapshot();
  void end_member(int lane, Status status, bool best);
  void hand_to_solo(int lane);
  std::vector<bool> finite_lanes() const;
  const Rows<T>& member_rows(int lane, bool validation) const;
  std::int64_t member_row(int lane, bool validation, std::int64_t position) const {
    return validation || order_.empty() ? position : order_[static_cast<std::size_t>(position * kLanes + lane)];
  }
  bool is_one_table(bool validation) const;
  void take_rows_of_one_table(std::int64_t begin, std::int64_t rows);
  void take_same_rows(bool validation, std::int64_t begin, std::int64_t rows);
  void take_scale(std::int64_t begin, std::int64_t rows, const double* per_weight);
  void to_arena(const AlignedArray<T>& lanes, int lane, AlignedArray<T>& arena) const;
  void from_arena(const AlignedArray<T>& arena, int lane, AlignedArray<T>& lanes) const;
  static V* vectors(const AlignedArray<T>& array) { return reinterpret_cast<V*>(array.data()); }

  int count_;
  Plan plan_;  // the first member's: of what all have in common
  NetworkShape shape_;
  std::vector<Layer> layers_;
  std::int64_t size_ = 0;  // weights and biases, in vectors
  bool regularized_ = false;
  bool clips_norm_ = false;
  bool stops_early_ = false;
  LossNumbers<V> loss_numbers_{};
  LaneLossPass<V> loss_pass_;
  LaneUpdate<T> update_;
  std::vector<Lane> lanes_;
  AlignedArray<T> weights_, gradients_, best_, snapshot_weights_;
  std::vector<AlignedArray<T>> planes_, snapshot_planes_;
  std::vector<Progress> snapshot_progress_;
  bool snapshot_taken_ = false;
  bool epoch_begun_ = false;
  AlignedArray<T> storage_;           // of the block
  std::vector<std::int32_t> orders_;  // the epoch's rows, lane by lane
  std::vector<std::int32_t> order_;   // the epoch's rows, position by position, one for each lane
  // Of the rows for training, and of those for validation:
  bool one_table_[2] = {false, false};  // whether they are of one table for all, small enough to gather from
  bool same_rows_[2] = {false, false};  // whether, besides, all members go through them in the same order
  bool weighted_[2] = {false, false};   // whether some have weights
  Block block_;
  std::int64_t batches_per_epoch_;
  Clock::time_point epoch_clock_;
};

}  // namespace creche::CRECHE_LEVEL
