// The run: commands, epochs, limits, interruption, divergence. solo_step.cpp has the steps.
#include "engines/solo.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "engines/initialize.hpp"
#include "engines/row_order.hpp"
#include "precisions.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

// If a step takes so long that an interruption must not wait for its end, the weights change only after all other work.
constexpr double kLongStep = 2e10;

// Whether all gradients are computed before any weight changes.
bool changes_weights_last(const OptimizerPlan& plan, double flops_per_step) {
  return plan.clip_norm > 0 || searches_line(plan) || flops_per_step > kLongStep;
}

Plan with_batches_within(Plan plan, std::int64_t rows) {
  plan.batch_size = std::min(plan.batch_size, rows);
  return plan;
}

template <class T>
std::vector<AlignedArray<T>> initial_planes(const OptimizerPlan& plan, std::int64_t size) {
  std::vector<AlignedArray<T>> planes;
  for (int p = 0; p < optimizer_planes(plan); ++p) {
    planes.emplace_back(size);
    std::fill_n(planes.back().data(), size, static_cast<T>(optimizer_initial_plane(plan, p)));
  }
  return planes;
}

}  // namespace

template <class T>
Solo<T>::Solo(const Plan& plan, RunRows<T> rows, int threads, CustomLoss<T> custom_loss)
    : plan_(with_batches_within(plan, rows.train_feed ? rows.train_feed->rows().count : rows.train.count)),
      train_(rows.train_feed ? rows.train_feed->rows() : rows.train),
      validation_(rows.validation),
      train_feed_(std::move(rows.train_feed)),
      validation_stream_(std::move(rows.validation_stream)),
      network_(plan),
      threads_(threads),
      custom_loss_(std::move(custom_loss)),
      batch_(plan, network_.shape, plan_.batch_size, &custom_loss_, plan.own_batches),
      evaluator_(plan, network_.shape, threads, &custom_loss_),
      groups_(plan, network_.shape.blocks),
      planes_(initial_planes<T>(plan.optimizer, network_.shape.weights_size)),
      batches_per_epoch_(batches_per_epoch(plan_, train_.count)),
      flops_per_step_(6.0 * static_cast<double>(network_.shape.used_per_row()) * static_cast<double>(plan_.batch_size)),
      split_step_(changes_weights_last(plan.optimizer, flops_per_step_)),
      pieces_(plan_, network_, batch_, groups_, planes_, threads, split_step_),
      regularized_(is_regularized(plan.optimizer)),
      has_scheduled_factors_(has_scheduled_factors(plan)),
      order_(plan.shuffle && !train_feed_ ? train_.count : 0),
      validation_loss_(validation_stream_ ? validation_stream_->most_rows() : validation_.count),
      validation_metric_(validation_loss_.size()),
      best_weights_(plan.early_stopping.patience > 0 ? network_.shape.weights_size : 0) {
  assign_rows();
  if (validation_stream_) validation_.count = validation_stream_->count();
  validation_tasks_.assign_evenly(Evaluator<T>::blocks(validation_.count), threads);
  for (std::size_t p = 0; p < planes_.size(); ++p) snapshot_.planes.emplace_back(network_.shape.weights_size);
  if (searches_line(plan_.optimizer))
    line_search_ = std::make_unique<LineSearch<T>>(plan_, network_.shape, groups_, threads_);
  snapshot_.weights = AlignedArray<T>(network_.shape.weights_size);
  for (StepOrder& order : orders_) {
    order.numbers.coefficients.resize(groups_.count());
    order.numbers.regularization.resize(groups_.count());
    if (train_feed_) order.fed_rows = AlignedArray<std::int32_t>(2 * plan_.batch_size);
  }
  if (train_feed_) {
    initialize_by_first_rows(plan_, first_rows_of_feed(), network_);
  } else {
    initialize(plan_, train_, network_);
  }
  progress_.scalars = initial_scalars(plan_.optimizer);
}

template <class T>
Solo<T>::~Solo() = default;

