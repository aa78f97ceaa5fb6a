// One training step of a solo run: rows forward and back, then weights.
#include <algorithm>
#include <cmath>

#include "engines/solo.hpp"
#include "precisions.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

// Rows of weights in a piece. Its gradient, 64 rows of 3 panels, takes 12 KiB: it is still in the first-level cache,
// together with the 24 KiB block of the right matrix, when the optimizer reads it.
constexpr std::int64_t kRowsPerPiece = 64;

// The gradients of embeddings are sums of their own, row by row.
constexpr std::int64_t kRowsPerEmbeddingPiece = 16;

// 256 inputs of a batch of 1,024 rows take 1 MiB in float32: half of a 2 MiB second-level cache.
constexpr std::int64_t kInputsPerRange = 256;

// The weights of a network larger than this do not stay in the second-level cache: they are read again for every block
// of rows.
constexpr std::int64_t kLargeWeights = 1 << 20;

constexpr std::int64_t round_up(std::int64_t n) { return (n + kPanel - 1) / kPanel * kPanel; }

}  // namespace

template <class T>
void Solo<T>::plan_pieces() {
  const std::int64_t threads = threads_.count();
  const bool large = network_.shape.weights_size * static_cast<std::int64_t>(sizeof(T)) > kLargeWeights;
  const std::int64_t share = round_up((plan_.batch_size + threads - 1) / threads);
  rows_per_task_ = std::min<std::int64_t>(large ? 256 : 64, share);

  std::int64_t rows = kRowsPerPiece;
  do {
    pieces_.clear();
    add_pieces_of_weights(rows);
    rows /= 2;
    // With fewer than about four pieces per thread, threads wait for each other.
  } while (threads > 1 && rows >= kPanel && static_cast<std::int64_t>(pieces_.size()) < 4 * threads);
  for (std::size_t e = 0; e < network_.shape.embeddings.size(); ++e) {
    const std::size_t b = network_.shape.embeddings[e].block;
    const ParameterBlock& block = network_.shape.blocks[b];
    for (std::int64_t panel = 0; panel < block.panels(); ++panel)
      for (std::int64_t row = 0; row < block.rows; row += kRowsPerEmbeddingPiece)
        pieces_.push_back({b, panel, 1, row, std::min(kRowsPerEmbeddingPiece, block.rows - row), -1,
                           static_cast<std::int64_t>(e), 0});
  }
  for (std::size_t t = 0; t < batch_.terms().size(); ++t) {
    const RowTerms<T>& of = batch_.terms()[t];
    for (std::int64_t panel = 0; panel < of.terms.panels(); ++panel)
      pieces_.push_back({of.block, panel, 1, of.row, 1, -1, -1, t, of.submodel});
  }

  for (int thread = 0; thread < threads_.count(); ++thread) {
    piece_gradients_.emplace_back(most_panels<T>() * (1 + kRowsPerPiece) * kPanel);
    lane_scratch_.emplace_back(lane_scratch_size<T>(network_.shape.outputs()));
  }
  if (split_step_) gradients_ = AlignedArray<T>(network_.shape.weights_size);
  if (plan_.optimizer.clip_norm > 0) {
    std::int64_t parts = 0;
    for (const ParameterBlock& block : network_.shape.blocks) parts += block.panels();
    norm_parts_ = AlignedArray<T>(parts * kPanel);
  }
  find_group_rows();
}

