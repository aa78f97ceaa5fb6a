// One training step of a solo run: rows forward and back, then weights.
#include <algorithm>

#include "engines/solo.hpp"
#include "precisions.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

// The weights of a network larger than this do not stay in the second-level cache: they are read again for every block
// of rows.
constexpr std::int64_t kLargeWeights = 1 << 20;

constexpr std::int64_t round_up(std::int64_t n) { return (n + kPanel - 1) / kPanel * kPanel; }

}  // namespace

// Each thread gets one contiguous range of the rows of this process, and then finds most of them in its own cache.
template <class T>
void Solo<T>::assign_rows() {
  const std::int64_t threads = threads_.count();
  const std::int64_t most_rows =
      std::min(plan_.batch_size, rows_per_shard(plan_, plan_.batch_size) * (plan_.shards / processes_.count));
  const bool large = network_.shape.weights_size * static_cast<std::int64_t>(sizeof(T)) > kLargeWeights;
  const std::int64_t share = round_up((most_rows + threads - 1) / threads);
  rows_per_task_ = std::min<std::int64_t>(large ? 256 : 64, share);
  row_tasks_.assign_evenly((most_rows + rows_per_task_ - 1) / rows_per_task_, threads_.count());
  lane_scratch_.clear();
  for (int thread = 0; thread < threads_.count(); ++thread)
    lane_scratch_.emplace_back(lane_scratch_size<T>(network_.shape.outputs()));
}

// Says which rows of train_ the next batch has. Returns false if they are not there: then the run stops.
template <class T>
bool Solo<T>::take_rows(StepOrder& order) {
  BatchRows& batch = order.batch;
  batch.begin = progress_.batch * plan_.batch_size;
  batch.count = std::min(plan_.batch_size, train_.count - batch.begin);
  if (plan_.own_batches) {
    batch.epoch_rows = train_.count;
    batch.submodels = plan_.submodels;
  }
  if (!train_feed_) {
    batch.order = plan_.shuffle ? order_.data() + batch.begin : nullptr;
    // A table that fits into the second-level cache needs no prefetching.
    const std::int64_t table_bytes = train_.count * plan_.inputs * static_cast<std::int64_t>(sizeof(T));
    batch.prefetch_end = plan_.shuffle && table_bytes > kLargeWeights ? train_.count : 0;
    return true;
  }
  std::int64_t taken = 0;
  try {
    taken = train_feed_->take(progress_.epoch, batch.begin, batch.count, order.fed_rows.size(), order.fed_rows.data(),
                              stop_waiting());
  } catch (...) {
    stop_for_read_failure();
  }
  // The same place all through a run, in which other threads may still prefetch rows.
  if (const Rows<T> rows = train_feed_->rows(); rows.x != train_.x) train_ = rows;
  batch.order = order.fed_rows.data();
  batch.prefetch_end = batch.begin + taken;
  return taken > 0;
}

// The sum of the weights of all rows, which is the same for all submodels if they share these.
template <class T>
double Solo<T>::weight_of(const BatchRows& batch) const {
  const std::int64_t submodels = plan_.own_batches ? plan_.submodels : 1;
  const double of_each = static_cast<double>(plan_.submodels / submodels);
  if (train_.weights == nullptr) return static_cast<double>(batch.count * submodels) * of_each;
  double sum = 0;
  for (std::int64_t m = 0; m < submodels; ++m)
    for (std::int64_t r = 0; r < batch.count; ++r) sum += train_.weight(batch.row(r, m));
  return sum * of_each;
}

template <class T>
bool Solo<T>::prepare_step(StepOrder& order) {
  if (!take_rows(order)) return false;
  BatchRows& batch = order.batch;
  const ScheduledFactors factors = next_factors();
  batch.dropout = factors.dropout;
  batch.label_smoothing = factors.label_smoothing;
  batch.seed = plan_.seed;
  batch.epoch = static_cast<std::uint32_t>(progress_.epoch);
  batch.is_normalized = true;
  batch.weight = weight_of(batch);
  if (plan_.shards > 1) {
    batch.shard_rows = rows_per_shard(plan_, batch.count);
    const std::int64_t of_process = batch.shard_rows * (plan_.shards / processes_.count);
    const std::int64_t first = std::min(processes_.rank * of_process, batch.count);
    batch.begin += first;
    if (batch.order != nullptr) batch.order += first;
    batch.count = std::min(of_process, batch.count - first);
  }

  const double learning_rate = order.learning_rate = next_learning_rate();
  if (progress_.batch == 0) progress_.learning_rate = learning_rate;
  for (std::size_t g = 0; g < groups_.count(); ++g) {
    if (groups_.first_with_same_coefficients(g) == g) {
      order.next_scalars = progress_.scalars;
      order.numbers.coefficients[g] = groups_.coefficients<T>(g, learning_rate, progress_.step + 1, order.next_scalars);
    }
    if (regularized_)
      order.numbers.regularization[g] = groups_.regularization<T>(g, learning_rate, factors.weight_decay);
  }
  return true;
}