template <class T>
std::vector<T> Solo<T>::first_rows_of_feed() {
  std::vector<T> x;
  const std::int64_t count = start_depends_on_rows(plan_) ? std::min(kMostStartRows, train_.count) : 0;
  std::int32_t* const taken = orders_[0].fed_rows.data();
  for (std::int64_t begin = 0; begin < count; begin += plan_.batch_size) {
    const std::int64_t rows = std::min(plan_.batch_size, count - begin);
    train_feed_->take(0, begin, rows, rows, taken, {});
    const Rows<T> view = train_feed_->rows();
    for (std::int64_t r = 0; r < rows; ++r) {
      const T* const from = view.x + taken[r] * view.x_stride;
      x.insert(x.end(), from, from + plan_.inputs);
    }
  }
  train_feed_->release();
  return x;
}

template <class T>
void Solo<T>::release_rows() {
  if (train_feed_) {
    train_feed_->release();
    train_ = train_feed_->rows();
  }
  if (validation_stream_) validation_stream_->release();
}

template <class T>
void Solo<T>::join(const Processes<T>& processes) {
  const std::int64_t before = processes_.count;
  processes_ = processes;
  flops_per_step_ *= static_cast<double>(before) / static_cast<double>(processes.count);
  split_step_ = processes.are_several() || changes_weights_last(plan_.optimizer, flops_per_step_);
  pieces_.keep_shards(processes.are_several() ? plan_.shards / processes.count : 0);
  assign_rows();
}

template <class T>
void Solo<T>::state_changed() {
  network_.transpose_all();
  epoch_begun_ = validated_ = shortens_ = false;
  replay_until_ = -1;
  snapshot_.taken = false;
  status_ = Status::running;
  if (progress_.early_stopped) {
    status_ = Status::early_stopped;
  } else if (progress_.epoch >= plan_.epochs) {
    status_ = Status::finished;
  }
}

template <class T>
Status Solo<T>::run(const Limits& limits, const std::function<bool()>& poll) {
  if (status_ == Status::interrupted) status_ = Status::running;
  watch_.begin(limits, progress_.step, progress_.epoch, poll);
  epoch_clock_ = RunWatch::Clock::now();
  threads_.run([this](int thread) { work(thread); });
  progress_.seconds += RunWatch::seconds_since(epoch_clock_);
  watch_.end();
  if (read_failure_) std::rethrow_exception(std::exchange(read_failure_, nullptr));
  return status_;
}

template <class T>
void Solo<T>::work(int thread) {
  for (int turn = 0;; turn = 1 - turn) {
    StepOrder& order = orders_[turn];
    if (thread == 0) prepare_next(order);
    threads_.barrier();
    switch (order.command) {
      case Command::begin_epoch:
        if (thread == 0) begin_epoch();
        break;
      case Command::step:
        step(thread, order);
        break;
      case Command::validate:
        validate(thread);
        break;
      case Command::shorten_step:
        shorten_validated_step(thread);
        break;
      case Command::end_epoch:
        if (thread == 0) end_epoch();
        break;
      case Command::stop:
        return;
    }
  }
}

// Other threads may still be updating the weights of the last step. Nothing here reads or writes those, except after a
// step whose loss was not finite, in which no thread has changed them.
template <class T>
void Solo<T>::prepare_next(StepOrder& order) {
  if (not_finite_.exchange(false)) handle_divergence(progress_.epoch, progress_.batch, progress_.batch - 1);
  order.command = next_command();
  if (order.command == Command::step && !prepare_step(order)) order.command = Command::stop;
}

template <class T>
typename Solo<T>::Command Solo<T>::next_command() {
  if (status_ != Status::running) return Command::stop;
  if (replay_until_ >= 0 && progress_.batch >= replay_until_) {
    replay_until_ = -1;
    status_ = Status::diverged;
    return Command::stop;
  }
  if (progress_.batch == batches_per_epoch_) {
    if (shortens_) return Command::shorten_step;
    return validation_.count > 0 && !validated_ ? Command::validate : Command::end_epoch;
  }
  if (progress_.epoch >= plan_.epochs) {
    status_ = Status::finished;
    return Command::stop;
  }
  if (replay_until_ < 0) {
    if (watch_.is_at_limit(progress_.step, progress_.epoch)) return Command::stop;
    // With several processes all stop together, in the exchange of a step.
    if ((!processes_.are_several() && interrupted()) || watch_.time_is_up()) return Command::stop;
  }
  return epoch_begun_ ? Command::step : Command::begin_epoch;
}