// The left matrix of a range of inputs is read for every group of panels, and stays in the second-level cache if the
// range is short enough; the right matrix is then read once per range.
template <class T>
void Solo<T>::add_pieces_of_weights(std::int64_t rows) {
  for (std::int64_t l = network_.shape.count() - 1; l >= 0; --l) {
    const LayerShape& layer = network_.shape.layers[static_cast<std::size_t>(l)];
    for (std::int64_t m = 0; m < layer.matrices(); ++m) {
      for (std::int64_t range = 0; range < layer.inputs; range += kInputsPerRange) {
        const std::int64_t range_end = std::min(range + kInputsPerRange, layer.inputs);
        for_panel_groups<T>(0, layer.output_panels(), [&](auto panels, std::int64_t panel) {
          for (std::int64_t i = range; i < range_end; i += rows) {
            const bool has_bias = i == 0 && !layer.own_bias;
            const std::int64_t bias = has_bias ? 1 : 0;
            pieces_.push_back({layer.block, panel, decltype(panels)::value, layer.weights_row(m) + i - bias,
                               std::min(i + rows, range_end) - i + bias, l, -1, 0,
                               layer.own_weights ? m : kAllSubmodels, i, has_bias});
          }
        });
      }
    }
  }
}

template <class T>
void Solo<T>::find_group_rows() {
  for (std::size_t b = 0; b < network_.shape.blocks.size(); ++b) {
    std::vector<GroupRows>& found = group_rows_.emplace_back();
    const std::vector<ParameterPart>& parts = network_.shape.blocks[b].parts;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      const std::size_t group = groups_.of(b, p);
      if (found.empty() || found.back().group != group) found.push_back({parts[p].row, parts[p].row, group});
      found.back().end = parts[p].end();
    }
  }
}

// Each thread gets one contiguous range of rows and of pieces of the parameters: it then finds most of its data in its
// own cache (the optimizer state always).
template <class T>
void Solo<T>::assign_tasks() {
  const int threads = threads_.count();
  row_tasks_.assign_evenly((plan_.batch_size + rows_per_task_ - 1) / rows_per_task_, threads);
  norm_tasks_.assign_evenly(norm_parts_.size() / kPanel, threads);

  std::int64_t all = 0;
  for (const Piece& piece : pieces_) all += piece.cost(plan_.submodels);
  std::vector<std::int64_t> bounds = {0};
  std::int64_t dealt = 0;
  for (std::size_t p = 0; p < pieces_.size(); ++p) {
    if (dealt * threads >= all * static_cast<std::int64_t>(bounds.size()))
      bounds.push_back(static_cast<std::int64_t>(p));
    dealt += pieces_[p].cost(plan_.submodels);
  }
  bounds.resize(static_cast<std::size_t>(threads) + 1, static_cast<std::int64_t>(pieces_.size()));
  piece_tasks_.assign(bounds);
  update_tasks_.assign(bounds);
}

template <class T>
void Solo<T>::prepare_step(StepOrder& order) {
  const std::int64_t begin = progress_.batch * plan_.batch_size;
  BatchRows& batch = order.batch;
  batch.order = plan_.shuffle ? order_.data() : nullptr;
  batch.begin = begin;
  batch.count = std::min(plan_.batch_size, train_.count - begin);
  // A table that fits into the second-level cache needs no prefetching.
  const std::int64_t table_bytes = train_.count * plan_.inputs * static_cast<std::int64_t>(sizeof(T));
  batch.prefetch_end = plan_.shuffle && table_bytes > kLargeWeights ? train_.count : 0;
  const ScheduledFactors factors = next_factors();
  batch.dropout = factors.dropout;
  batch.label_smoothing = factors.label_smoothing;
  batch.seed = plan_.seed;
  batch.epoch = static_cast<std::uint32_t>(progress_.epoch);
  batch.is_normalized = true;
  if (train_.weights == nullptr) {
    batch.weight = static_cast<double>(batch.count);
  } else {
    double sum = 0;
    for (std::int64_t r = 0; r < batch.count; ++r) sum += train_.weight(batch.row(r));
    batch.weight = sum;
  }

  const double learning_rate = order.learning_rate = next_learning_rate();
  if (progress_.batch == 0) progress_.learning_rate = learning_rate;
  for (std::size_t g = 0; g < groups_.count(); ++g) {
    if (groups_.first_with_same_coefficients(g) == g) {
      order.next_scalars = progress_.scalars;
      order.coefficients[g] = groups_.coefficients<T>(g, learning_rate, progress_.step + 1, order.next_scalars);
    }
    if (regularized_) order.regularization[g] = groups_.regularization<T>(g, learning_rate, factors.weight_decay);
  }
}

