// Networks of one shape that only predict, one per lane: an ensemble, or one network with many values of a weight.
//
// Each row passes through all networks of a pack at once, so that sixteen narrow networks take about as long as a few.
// Each predicts, to the bit, the same as alone in a `Predictor`.
#pragma once

#include <cstdint>
#include <vector>

#include "aligned.hpp"
#include "layers/lane_embedding.hpp"
#include "layers/lane_layer.hpp"
#include "plan.hpp"
#include "progress.hpp"
#include "rows.hpp"
#include "shape.hpp"
#include "threads.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
class ManyPredictor {
 public:
  static constexpr int kLanes = kNativeLanes<T>;
  using V = Vec<T, kLanes>;

  ManyPredictor(const Plan& plan, std::int64_t count, int threads);

  const Plan& plan() const { return plan_; }
  const NetworkShape& shape() const { return shape_; }
  std::int64_t count() const { return count_; }

  // values: (networks, rows, columns) of a part of a block of `shape`.
  void set_part(const ParameterBlock& block, const ParameterPart& part, const T* values);

  // out: (networks, rows, outputs), after the loss's head if `head`.
  void predict(const Rows<T>& table, bool head, T* out);

  // out: (rows, outputs), the sum of each network's prediction times its share, in the order of the networks.
  void mean(const Rows<T>& table, const double* shares, double* out);

  // Loss and metric of each network.
  void evaluate(const Rows<T>& table, Evaluation* out);

 private:
  // A thread's arrays for a block of rows, each stored row by row.
  struct Scratch {
    AlignedArray<T> columns, inputs, scaled, buffers[2], submodels, targets, labels, loss, metric, spare;
  };

  template <class F>
  void each_block(std::int64_t rows, F&& f);
  static V* vectors(const AlignedArray<T>& array) { return reinterpret_cast<V*>(array.data()); }
  void take_inputs(const Scratch& scratch, const Rows<T>& table, std::int64_t begin, std::int64_t rows) const;
  void take_labels(const Scratch& scratch, const Rows<T>& table, std::int64_t begin, std::int64_t rows) const;
  V* forward(const Scratch& scratch, std::int64_t pack, std::int64_t rows) const;
  V* forward_submodel(const Scratch& scratch, std::int64_t pack, std::int64_t rows, std::int64_t submodel) const;
  V* predict_block(const Scratch& scratch, std::int64_t pack, std::int64_t rows, bool head) const;
  void evaluate_pack(const Scratch& scratch, const Rows<T>& table, std::int64_t pack, Evaluation* out) const;
  int used_lanes(std::int64_t pack) const;

  Plan plan_;
  NetworkShape shape_;
  std::int64_t size_;  // parameters of a pack, in vectors
  std::int64_t count_, packs_;
  std::vector<LaneLayer<V>> layers_;
  AlignedArray<T> quantiles_;  // of the loss: [output][lane]
  LossNumbers<V> loss_numbers_;
  LaneLossPass<V> loss_pass_;
  LaneHead<V> head_;
  LaneMean<V> mean_;
  AlignedArray<T> weights_;  // [pack][block][lane]
  Threads threads_;
  std::vector<Scratch> scratch_;
};

}  // namespace creche::CRECHE_LEVEL
