#include "engines/weight_pieces.hpp"

#include <algorithm>
#include <cmath>

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

// Bytes of weights and state that stay in the second-level cache of any processor, beside the rows of a batch.
constexpr std::int64_t kCached = 1 << 18;

}  // namespace

template <class T>
WeightPieces<T>::WeightPieces(const Plan& plan, Network<T>& network, const Batch<T>& batch,
                              const ParameterGroups& groups, std::vector<AlignedArray<T>>& planes, int threads,
                              bool keeps_gradients)
    : rounds_products_(plan.rounds_products),
      submodels_(plan.submodels),
      embedded_submodels_(plan.own_batches ? plan.submodels : 1),
      network_(network),
      batch_(batch),
      groups_(groups),
      planes_(planes),
      update_(update_function<T>(plan.optimizer, is_regularized(plan.optimizer))),
      prefetches_((1 + static_cast<std::int64_t>(planes.size())) * network.shape.weights_size *
                      static_cast<std::int64_t>(sizeof(T)) >
                  kCached),
      keeps_gradients_(keeps_gradients),
      gradients_(keeps_gradients ? network.shape.weights_size : 0) {
  add_pieces(threads);
  find_group_rows();
  for (int thread = 0; thread < threads; ++thread) {
    piece_gradients_.emplace_back(most_panels<T>() * (1 + kRowsPerPiece) * kPanel);
    if (plan.shards > 1) shard_gradients_.emplace_back(piece_gradients_.back().size());
  }
  if (plan.optimizer.clip_norm > 0) {
    std::int64_t parts = 0;
    for (const ParameterBlock& block : network.shape.blocks) parts += block.panels();
    norm_parts_ = AlignedArray<T>(parts * kPanel);
  }
  assign_tasks(threads);
}

template <class T>
void WeightPieces<T>::add_pieces(int threads) {
  std::int64_t rows = kRowsPerPiece;
  do {
    pieces_.clear();
    add_pieces_of_weights(rows);
    rows /= 2;
    // With fewer than about four pieces per thread, threads wait for each other.
  } while (threads > 1 && rows >= kPanel && count() < 4 * threads);
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
}

