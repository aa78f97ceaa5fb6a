// The data of one training step's batch, and the forward and backward pass of a range of its rows.
//
// Ranges of rows are independent of each other: each thread takes one. Only the gradient of the weights, which sums
// over all rows, needs the whole batch; and batch normalization, which needs the sums of all rows. With that, the
// forward and the backward pass have several stages, and statistics are taken after each stage but the last.
//
// Submodels each have rows of their own in every matrix, those of one below those of the one before: row r of submodel
// m is stride m + r, where the stride is the batch's count, rounded up to whole vectors of rows. A gradient of what
// they share sums over the rows of submodel 0, then over those of submodel 1, and so on. Embeddings of a batch that
// submodels share are computed once for all.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "aligned.hpp"
#include "epoch.hpp"
#include "layers/embedding.hpp"
#include "layers/layer.hpp"
#include "losses/custom_loss.hpp"
#include "losses/loss_pass.hpp"
#include "network.hpp"
#include "rows.hpp"

namespace creche::CRECHE_LEVEL {

// Some rows of a batch.
struct RowRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

// The rows of a batch, and its position in the run, on which dropout depends. A process that shares a batch with others
// has the rows of its shards as a batch.
struct BatchRows {
  const std::int32_t* order = nullptr;  // the rows from the batch's first on; null: those of the table from `begin` on
  std::int64_t begin = 0;               // position in the epoch of the batch's first row
  std::int64_t count = 0;
  std::int64_t prefetch_end = 0;  // positions below this may be prefetched
  std::int64_t shard_rows = 0;    // of each shard but the last; 0: the rows are one shard
  // Of an epoch, if each of several submodels has a batch of its own, which is that of the first moved on by its part
  // of the epoch's rows; 0: they share the batch.
  std::int64_t epoch_rows = 0;
  std::int64_t submodels = 1;
  double weight = 0;           // sum of the weights of all rows, of all submodels, also those of other processes
  double dropout = 0;          // factor of each layer's dropout; 0: none
  double label_smoothing = 1;  // factor of the loss's
  bool is_normalized = false;  // by its own statistics, rather than the running ones, if it has several rows
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0;

  std::int64_t row(std::int64_t r, std::int64_t submodel = 0) const {
    if (epoch_rows > 0) {
      r += first_position(epoch_rows, submodels, submodel);
      if (begin + r >= epoch_rows) r -= epoch_rows;
    }
    return order != nullptr ? order[r] : begin + r;
  }
  // Between the rows of a submodel and those of the next.
  std::int64_t stride() const { return panel_count(count) * kPanel; }
  bool has_statistics() const { return is_normalized && count > 1; }
  RowRange all() const { return {0, count}; }
  // How many shards have rows, and which these are.
  std::int64_t shards() const { return shard_rows > 0 ? (count + shard_rows - 1) / shard_rows : 1; }
  RowRange shard(std::int64_t s) const {
    return shard_rows > 0 ? RowRange{s * shard_rows, std::min((s + 1) * shard_rows, count)} : all();
  }
};

// All submodels, in place of the number of one.
inline constexpr std::int64_t kAllSubmodels = -1;

// The gradient of one row of a block, for each row of a batch, of all submodels or of one.
template <class T>
struct RowTerms {
  std::size_t block;
  std::int64_t row;
  PanelMatrix<T> terms;
  std::int64_t submodel;
};

template <class T>
class Batch {
 public:
  // custom_loss, if not null, must outlive the batch. has_own_rows: submodels have batches of their own.
  Batch(const Plan& plan, const NetworkShape& shape, std::int64_t capacity, const CustomLoss<T>* custom_loss = nullptr,
        bool has_own_rows = false);

  // Copies the features and labels of rows row_begin ... row_end - 1 of the batch from the table.
  void gather(const Rows<T>& table, const BatchRows& batch, std::int64_t row_begin, std::int64_t row_end) const;

  // Prefetches the features of the rows after the batch, row_begin ... row_end - 1 counted from its end.
  void prefetch_next(const Rows<T>& table, const BatchRows& batch, std::int64_t row_begin, std::int64_t row_end) const {
    const std::int64_t end = std::min(batch.begin + batch.count + row_end, batch.prefetch_end);
    for (std::int64_t m = 0; m < embedded_submodels_; ++m) {
      for (std::int64_t p = batch.begin + batch.count + row_begin; p < end; ++p) {
        const T* const x = table.x + batch.row(p - batch.begin, m) * table.x_stride;
        constexpr std::int64_t kPerLine = 64 / sizeof(T);
        for (std::int64_t i = 0; i < plan_.inputs; i += kPerLine) __builtin_prefetch(x + i, 0, 2);
      }
    }
  }

  // A stage ends with the weighted sums of a layer with batch normalization; the last one with the network's.
  std::int64_t stages() const { return static_cast<std::int64_t>(stops_.size()) + 1; }
  // The panels of statistics after a stage.
  std::int64_t statistics_panels(std::int64_t stage) const {
    return shape_.layers[stops_[static_cast<std::size_t>(stage)]].output_panels();
  }

  void forward(const Network<T>& network, const BatchRows& batch, std::int64_t stage, std::int64_t row_begin,
               std::int64_t row_end) const;
  // Between a stage and the next, for each panel, after all rows.
  void take_statistics(const BatchRows& batch, std::int64_t stage, std::int64_t panel) const;
  // All stages, of all rows.
  void forward(const Network<T>& network, const BatchRows& batch) const;