// Tasks are reset in a phase in which no thread works on them, between two barriers.
template <class T>
void Solo<T>::step(int thread, const StepOrder& order) {
  if (thread == 0) pieces_.reset_tasks();
  batch_.stages() > 1 || custom_loss_ ? staged_rows_phase(thread, order) : rows_phase(thread, order);
  threads_.barrier();
  if (thread == 0) row_tasks_.reset();
  if (abandon_rows_.load(std::memory_order_relaxed) || not_finite_.load(std::memory_order_relaxed)) {
    threads_.barrier();
    if (!processes_.are_several()) {
      if (thread == 0) abandon_rows_ = false;
      if (line_search_ && not_finite_.load(std::memory_order_relaxed)) shorten_step(thread);
      return;
    }
    abandon_gradients_ = true;  // the other processes learn of it in the exchange
  }
  if (split_step_) {
    split_weights_phase(thread, order);
  } else {
    if (thread == 0) count_step(order);
    weights_phase(thread, order);
  }
}

// Calls f(begin, end) for this thread's ranges of rows, which are `share` of a step's work. The first thread checks
// from time to time whether to continue.
template <class T>
template <class F>
void Solo<T>::each_range(int thread, const StepOrder& order, double share, F&& f) {
  const double tasks = static_cast<double>((order.batch.count + rows_per_task_ - 1) / rows_per_task_);
  row_tasks_.work(thread, [&](std::int64_t task) {
    if (abandon_rows_.load(std::memory_order_relaxed)) return;
    const std::int64_t begin = task * rows_per_task_;
    const std::int64_t end = std::min(begin + rows_per_task_, order.batch.count);
    if (begin >= end) return;  // the last batch of an epoch may be short
    f(begin, end);
    if (thread == 0) {
      watch_.count_for_poll(flops_per_step_ * share / tasks);
      if (replay_until_ < 0 && interrupted()) abandon_rows_ = true;
    }
  });
}

template <class T>
void Solo<T>::rows_phase(int thread, const StepOrder& order) {
  T* const scratch = lane_scratch_[static_cast<std::size_t>(thread)].data();
  each_range(thread, order, 2.0 / 3.0, [&](std::int64_t begin, std::int64_t end) {
    batch_.gather(train_, order.batch, begin, end);
    batch_.forward(network_, order.batch, 0, begin, end);
    if (!batch_.loss(order.batch, begin, end, scratch)) not_finite_ = true;
    batch_.backward(network_, order.batch, 0, begin, end);
  });
}

// Where batch normalization, or a custom loss, needs all rows before any of them can go on.
template <class T>
void Solo<T>::staged_rows_phase(int thread, const StepOrder& order) {
  T* const scratch = lane_scratch_[static_cast<std::size_t>(thread)].data();
  const BatchRows& batch = order.batch;
  const std::int64_t last = batch_.stages() - 1;
  const bool is_custom = static_cast<bool>(custom_loss_);
  const double share = 2.0 / 3.0 / static_cast<double>(2 * last + (is_custom ? 2 : 1));
  const auto forward = [&](std::int64_t stage, std::int64_t begin, std::int64_t end) {
    if (stage == 0) batch_.gather(train_, batch, begin, end);
    batch_.forward(network_, batch, stage, begin, end);
  };
  for (std::int64_t stage = 0; stage < last; ++stage) {
    each_range(thread, order, share, [&](std::int64_t begin, std::int64_t end) { forward(stage, begin, end); });
    between_stages(thread, batch_.statistics_panels(stage),
                   [&](std::int64_t panel) { batch_.take_statistics(batch, stage, panel); });
  }
  if (is_custom) {
    each_range(thread, order, share, [&](std::int64_t begin, std::int64_t end) { forward(last, begin, end); });
    between_stages(thread, 1, [&](std::int64_t) { take_custom_loss(batch); });
  }
  each_range(thread, order, share, [&](std::int64_t begin, std::int64_t end) {
    if (!is_custom) {
      forward(last, begin, end);
      if (!batch_.loss(batch, begin, end, scratch)) not_finite_ = true;
    }
    batch_.backward(network_, batch, last, begin, end);
  });
  for (std::int64_t stage = last; stage > 0; --stage) {
    between_stages(thread, batch_.statistics_panels(stage - 1),
                   [&](std::int64_t panel) { batch_.take_gradient_statistics(batch, stage, panel); });
    each_range(thread, order, share,
               [&](std::int64_t begin, std::int64_t end) { batch_.backward(network_, batch, stage - 1, begin, end); });
  }
}