// Whether poll asks to stop; then the status is `interrupted` too.
template <class T>
bool Solo<T>::interrupted() {
  if (!watch_.is_interrupted()) return false;
  status_ = Status::interrupted;
  return true;
}

template <class T>
void Solo<T>::begin_epoch() {
  if (!weights_are_finite()) {
    handle_divergence(progress_.epoch - 1, batches_per_epoch_ - 1, batches_per_epoch_ - 1);
    if (status_ != Status::running) return;
  } else {
    take_snapshot();
  }
  if (order_.size() > 0) {
    order_rows(plan_, static_cast<std::uint32_t>(progress_.epoch),
               std::span(order_.data(), static_cast<std::size_t>(order_.size())));
  }
  epoch_begun_ = true;
}

template <class T>
void Solo<T>::end_epoch() {
  Evaluation validation;
  if (validated_) {
    validation = validation_stream_ ? stream_sums_.means(plan_.loss.kind)
                                    : Evaluator<T>::summarize(plan_.loss.kind, validation_, validation_loss_.data(),
                                                              validation_metric_.data());
    if (!std::isfinite(validation.loss)) {
      shortens_ = line_search_ != nullptr;
      if (!shortens_) handle_divergence(progress_.epoch, progress_.batch - 1, progress_.batch - 1);
      return;
    }
  }
  progress_.seconds += RunWatch::seconds_since(epoch_clock_);
  epoch_clock_ = RunWatch::Clock::now();
  const std::int64_t patience = plan_.early_stopping.patience;
  const bool improved = finish_epoch(plan_, train_.count, validated_, validation, progress_, history_);
  if (improved && best_weights_.size() > 0) best_weights_.copy_from(network_.weights);
  epoch_begun_ = validated_ = false;
  const bool ended = progress_.early_stopped || progress_.epoch == plan_.epochs;
  if (progress_.early_stopped) status_ = Status::early_stopped;
  if (ended && patience > 0 && plan_.early_stopping.restore_best) {
    network_.weights.copy_from(best_weights_);
    network_.transpose_all();
  }
}

// Called while a thread waits for rows. Several processes stop together, in the exchange of a step.
template <class T>
StopWaiting Solo<T>::stop_waiting() {
  return [this] {
    if (replay_until_ >= 0 || processes_.are_several() || !watch_.is_interrupted_while_waiting()) return false;
    status_ = Status::interrupted;
    return true;
  };
}

// To be called where an exception is handled, which `run` then throws.
template <class T>
void Solo<T>::stop_for_read_failure() {
  read_failure_ = std::current_exception();
  status_ = Status::interrupted;
}

template <class T>
void Solo<T>::next_stream_rows(RowStream<T>& stream, const StopWaiting& stop) {
  const bool begins = stream_rows_.count == 0;
  stream_rows_ = {};
  if (custom_loss_failed_.load(std::memory_order_relaxed)) return;
  try {
    if (begins) stream.begin();
    if (!stream.next(stream_rows_, stop)) stream_rows_ = {};
  } catch (...) {
    stop_for_read_failure();
    stream_rows_ = {};
  }
  validation_tasks_.assign_evenly(Evaluator<T>::blocks(stream_rows_.count), threads_.count());
}

// Adds the losses of a stream's rows to stream_sums_, in their order; all threads call it. It ends before the last row
// if `stop` asks for it, or something fails.
template <class T>
void Solo<T>::add_losses(int thread, RowStream<T>& stream, const StopWaiting& stop) {
  if (thread == 0) stream_sums_ = {};
  while (true) {
    if (thread == 0) next_stream_rows(stream, stop);
    threads_.barrier();
    if (stream_rows_.count == 0) return;
    validation_tasks_.work(thread, [&](std::int64_t block) {
      if (custom_loss_failed_.load(std::memory_order_relaxed)) return;
      if (!evaluator_.losses(thread, network_, stream_rows_, block, validation_loss_.data(), validation_metric_.data()))
        custom_loss_failed_ = true;
    });
    threads_.barrier();
    if (thread != 0) continue;
    stream_sums_.add(stream_rows_, validation_loss_.data(), validation_metric_.data());
    validation_tasks_.reset();
  }
}

