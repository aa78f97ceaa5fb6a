// The parameters of a network in pieces, which the threads of a run take after the rows of a step: the gradient of a
// piece over the whole batch, its update and its transposed copy, while it is in the cache. Work is divided by
// parameter, so that the number of threads never changes a sum.
#pragma once

#include <cstdint>
#include <vector>

#include "aligned.hpp"
#include "layers/batch.hpp"
#include "network.hpp"
#include "optimizers/groups.hpp"
#include "optimizers/update.hpp"
#include "plan.hpp"
#include "threads.hpp"

namespace creche::CRECHE_LEVEL {

// What an update needs to know of each group of parameters.
template <class T>
struct GroupNumbers {
  std::vector<Coefficients<T>> coefficients;
  std::vector<Regularization<T>> regularization;
};

template <class T>
class WeightPieces {
 public:
  // All that is referred to must outlive it. keeps_gradients: all are computed before any parameter changes.
  WeightPieces(const Plan& plan, Network<T>& network, const Batch<T>& batch, const ParameterGroups& groups,
               std::vector<AlignedArray<T>>& planes, int threads, bool keeps_gradients);

  std::int64_t count() const { return static_cast<std::int64_t>(pieces_.size()); }
  // By one thread, while no other works on a piece.
  void reset_tasks();

  // Each of these is called by every thread, and divides the pieces among them.

  // Gradient, update and transposed copy of one piece after the other; before(piece) is called with its number.
  template <class F>
  void step(int thread, const BatchRows& rows, const GroupNumbers<T>& numbers, F&& before) {
    gradient_tasks_.work(thread, [&](std::int64_t task) {
      const Piece& piece = pieces_[static_cast<std::size_t>(task)];
      const PanelMatrix<T> gradient{piece_gradients_[static_cast<std::size_t>(thread)].data(), piece.rows,
                                    piece.panels * kPanel};
      prefetch(piece);
      before(task);
      compute_gradient(thread, piece, rows, gradient);
      update(piece, gradient, numbers);
    });
  }

  // Gradients, which are kept, as long as goes_on() is true; after() is called after each. Those of each shard, if
  // `keep_shards` was called, or else their sums.
  template <class Continue, class F>
  void compute_gradients(int thread, const BatchRows& rows, Continue&& goes_on, F&& after) {
    gradient_tasks_.work(thread, [&](std::int64_t task) {
      if (!goes_on()) return;
      const Piece& piece = pieces_[static_cast<std::size_t>(task)];
      if (shards_.empty()) {
        compute_gradient(thread, piece, rows, kept_gradient(gradients_, piece));
      } else {
        for (std::int64_t s = 0; s < rows.shards(); ++s)
          sum_shard(piece, rows, rows.shard(s), kept_gradient(shards_[static_cast<std::size_t>(s)], piece));
      }
      after();
    });
  }

  // What `gradient_norm` adds, after the next barrier.
  void sum_squares(int thread) {
    norm_tasks_.work(thread, [&](std::int64_t part) { sum_squares_of_panel(part); });
  }
  T gradient_norm() const;

  // Updates by the kept gradients times a number.
  void update_by_kept(int thread, T scale, const GroupNumbers<T>& numbers);
  // After all parameters have changed.
  void transpose(int thread);

  AlignedArray<T>& kept_gradients() { return gradients_; }

  // How many shards' gradients are kept, each in an array of its own, for others to add to `kept_gradients`; 0: none.
  void keep_shards(std::int64_t count);
  const AlignedArray<T>& shard(std::int64_t s) const { return shards_[static_cast<std::size_t>(s)]; }

 private:
  // Neighbouring rows of a block of parameters that are in one group.
  struct GroupRows {
    std::int64_t begin, end;
    std::size_t group;
  };

  // A piece of a block of parameters: some rows of some of its panels. Its gradient is a product with the outputs of a
  // layer, that of an embedding, or the sum of a batch's terms.
  struct Piece {
    std::size_t block = 0;
    std::int64_t panel = 0;
    int panels = 0;
    std::int64_t first_row = 0;
    std::int64_t rows = 0;
    std::int64_t layer = -1;      // whose weights these are
    std::int64_t embedding = -1;  // whose parameters these are
    std::size_t terms = 0;        // otherwise the number of the terms
    std::int64_t submodel = kAllSubmodels;
    std::int64_t first_input = 0;  // of the layer
    bool has_bias = false;         // the row before that of the first input

    std::int64_t end_of_inputs() const { return first_input + rows - (has_bias ? 1 : 0); }
    // In proportion to the multiply-adds of its gradient.
    std::int64_t cost(std::int64_t submodels, std::int64_t embedded_submodels) const {
      return rows * panels * (embedding >= 0 ? embedded_submodels : submodel == kAllSubmodels ? submodels : 1);
    }
  };

  void add_pieces(int threads);
  void add_pieces_of_weights(std::int64_t rows);
  void find_group_rows();
  void assign_tasks(int threads);
  PanelMatrix<T> kept_gradient(const AlignedArray<T>& arena, const Piece& piece) const;
  void compute_gradient(int thread, const Piece& piece, const BatchRows& rows, PanelMatrix<T> out) const;
  void sum_shard(const Piece& piece, const BatchRows& batch, RowRange rows, PanelMatrix<T> out) const;
  void prefetch(const Piece& piece) const;
  void update(const Piece& piece, PanelMatrix<T> gradient, const GroupNumbers<T>& numbers);
  void transpose_panel(const Piece& piece, int panel);
  void sum_squares_of_panel(std::int64_t part);

  const bool rounds_products_;
  const std::int64_t submodels_, embedded_submodels_;
  Network<T>& network_;
  const Batch<T>& batch_;
  const ParameterGroups& groups_;
  std::vector<AlignedArray<T>>& planes_;
  const Update<T> update_;
  std::vector<Piece> pieces_;
  std::vector<std::vector<GroupRows>> group_rows_;  // of each block of parameters
  const bool prefetches_;
  const bool keeps_gradients_;
  AlignedArray<T> gradients_;                     // only if they are kept
  std::vector<AlignedArray<T>> shards_;           // only if those of each are kept
  AlignedArray<T> norm_parts_;                    // only for clipping by norm: 16 partial sums per panel
  std::vector<AlignedArray<T>> piece_gradients_;  // one per thread
  std::vector<AlignedArray<T>> shard_gradients_;  // one per thread, only if there are several shards
  Tasks gradient_tasks_, norm_tasks_, update_tasks_;
};

}  // namespace creche::CRECHE_LEVEL