// Calls f(panel) for each panel, between two passes of the threads over their ranges of rows. The first thread has the
// first panel.
template <class T>
template <class F>
void Solo<T>::between_stages(int thread, std::int64_t panels, F&& f) {
  threads_.barrier();
  if (thread == 0) row_tasks_.reset();
  for (std::int64_t panel = thread; panel < panels; panel += threads_.count()) f(panel);
  threads_.barrier();
}

// The custom loss is called once for the batch, by the thread that runs.
template <class T>
void Solo<T>::take_custom_loss(const BatchRows& batch) {
  if (abandon_rows_.load(std::memory_order_relaxed)) return;
  custom_loss_failed_ = !batch_.custom_loss(batch.count, lane_scratch_[0].data());
  if (stop_if_custom_loss_failed()) {
    abandon_rows_ = true;
  } else if (!batch_.losses_are_finite(0, batch.count)) {
    not_finite_ = true;
  }
}

// The sums of the rows' losses by weight and of their metrics, in row order, each submodel for itself, added to others.
template <class T>
LossSums Solo<T>::sums_of(const BatchRows& batch, RowRange rows, LossSums from) const {
  LossSums sums = from;
  for (std::int64_t m = 0; m < plan_.submodels; ++m) {
    const T* const losses = batch_.losses() + m * batch.stride();
    const T* const metrics = batch_.metrics() + m * batch.stride();
    for (std::int64_t r = rows.begin; r < rows.end; ++r) {
      const double loss = static_cast<double>(losses[r]);
      sums.loss += train_.weights == nullptr ? loss : train_.weight(batch.row(r, m)) * loss;
      sums.metric += static_cast<double>(metrics[r]);
    }
  }
  return sums;
}

// Of the batch: those of the first shard, plus those of the second, and so on.
template <class T>
LossSums Solo<T>::sums_of_shards(const BatchRows& batch) const {
  if (processes_.are_several()) return exchanged_;
  LossSums sums = sums_of(batch, batch.shard(0));
  for (std::int64_t s = 1; s < batch.shards(); ++s) {
    const LossSums shard = sums_of(batch, batch.shard(s));
    sums.loss += shard.loss;
    sums.metric += shard.metric;
  }
  return sums;
}

// Adds the batch to the epoch's sums.
template <class T>
void Solo<T>::count_step(const StepOrder& order) {
  const LossSums epoch{progress_.loss_sum, progress_.metric_sum};
  if (plan_.shards == 1) {
    const LossSums sums = sums_of(order.batch, order.batch.all(), epoch);
    progress_.loss_sum = sums.loss;
    progress_.metric_sum = sums.metric;
  } else {
    const LossSums sums = sums_of_shards(order.batch);
    progress_.loss_sum += sums.loss;
    progress_.metric_sum += sums.metric;
  }
  progress_.weight_sum += order.batch.weight;
  progress_.scalars = order.next_scalars;
  ++progress_.batch;
  ++progress_.step;
  batch_.move_running_statistics(network_, order.batch);
  watch_.count_step(flops_per_step_);
  if (!split_step_) watch_.count_for_poll(flops_per_step_ / 3.0);
}

template <class T>
void Solo<T>::weights_phase(int thread, const StepOrder& order) {
  const std::int64_t rows = order.batch.count, pieces = pieces_.count();
  pieces_.step(thread, order.batch, order.numbers, [&](std::int64_t piece) {
    batch_.prefetch_next(train_, order.batch, rows * piece / pieces, rows * (piece + 1) / pieces);
  });
}

