// The passes of a pack: rows forward, their losses, back, and the gradients, a block of rows at a time.
//
// Every sum has the same order as in a network alone.
#pragma once

#include <cstdint>
#include <vector>

#include "aligned.hpp"
#include "engines/pack_lane.hpp"
#include "engines/pack_rows.hpp"
#include "epoch.hpp"
#include "layers/lane_embedding.hpp"
#include "layers/lane_layer.hpp"
#include "shape.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
class PackPass {
 public:
  static constexpr int kLanes = kNativeLanes<T>;
  using V = Vec<T, kLanes>;

  // Sums in double, one for each lane.
  struct Sums {
    double loss[kLanes] = {};
    double metric[kLanes] = {};
  };

  // A batch of all lanes.
  struct BatchOrder {
    std::int64_t epoch = 0;
    std::int64_t begin = 0, count = 0;  // positions in the epoch
    double weight[kLanes];              // the sum of the rows' weights, over all submodels
    double per_weight[kLanes];
  };

  // plan: what all lanes share. All of it must outlive the passes, as must the arenas of lanes.
  PackPass(const Plan& plan, const NetworkShape& shape, const PackRows<T>& rows, const PackLanes<T>& lanes,
           AlignedArray<T>& weights, AlignedArray<T>& gradients);

  // Where a submodel begins an epoch: at 0, if all share each batch.
  std::int64_t first_position(std::int64_t submodel) const {
    return plan_.own_batches ? creche::CRECHE_LEVEL::first_position(rows_.count(false), plan_.submodels, submodel) : 0;
  }

  // Takes the numbers of the step that have schedules from the lanes.
  void schedule_numbers();

  // Computes the gradients of a batch, and adds its losses and metrics to the sums. Returns 0 in the lanes whose losses
  // are all finite, NaN in the others.
  V compute_gradients(const BatchOrder& order, Sums& sums);
  // After a step that is taken, with batch normalization.
  void move_running_statistics(std::int64_t count);
  std::vector<Evaluation> validate();

 private:
  // The arrays of a block of rows, each stored row by row.
  struct Block {
    typename PackRows<T>::Place rows;
    V* inputs = nullptr;  // of the first layer: the columns, if there are no embeddings
    std::vector<LaneWaves<V>> waves;
    std::vector<LaneMatrices<V>> layers;
    V* below = nullptr;  // the gradient of the inputs, if parameters need it
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

  void lay_out_block();
  template <class NewArray>
  void lay_out_layers(const NewArray& array);
  void forward(std::int64_t rows, const BatchOrder* order, std::int64_t done, std::int64_t submodel);
  const V* mean_outputs(std::int64_t rows);
  void embed(std::int64_t rows, bool keeps_waves);
  void add_embedding_gradients(const V* dloss_dinputs, std::int64_t rows, bool first_of_batch);
  void add_below(std::int64_t submodel, std::int64_t done, std::int64_t rows);
  void add_embedding_gradients_of_submodels(std::int64_t begin, std::int64_t count);
  void drop(std::size_t layer, std::int64_t rows, const BatchOrder& order, std::int64_t done, std::int64_t submodel);
  V losses(bool training, const V* z, std::int64_t begin, std::int64_t rows, Sums& sums);
  void backward(std::int64_t rows, std::int64_t submodel);
  void add_gradients(std::int64_t rows, std::int64_t submodel, bool first_of_batch);
  static V* vectors(const AlignedArray<T>& array) { return reinterpret_cast<V*>(array.data()); }

  const Plan& plan_;
  const NetworkShape& shape_;
  const PackRows<T>& rows_;
  const PackLanes<T>& lanes_;
  AlignedArray<T>& weights_;
  AlignedArray<T>& gradients_;
  std::vector<LaneLayer<V>> layers_;
  std::vector<RowTerms> terms_;
  const bool embeds_once_;              // for all submodels, which share each batch
  bool normalizes_by_batch_ = false;    // then a block holds all rows of a batch
  AlignedArray<T> statistics_;          // of the batch: of all neurons of all layers with batch normalization
  LossNumbers<V> loss_numbers_{};       // of evaluations
  LossNumbers<V> step_loss_numbers_{};  // of the step
  AlignedArray<T> quantiles_;           // of the loss: [output][lane]
  LaneLossPass<V> loss_pass_;
  LaneMean<V> mean_;
  AlignedArray<T> storage_;         // of the block
  AlignedArray<T> below_of_batch_;  // the gradient of the inputs over all submodels, if they share embeddings
  Block block_;
};

}  // namespace creche::CRECHE_LEVEL