// Tasks are reset in a phase in which no thread works on them, between two barriers.
template <class T>
void Solo<T>::step(int thread, const StepOrder& order) {
  if (thread == 0) {
    piece_tasks_.reset();
    norm_tasks_.reset();
    update_tasks_.reset();
  }
  batch_.stages() > 1 || custom_loss_ ? staged_rows_phase(thread, order) : rows_phase(thread, order);
  threads_.barrier();
  if (thread == 0) row_tasks_.reset();
  if (abandon_rows_.load(std::memory_order_relaxed) || not_finite_.load(std::memory_order_relaxed)) {
    threads_.barrier();
    if (thread == 0) abandon_rows_ = false;
    return;
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
      flops_since_poll_ += flops_per_step_ * share / tasks;
      if (replay_until_ < 0 && poll_ != nullptr && interrupted()) abandon_rows_ = true;
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

// The sum of the rows' losses by weight, in row order, each submodel for itself, added to another sum.
template <class T>
double Solo<T>::sum_losses(const BatchRows& batch, double from) const {
  double sum = from;
  for (std::int64_t m = 0; m < plan_.submodels; ++m) {
    const T* const losses = batch_.losses() + m * batch.stride();
    for (std::int64_t r = 0; r < batch.count; ++r) {
      const double loss = static_cast<double>(losses[r]);
      sum += train_.weights == nullptr ? loss : train_.weight(batch.row(r)) * loss;
    }
  }
  return sum;
}

// Adds the batch to the epoch's sums.
template <class T>
void Solo<T>::count_step(const StepOrder& order) {
  double metric = progress_.metric_sum;
  for (std::int64_t m = 0; m < plan_.submodels; ++m) {
    const T* const metrics = batch_.metrics() + m * order.batch.stride();
    for (std::int64_t r = 0; r < order.batch.count; ++r) metric += static_cast<double>(metrics[r]);
  }
  progress_.loss_sum = sum_losses(order.batch, progress_.loss_sum);
  progress_.metric_sum = metric;
  progress_.weight_sum += order.batch.weight * static_cast<double>(plan_.submodels);
  progress_.scalars = order.next_scalars;
  ++progress_.batch;
  ++progress_.step;
  batch_.move_running_statistics(network_, order.batch);
  flops_since_clock_ += flops_per_step_;
  if (!split_step_) flops_since_poll_ += flops_per_step_ / 3.0;
}

// Computes the gradient, the update and the transposed copy of one piece after the other, while each is in the cache.
template <class T>
void Solo<T>::weights_phase(int thread, const StepOrder& order) {
  piece_tasks_.work(thread, [&](std::int64_t task) {
    const Piece& piece = pieces_[static_cast<std::size_t>(task)];
    const PanelMatrix<T> gradient{piece_gradients_[static_cast<std::size_t>(thread)].data(), piece.rows,
                                  piece.panels * kPanel};
    prefetch_piece(piece);
    const auto pieces = static_cast<std::int64_t>(pieces_.size());
    batch_.prefetch_next(train_, order.batch, order.batch.count * task / pieces,
                         order.batch.count * (task + 1) / pieces);
    piece_gradient(piece, order.batch, gradient);
    update_piece(piece, gradient, order);
  });
}

// Computes all gradients first, so that their norm is known, or the step can be abandoned, before any weight changes.
template <class T>
void Solo<T>::split_weights_phase(int thread, const StepOrder& order) {
  const double pieces = static_cast<double>(pieces_.size());
  const auto gradient_view = [&](const Piece& piece) {
    PanelMatrix<T> gradient = block_view(gradients_.data(), network_.shape.blocks[piece.block]);
    gradient.data = gradient.at(piece.panel, piece.first_row);
    return gradient;
  };
  piece_tasks_.work(thread, [&](std::int64_t task) {
    if (abandon_gradients_.load(std::memory_order_relaxed)) return;
    const Piece& piece = pieces_[static_cast<std::size_t>(task)];
    piece_gradient(piece, order.batch, gradient_view(piece));
    if (thread == 0) {
      flops_since_poll_ += flops_per_step_ / 3.0 / pieces;
      if (replay_until_ < 0 && poll_ != nullptr && interrupted()) abandon_gradients_ = true;
    }
  });
  threads_.barrier();
  const bool abandoned = abandon_gradients_.load(std::memory_order_relaxed);
  T scale = T(1);
  if (!abandoned && plan_.optimizer.clip_norm > 0) {
    norm_tasks_.work(thread, [&](std::int64_t part) { norm_part(part); });
    threads_.barrier();
    // As torch.nn.utils.clip_grad_norm_: scaled by min(1, limit / (norm + 1e-6)).
    scale = std::min(T(1), static_cast<T>(plan_.optimizer.clip_norm) / (gradient_norm() + T(1e-6)));
  }
  if (!abandoned && line_search_) {
    search_line(thread, order);
  } else if (!abandoned) {
    update_tasks_.work(thread, [&](std::int64_t task) {
      const Piece& piece = pieces_[static_cast<std::size_t>(task)];
      const PanelMatrix<T> gradient = gradient_view(piece);
      for (int p = 0; p < piece.panels && plan_.optimizer.clip_norm > 0; ++p) {
        T* const g = gradient.at(p, 0);
        for (std::int64_t i = 0; i < piece.rows * kPanel; ++i) g[i] *= scale;
      }
      update_piece(piece, gradient, order);
    });
  }
  threads_.barrier();
  if (thread != 0) return;
  abandon_gradients_ = false;
  if (abandoned) return;
  count_step(order);
  if (line_search_) progress_.scalars = searched_;
}

// out: the piece's rows of its panels.
template <class T>
void Solo<T>::piece_gradient(const Piece& piece, const BatchRows& batch, PanelMatrix<T> out) const {
  if (piece.embedding >= 0) {
    const auto e = static_cast<std::size_t>(piece.embedding);
    return embedding_gradient(network_.shape.embeddings[e], batch_.inputs(), batch_.embedding(e), piece.panel,
                              piece.first_row, piece.rows, batch.count, out.data);
  }
  if (piece.layer < 0) {
    return batch_.each_summed_range(batch, piece.submodel, [&](std::int64_t begin, std::int64_t end, bool continues) {
      add_terms(batch_.terms()[piece.terms].terms, piece.panel, begin, end, continues, out.data);
    });
  }
  const LayerRows<T>& layer = batch_.layer(piece.layer);
  T* const totals = piece.has_bias ? out.data : nullptr;
  T* const sums = piece.has_bias ? out.at(0, 1) : out.data;
  const auto product = [&](auto panels) {
    batch_.each_summed_range(batch, piece.submodel, [&](std::int64_t begin, std::int64_t end, bool continues) {
      const Operand<T> left{layer.left().at(0, begin), layer.left().panel_stride()};
      const Operand<T> right{layer.dloss_dz.at(piece.panel, begin), layer.dloss_dz.panel_stride()};
      product_by_columns<decltype(panels)::value>(left, piece.first_input, piece.end_of_inputs(), right, end - begin,
                                                  sums, totals, out.panel_stride(), continues);
    });
  };
  if constexpr (most_panels<T>() == 3) {
    if (piece.panels == 3) return product(std::integral_constant<int, 3>{});
    if (piece.panels == 2) return product(std::integral_constant<int, 2>{});
  }
  product(std::integral_constant<int, 1>{});
}

// In a large network the weights and the state of a piece are not in the cache: prefetched now, they arrive before the
// gradient is complete.
template <class T>
void Solo<T>::prefetch_piece(const Piece& piece) const {
  const PanelMatrix<T> weights = block_view(network_.weights.data(), network_.shape.blocks[piece.block]);
  constexpr std::int64_t kPerLine = 64 / sizeof(T);
  for (int p = 0; p < piece.panels; ++p) {
    const std::int64_t at = weights.at(piece.panel + p, piece.first_row) - network_.weights.data();
    for (std::int64_t i = at; i < at + piece.rows * kPanel; i += kPerLine) {
      __builtin_prefetch(network_.weights.data() + i, 1, 2);
      for (const AlignedArray<T>& plane : planes_) __builtin_prefetch(plane.data() + i, 1, 2);
    }
  }
}

template <class T>
void Solo<T>::update_piece(const Piece& piece, PanelMatrix<T> gradient, const StepOrder& order) {
  const PanelMatrix<T> weights = block_view(network_.weights.data(), network_.shape.blocks[piece.block]);
  const std::int64_t last = piece.first_row + piece.rows;
  for (int p = 0; p < piece.panels; ++p) {
    for (const GroupRows& rows : group_rows_[piece.block]) {
      const std::int64_t begin = std::max(piece.first_row, rows.begin), end = std::min(last, rows.end);
      if (begin >= end) continue;
      T* const w = weights.at(piece.panel + p, begin);
      T* state[kMaxPlanes];
      for (std::size_t plane = 0; plane < planes_.size(); ++plane)
        state[plane] = planes_[plane].data() + (w - network_.weights.data());
      update_(w, gradient.at(p, begin - piece.first_row), state, (end - begin) * kPanel,
              order.coefficients[groups_.first_with_same_coefficients(rows.group)], order.regularization[rows.group]);
    }
    transpose_piece(piece, p);
  }
}

template <class T>
void Solo<T>::transpose_piece(const Piece& piece, int panel) {
  if (piece.layer >= 0 && network_.shape.passes_gradients_below(piece.layer))
    network_.transpose_block(piece.layer, std::max<std::int64_t>(piece.submodel, 0), piece.panel + panel,
                             piece.first_input, piece.end_of_inputs());
}

// The next point of the line search, by the loss of the batch and its gradients. Training ends with an accepted point.
template <class T>
void Solo<T>::search_line(int thread, const StepOrder& order) {
  const double loss = sum_losses(order.batch, 0) / (order.batch.weight * static_cast<double>(plan_.submodels));
  const bool is_last = progress_.epoch + 1 >= plan_.epochs && progress_.batch + 1 == batches_per_epoch_;
  const Scalars next = line_search_->step(
      thread,
      {network_.weights.data(), gradients_.data(), planes_, loss, order.learning_rate, order.regularization, is_last},
      progress_.scalars);
  threads_.barrier();
  if (thread == 0) searched_ = next;
  update_tasks_.work(thread, [&](std::int64_t task) {
    const Piece& piece = pieces_[static_cast<std::size_t>(task)];
    for (int p = 0; p < piece.panels; ++p) transpose_piece(piece, p);
  });
}

// The sums of squares of one panel's gradients (panels counted over all blocks): 16 sums, one per column, row by row.
template <class T>
void Solo<T>::norm_part(std::int64_t part) const {
  using V = Vec<T, kNativeLanes<T>>;
  std::int64_t panel = part;
  std::size_t b = 0;
  for (; panel >= network_.shape.blocks[b].panels(); ++b) panel -= network_.shape.blocks[b].panels();
  const PanelMatrix<T> gradient = block_view(gradients_.data(), network_.shape.blocks[b]);
  for (int column = 0; column < kPanel; column += V::kLanes) {
    V sum(T(0));
    for (std::int64_t row = 0; row < gradient.rows; ++row) {
      const V g = V::load(gradient.at(panel, row) + column);
      sum = fma(g, g, sum);
    }
    sum.store(norm_parts_.data() + part * kPanel + column);
  }
}

template <class T>
T Solo<T>::gradient_norm() const {
  T sum = T(0);
  for (std::int64_t i = 0; i < norm_parts_.size(); ++i) sum += norm_parts_[i];
  return std::sqrt(sum);
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