// Computes all gradients first, so that their norm is known, or the step can be abandoned, before any weight changes.
template <class T>
void Solo<T>::split_weights_phase(int thread, const StepOrder& order) {
  const double pieces = static_cast<double>(pieces_.count());
  pieces_.compute_gradients(
      thread, order.batch, [&] { return !abandon_gradients_.load(std::memory_order_relaxed); },
      [&] {
        if (thread != 0) return;
        watch_.count_for_poll(flops_per_step_ / 3.0 / pieces);
        if (replay_until_ < 0 && interrupted()) abandon_gradients_ = true;
      });
  threads_.barrier();
  if (processes_.are_several()) {
    if (thread == 0) exchange(order.batch);
    threads_.barrier();
  }
  const bool abandoned = abandon_gradients_.load(std::memory_order_relaxed);
  if (!abandoned && line_search_) {
    search_line(thread, order);
  } else if (!abandoned) {
    T scale = T(1);
    if (plan_.optimizer.clip_norm > 0) {
      pieces_.sum_squares(thread);
      threads_.barrier();
      // As torch.nn.utils.clip_grad_norm_: scaled by min(1, limit / (norm + 1e-6)).
      scale = std::min(T(1), static_cast<T>(plan_.optimizer.clip_norm) / (pieces_.gradient_norm() + T(1e-6)));
    }
    pieces_.update_by_kept(thread, scale, order.numbers);
  } else if (line_search_ && not_finite_.load(std::memory_order_relaxed)) {
    shorten_step(thread);
  }
  threads_.barrier();
  if (thread != 0) return;
  abandon_gradients_ = false;
  if (abandoned) return;
  count_step(order);
  if (line_search_) progress_.scalars = searched_;
}

// Gives the gradients of this process's shards, and gets the sum of all. The step is abandoned if any process has to.
template <class T>
void Solo<T>::exchange(const BatchRows& batch) {
  ShardResults<T> results;
  if (abandon_rows_ || (abandon_gradients_ && !not_finite_)) {
    results.end = StepEnd::stopped;
  } else if (not_finite_) {
    results.end = StepEnd::not_finite;
  }
  for (std::int64_t s = 0; s < batch.shards() && results.end == StepEnd::complete; ++s) {
    results.gradients.push_back(&pieces_.shard(s));
    results.sums.push_back(sums_of(batch, batch.shard(s)));
  }
  const StepResult result = processes_.exchange(results, pieces_.kept_gradients());
  exchanged_ = result.sums;
  abandon_rows_ = false;
  abandon_gradients_ = result.end != StepEnd::complete;
  not_finite_ = result.end == StepEnd::not_finite;
  if (result.end == StepEnd::stopped) status_ = Status::interrupted;
}

// The next point of the line search, by the loss of the batch and its gradients. Training ends with an accepted point.
template <class T>
void Solo<T>::search_line(int thread, const StepOrder& order) {
  const double loss = sums_of_shards(order.batch).loss / order.batch.weight;
  const bool is_last = progress_.epoch + 1 >= plan_.epochs && progress_.batch + 1 == batches_per_epoch_;
  const Scalars next = line_search_->step(thread,
                                          {network_.weights.data(), pieces_.kept_gradients().data(), planes_, loss,
                                           order.learning_rate, order.numbers.regularization, is_last},
                                          progress_.scalars);
  threads_.barrier();
  if (thread == 0) searched_ = next;
  pieces_.transpose(thread);
}

// Puts the weights nearer to the accepted point of the line search, since the loss is not finite; the step is then
// repeated. Returns whether that is possible.
template <class T>
bool Solo<T>::shorten_step(int thread) {
  const std::optional<Scalars> shorter =
      line_search_->shorten(thread, network_.weights.data(), planes_, progress_.scalars);
  threads_.barrier();
  if (!shorter) return false;
  pieces_.transpose(thread);
  if (thread != 0) return true;
  progress_.scalars = *shorter;
  not_finite_ = false;
  watch_.count_step(flops_per_step_);
  return true;
}

// The same after a step, if the rows of validation have such a loss at the point to be tried next.
template <class T>
void Solo<T>::shorten_validated_step(int thread) {
  if (thread == 0) pieces_.reset_tasks();
  const bool is_shorter = shorten_step(thread);
  if (thread != 0) return;
  shortens_ = validated_ = false;
  if (!is_shorter) handle_divergence(progress_.epoch, progress_.batch - 1, progress_.batch - 1);
}

template <class T>
Evaluation Solo<T>::gradients(const Rows<T>& table, AlignedArray<T>& out) const {
  Pass<T> pass = this->pass(table);
  const Evaluation evaluation = pass.backward_from_loss();
  pass.gradients(out);
  return evaluation;
}

#define INSTANTIATE(T) template class Solo<T>;
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
