// One network in training.
//
// The threads of a run execute the same sequence of commands (begin an epoch, take a step, validate, end an epoch),
// which the first thread decides. Within a step each thread passes ranges of rows through the network and back, waits
// for the others, then processes pieces of the parameters: their gradient over the whole batch, the optimizer, the
// transposed copy. Work is divided by output element, so that the number of threads never changes a sum.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "aligned.hpp"
#include "engines/evaluator.hpp"
#include "engines/line_search.hpp"
#include "engines/pass.hpp"
#include "engines/processes.hpp"
#include "engines/row_feed.hpp"
#include "engines/run_watch.hpp"
#include "engines/weight_pieces.hpp"
#include "layers/batch.hpp"
#include "network.hpp"
#include "optimizers/groups.hpp"
#include "plan.hpp"
#include "progress.hpp"
#include "rows.hpp"
#include "threads.hpp"

namespace creche::CRECHE_LEVEL {

// The rows of a run: of each kind a table in memory, or else what brings its rows from a file.
template <class T>
struct RunRows {
  Rows<T> train, validation;  // validation.count may be 0
  std::unique_ptr<RowFeed<T>> train_feed;
  std::unique_ptr<RowStream<T>> validation_stream;
};

template <class T>
class Solo {
 public:
  // The tables are read in place: they must outlive the run and not change. validation.count may be 0. custom_loss, if
  // set, replaces the plan's loss: in training it is called on the thread that runs, otherwise on any thread.
  Solo(const Plan& plan, const Rows<T>& train, const Rows<T>& validation, int threads, CustomLoss<T> custom_loss = {})
      : Solo(plan, RunRows<T>{train, validation, nullptr, nullptr}, threads, std::move(custom_loss)) {}

  // With the same bits from files. Throws what reading fails with.
  Solo(const Plan& plan, RunRows<T> rows, int threads, CustomLoss<T> custom_loss = {});
  ~Solo();

  // poll, if set, is called from time to time on the calling thread; true interrupts. Throws what reading rows failed
  // with; the run can then be continued, like one that was interrupted.
  Status run(const Limits& limits, const std::function<bool()>& poll);

  // Takes the next steps together with other processes, which have the same state; {}: alone. Their number divides that
  // of the shards. Call it between two runs.
  void join(const Processes<T>& processes);

  // Loss, metric and gradients (in an arena with the layout of the weights) of a table as one batch, without dropout.
  Evaluation gradients(const Rows<T>& table, AlignedArray<T>& out) const;
  // is_normalized: whether batch normalization takes the statistics of the table, as in a step.
  Pass<T> pass(const Rows<T>& table, bool is_normalized = false) const {
    return Pass<T>(plan_, network_, table, &custom_loss_, is_normalized);
  }
  Evaluation evaluate(const Rows<T>& table);
  Evaluation evaluate(RowStream<T>& stream);
  // Gives back what files need, until the run goes on: for runs that take turns.
  void release_rows();
  // How long the run has waited for rows.
  double seconds_waited() const {
    return (train_feed_ ? train_feed_->seconds_waited() : 0) +
           (validation_stream_ ? validation_stream_->seconds_waited() : 0);
  }
  // Of the next step.
  ScheduledFactors next_factors() const {
    return has_scheduled_factors_ ? scheduled_factors(plan_, progress_) : ScheduledFactors{};
  }
  double next_learning_rate() const { return scheduled_learning_rate(plan_, progress_); }

  // The whole state. Call state_changed() after writing to any part of it.
  Network<T>& network() { return network_; }
  std::vector<AlignedArray<T>>& planes() { return planes_; }
  AlignedArray<T>& best_weights() { return best_weights_; }
  Progress& progress() { return progress_; }
  std::vector<EpochRecord>& history() { return history_; }
  void state_changed();

  const Plan& plan() const { return plan_; }
  const Divergence& divergence() const { return divergence_; }
  Status status() const { return status_; }

 private:
  enum class Command { begin_epoch, step, validate, shorten_step, end_epoch, stop };

  // The parameters of a step, for all threads. There are two: one is executed while the next is written.
  struct StepOrder {
    Command command = Command::stop;
    BatchRows batch;
    double learning_rate = 0;
    GroupNumbers<T> numbers;
    Scalars next_scalars{};
    AlignedArray<std::int32_t> fed_rows;  // of a feed: those of the batch, and of the next
  };

