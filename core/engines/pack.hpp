// A pack: as many networks of one shape as a register has lanes, trained together, each as if it were alone.
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
#include "engines/member_state.hpp"
#include "engines/pack_shape.hpp"
#include "layers/lane_embedding.hpp"
#include "layers/lane_layer.hpp"
#include "optimizers/groups.hpp"
#include "optimizers/update.hpp"
#include "progress.hpp"
#include "rows.hpp"
#include "shape.hpp"

namespace creche::CRECHE_LEVEL {

// One network of a colony: what `Solo` is constructed from.
template <class T>
struct Member {
  Plan plan;
  Rows<T> train;
  Rows<T> validation;
};

// Whether the steps of two members have the same coefficients, which then need to be computed only once.
template <class T>
bool have_same_rates(const Member<T>& one, const Member<T>& other) {
  return one.plan.optimizer == other.plan.optimizer && one.plan.schedule == other.plan.schedule &&
         one.plan.schedule.kind != ScheduleKind::reduce_on_plateau &&
         std::equal(one.plan.layers.begin(), one.plan.layers.end(), other.plan.layers.begin(), other.plan.layers.end(),
                    [](const LayerPlan& a, const LayerPlan& b) { return groups_of(a) == groups_of(b); }) &&
         std::equal(one.plan.embeddings.begin(), one.plan.embeddings.end(), other.plan.embeddings.begin(),
                    other.plan.embeddings.end(),
                    [](const EmbeddingPlan& a, const EmbeddingPlan& b) { return a.parameters == b.parameters; });
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
  // The numbers of an active member are in the pack's arrays, those of a member that has ended in `ended`.
  struct Lane {
    const Member<T>* member;
    ParameterGroups groups;
    int first_with_same_rates = 0;  // the first lane with the same coefficients at every step
    int first_with_same_order = 0;  // the first lane that visits its rows in the same order
    Progress progress;
    double last_rate = 0;      // the learning rate of the step
    ScheduledFactors factors;  // of the step
    std::vector<EpochRecord> history;
    bool is_active = true;
    MemberState<T> ended;

    Lane(const Member<T>& of, const std::vector<ParameterBlock>& blocks) : member(&of), groups(of.plan, blocks) {}
  };

  // Parameters that are in one group in every lane, and the number of that group in each.
  struct Group {
    std::size_t of_lane[kLanes];
    std::size_t first_with_same_coefficients = 0;  // the first group that has the same ones in every lane
    CoefficientLanes<V> coefficient_lanes;
    Regularization<T> regularization_lanes[kLanes];
    Coefficients<V> coefficients;
    Regularization<V> regularization;
  };

  // Neighbouring parameters of one group, in vectors.
  struct GroupRange {
    std::int64_t begin, end;
    std::size_t group;
  };

  // The arrays of a block of rows, each stored row by row.
  struct Block {
    V* columns = nullptr;  // of the table
    std::int64_t column_stride = 0;
    V* inputs = nullptr;  // of the first layer: the columns, if there are no embeddings
    std::vector<LaneWaves<V>> waves;
    std::vector<LaneMatrices<V>> layers;
    V* below = nullptr;  // the gradient of the inputs, if parameters need it
    V* targets = nullptr;
    V* labels = nullptr;
    V* scale = nullptr;
    V* loss = nullptr;
    V* metric = nullptr;
    V* scratch = nullptr;
    V* submodels = nullptr;  // the outputs of all submodels, row by row
    V* mean = nullptr;       // those of their mean prediction
  };

  // A row of a block of parameters whose gradient is a sum of each row's terms.
  struct RowTerms {
    std::int64_t at = 0;  // offset in an arena, in vectors
    std::int64_t columns = 0;
    const V* terms = nullptr;
    bool is_own = false;  // of each submodel, whose rows follow each other
  };

  // Sums in double, one for each lane.
  struct Sums {
    double loss[kLanes] = {};
    double metric[kLanes] = {};
  };

  using LaneSet = std::array<bool, kLanes>;

  // A batch of all lanes.
  struct StepOrder {
    std::int64_t begin = 0, count = 0;  // positions in the epoch
    double weight[kLanes];              // the sum of the rows' weights, over all submodels
    double per_weight[kLanes];
  };

  using Clock = std::chrono::steady_clock;

  void find_groups();
  void lay_out_block();
  template <class NewArray>
  void lay_out_layers(const NewArray& array);
  bool has_active_member() const;
  const Lane& leader() const;
  void begin_epoch();
  void shuffle();
  void end_epoch();
  void step();
  StepOrder next_step() const;
  Sums sums_of_epoch() const;
  V pass_batch(const StepOrder& order, Sums& sums);
  void count_step(int lane, const StepOrder& order, const Sums& sums);
  void step_lines(const StepOrder& order, LaneSet lanes);
  void prepare_decays();
  std::vector<Evaluation> validate_lines();
  typename LaneLineSearch<T>::Searches searches() const;
  void take_rows(bool validation, std::int64_t begin, std::int64_t rows);
  void forward(std::int64_t rows, std::int64_t position, std::int64_t submodel, bool training);
  void move_running_statistics(std::int64_t count);
  const V* mean_outputs(std::int64_t rows);
  void embed(std::int64_t rows, bool keeps_waves);
  void add_embedding_gradients(const V* dloss_dinputs, std::int64_t rows, bool first_of_batch);
  void add_below(std::int64_t submodel, std::int64_t done, std::int64_t rows);
  void add_embedding_gradients_of_submodels(std::int64_t begin, std::int64_t count);
  void drop(std::size_t layer, std::int64_t rows, std::int64_t position, std::int64_t submodel);
  V losses(bool training, const V* z, std::int64_t begin, std::int64_t rows, Sums& sums);
  void backward(std::int64_t rows, std::int64_t submodel);
  void add_gradients(std::int64_t rows, std::int64_t submodel, bool first_of_batch);
  void clip_norm();
  void schedule_numbers();
  void prepare_update();
  void prepare_shared_update();
  void prepare_lane(int lane);
  void update();
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
  Plan plan_;  // the first member's; only what all members share is read from it
  NetworkShape shape_;
  std::int64_t size_;  // of an arena of lanes, in vectors
  std::vector<LaneLayer<V>> layers_;
  std::vector<RowTerms> terms_;
  bool regularized_ = false;
  bool clips_norm_ = false;
  bool has_scheduled_factors_ = false;  // in some lane
  bool shares_numbers_ = false;         // all lanes have the same numbers of an update
  bool stops_early_ = false;
  bool normalizes_by_batch_ = false;    // then a block holds all rows of a batch
  AlignedArray<T> statistics_;          // of the batch: of all neurons of all layers with batch normalization
  LossNumbers<V> loss_numbers_{};       // of evaluations
  LossNumbers<V> step_loss_numbers_{};  // of the step
  AlignedArray<T> quantiles_;           // of the loss: [output][lane]
  LaneLossPass<V> loss_pass_;
  LaneMean<V> mean_;
  LaneUpdate<T> update_;
  std::unique_ptr<LaneLineSearch<T>> line_search_;  // null: the optimizer needs none
  AlignedArray<T> decays_;                          // of a line search: [row of the blocks][lane]
  std::vector<Lane> lanes_;
  std::vector<Group> groups_;
  std::vector<GroupRange> ranges_;
  AlignedArray<T> weights_, gradients_, best_, snapshot_weights_;
  std::vector<AlignedArray<T>> planes_, snapshot_planes_;
  std::vector<Progress> snapshot_progress_;
  bool snapshot_taken_ = false;
  bool epoch_begun_ = false;
  AlignedArray<T> storage_;           // of the block
  AlignedArray<T> below_of_batch_;    // the gradient of the inputs over all submodels, if they share embeddings
  std::vector<std::int32_t> orders_;  // the epoch's rows, lane by lane
  std::vector<std::int32_t> order_;   // the epoch's rows, position by position, one for each lane
  // For training rows [false] and validation rows [true]:
  bool one_table_[2] = {false, false};  // all members read one table that is small enough to gather from
  bool same_rows_[2] = {false, false};  // and all members visit its rows in the same order
  bool weighted_[2] = {false, false};   // some members have weights
  Block block_;
  std::int64_t batches_per_epoch_;
  Clock::time_point epoch_clock_;
};

}  // namespace creche::CRECHE_LEVEL