  // row_begin is a multiple of 16. Returns whether every loss is finite.
  bool loss(const BatchRows& batch, std::int64_t row_begin, std::int64_t row_end, T* scratch) const;

  // The same with the custom loss, for all `count` rows of the batch. Returns false if it failed.
  bool custom_loss(std::int64_t count, T* scratch) const;

  bool losses_are_finite(std::int64_t row_begin, std::int64_t row_end) const;

  // The stages come in reverse order.
  void backward(const Network<T>& network, const BatchRows& batch, std::int64_t stage, std::int64_t row_begin,
                std::int64_t row_end) const;
  // Between a stage and the one before, for each panel, after all rows.
  void take_gradient_statistics(const BatchRows& batch, std::int64_t stage, std::int64_t panel) const;
  void backward(const Network<T>& network, const BatchRows& batch) const;

  // Moves the running statistics of batch normalization towards those of the batch.
  void move_running_statistics(const Network<T>& network, const BatchRows& batch) const;

  // The gradient of the columns of the table, after the backward pass: for each row the sum over the submodels.
  void inputs_backward(const Network<T>& network, const BatchRows& batch, const PanelMatrix<T>& out) const;

  // Calls f(row_begin, row_end, continues) for the rows that a sum over some rows of a batch has, of a submodel or of
  // all; continues is whether there have been some before.
  template <class F>
  void each_summed_range(const BatchRows& batch, RowRange rows, std::int64_t submodel, F&& f) const {
    const std::int64_t stride = batch.stride();
    if (submodel >= 0) return f(submodel * stride + rows.begin, submodel * stride + rows.end, false);
    if (plan_.submodels == 1) return f(rows.begin, rows.end, false);
    if (rows.begin == 0 && rows.end == stride) return f(0, plan_.submodels * stride, false);
    for (std::int64_t m = 0; m < plan_.submodels; ++m) f(m * stride + rows.begin, m * stride + rows.end, m > 0);
  }
  // Likewise for the rows of embeddings.
  template <class F>
  void each_embedded_range(const BatchRows& batch, RowRange rows, F&& f) const {
    embedded_submodels_ == 1 ? f(rows.begin, rows.end, false) : each_summed_range(batch, rows, kAllSubmodels, f);
  }

  const LayerRows<T>& layer(std::int64_t l) const { return layers_[static_cast<std::size_t>(l)]; }
  const LayerFunctions<T>& functions(std::int64_t l) const { return functions_[static_cast<std::size_t>(l)]; }
  // The rows of blocks whose gradient is a sum over the rows of the batch, of terms that the backward pass computes.
  const std::vector<RowTerms<T>>& terms() const { return terms_; }
  // The columns of the table, and the matrices of their embeddings.
  const PanelMatrix<T>& inputs() const { return inputs_; }
  const EmbeddingRows<T>& embedding(std::size_t e) const { return embeddings_[e]; }
  const T* losses() const { return loss_; }
  const T* metrics() const { return metric_; }

 private:
  void lay_out(const Plan& plan, const NetworkShape& shape);

  PanelMatrix<T> matrix(std::int64_t columns) { return matrix(columns, rows_); }
  PanelMatrix<T> matrix(std::int64_t columns, std::int64_t rows);
  void add_submodels_below(const BatchRows& batch, std::int64_t row_begin, std::int64_t row_end) const;
  void lay_out_layer(const LayerPlan& plan, const LayerShape& shape);
  void take_inputs(const Network<T>& network, const BatchRows& batch, std::int64_t row_begin,
                   std::int64_t row_end) const;
  // A layer's matrices, with statistics if the batch has them.
  LayerRows<T> rows_of(const BatchRows& batch, std::size_t l) const;
  // The first and the last layer of a stage: the layers at which stages stop belong to two.
  std::pair<std::size_t, std::size_t> layers_of(std::int64_t stage) const;

  // Each activation of layer l is dropped with probability p, or else divided by 1 - p; f' likewise (Srivastava et al.
  // 2014, in the "inverted" form, which leaves predictions unchanged).
  void drop(const BatchRows& batch, std::size_t l, std::int64_t row_begin, std::int64_t row_end,
            std::int64_t submodel) const;

  Plan plan_;
  NetworkShape shape_;
  LossPass<T> loss_pass_;
  CustomLossPass<T> custom_loss_;
  std::int64_t embedded_submodels_;  // 1 if all share the rows of a batch
  std::int64_t table_rows_;          // of a matrix with the columns of the table
  std::int64_t rows_;
  AlignedArray<T> storage_;
  std::int64_t used_ = 0;
  PanelMatrix<T> inputs_, targets_;
  PanelMatrix<T> embedded_;  // the inputs of the first layer: inputs_, if there are no embeddings
  std::vector<EmbeddingRows<T>> embeddings_;
  std::vector<LayerFunctions<T>> functions_;
  std::vector<LayerRows<T>> layers_;
  std::vector<std::size_t> stops_;  // the layers with batch normalization
  std::vector<RowTerms<T>> terms_;
  PanelMatrix<T> below_;  // the gradient of the first layer's inputs, if parameters need it, or of several submodels
  T* classes_;
  T* scale_;
  T* loss_;
  T* metric_;
};

}  // namespace creche::CRECHE_LEVEL