  struct Snapshot {
    AlignedArray<T> weights;
    std::vector<AlignedArray<T>> planes;
    Progress progress;
    bool taken = false;
  };

  void work(int thread);
  void prepare_next(StepOrder& order);
  Command next_command();
  bool prepare_step(StepOrder& order);
  bool take_rows(StepOrder& order);
  double weight_of(const BatchRows& batch) const;
  bool interrupted();
  StopWaiting stop_waiting();
  void stop_for_read_failure();
  std::vector<T> first_rows_of_feed();
  bool stop_if_custom_loss_failed();

  void begin_epoch();
  void end_epoch();
  void step(int thread, const StepOrder& order);
  void rows_phase(int thread, const StepOrder& order);
  void staged_rows_phase(int thread, const StepOrder& order);
  void take_custom_loss(const BatchRows& batch);
  template <class F>
  void between_stages(int thread, std::int64_t panels, F&& f);
  template <class F>
  void each_range(int thread, const StepOrder& order, double share, F&& f);
  void weights_phase(int thread, const StepOrder& order);
  void split_weights_phase(int thread, const StepOrder& order);
  void search_line(int thread, const StepOrder& order);
  bool shorten_step(int thread);
  void shorten_validated_step(int thread);
  LossSums sums_of(const BatchRows& batch, RowRange rows, LossSums from = {}) const;
  LossSums sums_of_shards(const BatchRows& batch) const;
  void exchange(const BatchRows& batch);
  void count_step(const StepOrder& order);
  void validate(int thread);
  void add_losses(int thread, RowStream<T>& stream, const StopWaiting& stop);
  void next_stream_rows(RowStream<T>& stream, const StopWaiting& stop);

  void assign_rows();
  void take_snapshot();
  void restore_snapshot();
  bool weights_are_finite() const;
  void handle_divergence(std::int64_t epoch, std::int64_t batch, std::int64_t good_steps);

  Plan plan_;
  Rows<T> train_, validation_;
  std::unique_ptr<RowFeed<T>> train_feed_;           // null: train_ is a table
  std::unique_ptr<RowStream<T>> validation_stream_;  // likewise
  Network<T> network_;
  Threads threads_;
  CustomLoss<T> custom_loss_;
  Batch<T> batch_;
  Evaluator<T> evaluator_;
  ParameterGroups groups_;
  std::vector<AlignedArray<T>> planes_;  // optimizer state, each with the layout of the weights
  std::int64_t batches_per_epoch_;
  double flops_per_step_;  // of this process
  bool split_step_;        // all gradients are computed before any weight changes
  WeightPieces<T> pieces_;
  std::unique_ptr<LineSearch<T>> line_search_;  // null: the optimizer needs none
  bool regularized_;
  bool has_scheduled_factors_;
  std::int64_t rows_per_task_;

  Processes<T> processes_;
  LossSums exchanged_;                         // the sums of the batch, with several processes
  Scalars searched_{};                         // after the line search of the step
  std::vector<AlignedArray<T>> lane_scratch_;  // one per thread
  AlignedArray<std::int32_t> order_;
  AlignedArray<T> validation_loss_, validation_metric_;
  EvaluationSums stream_sums_;
  Rows<T> stream_rows_;  // those of a stream that all threads evaluate
  AlignedArray<T> best_weights_;
  Snapshot snapshot_;

  Progress progress_;
  std::vector<EpochRecord> history_;
  Status status_ = Status::running;
  Divergence divergence_;

  // The run in progress:
  StepOrder orders_[2];
  RunWatch watch_;
  RunWatch::Clock::time_point epoch_clock_;
  std::int64_t replay_until_ = -1;
  bool epoch_begun_ = false;
  bool validated_ = false;
  bool shortens_ = false;  // the step, since the loss of validation is not finite
  std::exception_ptr read_failure_;
  // Set by the first thread while the threads work on the rows, or the gradients, of a step; read by all after the
  // barrier.
  std::atomic<bool> abandon_rows_{false};
  std::atomic<bool> abandon_gradients_{false};
  std::atomic<bool> not_finite_{false};
  std::atomic<bool> custom_loss_failed_{false};
  Tasks row_tasks_, validation_tasks_;
};

}  // namespace creche::CRECHE_LEVEL