template <class T>
void Solo<T>::validate(int thread) {
  if (validation_stream_) {
    add_losses(thread, *validation_stream_, stop_waiting());
    if (thread == 0 && !stop_if_custom_loss_failed()) validated_ = stream_sums_.rows == validation_.count;
    return;
  }
  validation_tasks_.work(thread, [&](std::int64_t block) {
    if (custom_loss_failed_.load(std::memory_order_relaxed)) return;
    if (!evaluator_.losses(thread, network_, validation_, block, validation_loss_.data(), validation_metric_.data()))
      custom_loss_failed_ = true;
  });
  threads_.barrier();
  if (thread == 0) {
    validation_tasks_.reset();
    validated_ = !stop_if_custom_loss_failed();
  }
}

// A run whose custom loss failed has the status of an interrupted one: it can be continued.
template <class T>
bool Solo<T>::stop_if_custom_loss_failed() {
  if (!custom_loss_failed_.exchange(false)) return false;
  status_ = Status::interrupted;
  return true;
}

template <class T>
Evaluation Solo<T>::evaluate(const Rows<T>& table) {
  AlignedArray<T> loss(table.count), metric(table.count);
  Tasks tasks;
  tasks.assign_evenly(Evaluator<T>::blocks(table.count), threads_.count());
  threads_.run([&](int thread) {
    tasks.work(thread, [&](std::int64_t block) {
      if (custom_loss_failed_.load(std::memory_order_relaxed)) return;
      if (!evaluator_.losses(thread, network_, table, block, loss.data(), metric.data())) custom_loss_failed_ = true;
    });
  });
  custom_loss_failed_ = false;
  return Evaluator<T>::summarize(plan_.loss.kind, table, loss.data(), metric.data());
}

template <class T>
Evaluation Solo<T>::evaluate(RowStream<T>& stream) {
  AlignedArray<T> loss(std::max(stream.most_rows(), validation_loss_.size())), metric(loss.size());
  std::swap(loss, validation_loss_);
  std::swap(metric, validation_metric_);
  threads_.run([&](int thread) { add_losses(thread, stream, {}); });
  std::swap(loss, validation_loss_);
  std::swap(metric, validation_metric_);
  custom_loss_failed_ = false;
  validation_tasks_.assign_evenly(Evaluator<T>::blocks(validation_.count), threads_.count());
  validation_tasks_.reset();
  if (read_failure_) std::rethrow_exception(std::exchange(read_failure_, nullptr));
  return stream_sums_.means(plan_.loss.kind);
}

template <class T>
void Solo<T>::take_snapshot() {
  snapshot_.weights.copy_from(network_.weights);
  for (std::size_t p = 0; p < planes_.size(); ++p) snapshot_.planes[p].copy_from(planes_[p]);
  snapshot_.progress = progress_;
  snapshot_.taken = true;
}

template <class T>
void Solo<T>::restore_snapshot() {
  network_.weights.copy_from(snapshot_.weights);
  network_.transpose_all();
  for (std::size_t p = 0; p < planes_.size(); ++p) planes_[p].copy_from(snapshot_.planes[p]);
  progress_ = snapshot_.progress;
  history_.resize(static_cast<std::size_t>(progress_.epoch));
  epoch_begun_ = validated_ = false;
}

template <class T>
bool Solo<T>::weights_are_finite() const {
  bool finite = true;
  for (std::int64_t i = 0; i < network_.weights.size(); ++i)
    finite &= std::abs(network_.weights[i]) <= std::numeric_limits<T>::max();
  return finite;
}

// The loss of this batch was not finite. Weights that are still finite are kept as they are. If they are not, the last
// step made them so: the beginning of the epoch is restored and the steps before that one are repeated, which gives, to
// the bit, the weights from before it.
template <class T>
void Solo<T>::handle_divergence(std::int64_t epoch, std::int64_t batch, std::int64_t good_steps) {
  divergence_ = {epoch, batch, next_learning_rate()};
  if (weights_are_finite() || !snapshot_.taken || good_steps < snapshot_.progress.batch) {
    status_ = Status::diverged;
    return;
  }
  restore_snapshot();
  replay_until_ = good_steps;
}

#define INSTANTIATE(T) template class Solo<T>;
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