// The left matrix of a range of inputs is read for every group of panels, and stays in the second-level cache if the
// range is short enough; the right matrix is then read once per range.
template <class T>
void WeightPieces<T>::add_pieces_of_weights(std::int64_t rows) {
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
void WeightPieces<T>::find_group_rows() {
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

// Each thread gets one contiguous range of pieces: it then finds most of their data in its own cache (the optimizer
// state always).
template <class T>
void WeightPieces<T>::assign_tasks(int threads) {
  norm_tasks_.assign_evenly(norm_parts_.size() / kPanel, threads);

  std::int64_t all = 0;
  for (const Piece& piece : pieces_) all += piece.cost(submodels_, embedded_submodels_);
  std::vector<std::int64_t> bounds = {0};
  std::int64_t dealt = 0;
  for (std::size_t p = 0; p < pieces_.size(); ++p) {
    if (dealt * threads >= all * static_cast<std::int64_t>(bounds.size()))
      bounds.push_back(static_cast<std::int64_t>(p));
    dealt += pieces_[p].cost(submodels_, embedded_submodels_);
  }
  bounds.resize(static_cast<std::size_t>(threads) + 1, count());
  gradient_tasks_.assign(bounds);
  update_tasks_.assign(bounds);
}

template <class T>
void WeightPieces<T>::reset_tasks() {
  gradient_tasks_.reset();
  norm_tasks_.reset();
  update_tasks_.reset();
}

template <class T>
void WeightPieces<T>::keep_shards(std::int64_t count) {
  shards_.clear();
  for (std::int64_t s = 0; s < count; ++s) shards_.emplace_back(network_.shape.weights_size);
  if (!keeps_gradients_) gradients_ = AlignedArray<T>(count > 0 ? network_.shape.weights_size : 0);
}

template <class T>
PanelMatrix<T> WeightPieces<T>::kept_gradient(const AlignedArray<T>& arena, const Piece& piece) const {
  PanelMatrix<T> gradient = block_view(arena.data(), network_.shape.blocks[piece.block]);
  gradient.data = gradient.at(piece.panel, piece.first_row);
  return gradient;
}

template <class T>
void WeightPieces<T>::update_by_kept(int thread, T scale, const GroupNumbers<T>& numbers) {
  update_tasks_.work(thread, [&](std::int64_t task) {
    const Piece& piece = pieces_[static_cast<std::size_t>(task)];
    const PanelMatrix<T> gradient = kept_gradient(gradients_, piece);
    for (int p = 0; p < piece.panels && norm_parts_.size() > 0; ++p) {
      T* const g = gradient.at(p, 0);
      for (std::int64_t i = 0; i < piece.rows * kPanel; ++i) g[i] *= scale;
    }
    update(piece, gradient, numbers);
  });
}

template <class T>
void WeightPieces<T>::transpose(int thread) {
  update_tasks_.work(thread, [&](std::int64_t task) {
    const Piece& piece = pieces_[static_cast<std::size_t>(task)];
    for (int p = 0; p < piece.panels; ++p) transpose_panel(piece, p);
  });
}

// The gradient of the first shard, plus that of the second, and so on. out: the piece's rows of its panels.
template <class T>
void WeightPieces<T>::compute_gradient(int thread, const Piece& piece, const BatchRows& rows,
                                       PanelMatrix<T> out) const {
  using V = Vec<T, kNativeLanes<T>>;
  sum_shard(piece, rows, rows.shard(0), out);
  for (std::int64_t s = 1; s < rows.shards(); ++s) {
    const PanelMatrix<T> shard{shard_gradients_[static_cast<std::size_t>(thread)].data(), piece.rows,
                               piece.panels * kPanel};
    sum_shard(piece, rows, rows.shard(s), shard);
    for (int p = 0; p < piece.panels; ++p) {
      T* const sums = out.at(p, 0);
      for (std::int64_t i = 0; i < piece.rows * kPanel; i += V::kLanes)
        (V::load(sums + i) + V::load(shard.at(p, 0) + i)).store(sums + i);
    }
  }
}

template <class T>
void WeightPieces<T>::sum_shard(const Piece& piece, const BatchRows& batch, RowRange rows, PanelMatrix<T> out) const {
  if (piece.embedding >= 0) {
    const auto e = static_cast<std::size_t>(piece.embedding);
    return batch_.each_embedded_range(batch, rows, [&](std::int64_t begin, std::int64_t end, bool continues) {
      embedding_gradient(network_.shape.embeddings[e], batch_.inputs(), batch_.embedding(e), piece.panel,
                         piece.first_row, piece.rows, begin, end, continues, out.data);
    });
  }
  if (piece.layer < 0) {
    return batch_.each_summed_range(
        batch, rows, piece.submodel, [&](std::int64_t begin, std::int64_t end, bool continues) {
          add_terms(batch_.terms()[piece.terms].terms, piece.panel, begin, end, continues, out.data);
        });
  }
  const LayerRows<T>& layer = batch_.layer(piece.layer);
  T* const totals = piece.has_bias ? out.data : nullptr;
  T* const sums = piece.has_bias ? out.at(0, 1) : out.data;
  const auto product = [&](auto panels) {
    batch_.each_summed_range(batch, rows, piece.submodel, [&](std::int64_t begin, std::int64_t end, bool continues) {
      const Operand<T> left{layer.left().at(0, begin), layer.left().panel_stride()};
      const Operand<T> right{layer.dloss_dz.at(piece.panel, begin), layer.dloss_dz.panel_stride()};
      product_by_columns<decltype(panels)::value>(rounds_products_, left, piece.first_input, piece.end_of_inputs(),
                                                  right, end - begin, sums, totals, out.panel_stride(), continues);
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
void WeightPieces<T>::prefetch(const Piece& piece) const {
  if (!prefetches_) return;
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
void WeightPieces<T>::update(const Piece& piece, PanelMatrix<T> gradient, const GroupNumbers<T>& numbers) {
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
              numbers.coefficients[groups_.first_with_same_coefficients(rows.group)],
              numbers.regularization[rows.group]);
    }
    transpose_panel(piece, p);
  }
}

template <class T>
void WeightPieces<T>::transpose_panel(const Piece& piece, int panel) {
  if (piece.layer >= 0 && network_.shape.passes_gradients_below(piece.layer))
    network_.transpose_block(piece.layer, std::max<std::int64_t>(piece.submodel, 0), piece.panel + panel,
                             piece.first_input, piece.end_of_inputs());
}

// The sums of squares of one panel's gradients (panels counted over all blocks): 16 sums, one per column, row by row.
template <class T>
void WeightPieces<T>::sum_squares_of_panel(std::int64_t part) {
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
T WeightPieces<T>::gradient_norm() const {
  T sum = T(0);
  for (std::int64_t i = 0; i < norm_parts_.size(); ++i) sum += norm_parts_[i];
  return std::sqrt(sum);
}

#define INSTANTIATE(T) template class WeightPieces<T>;
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
