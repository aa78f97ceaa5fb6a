// A trained network that only predicts.
#pragma once

#include <cstdint>

#include "engines/evaluator.hpp"
#include "network.hpp"
#include "threads.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
class Predictor {
 public:
  Predictor(const Plan& plan, int threads);

  const Plan& plan() const { return plan_; }
  Network<T>& network() { return network_; }

  // out: (table.count, outputs) row by row: after the loss's head if `head`, else the weighted sums.
  void predict(const Rows<T>& table, bool head, T* out);

  // out: (table.count, width of the layer) row by row, the activations of a submodel after layer `layer`; both count
  // from 0.
  void layer_outputs(const Rows<T>& table, std::int64_t layer, std::int64_t submodel, T* out);

  Evaluation evaluate(const Rows<T>& table);

 private:
  template <class F>
  void each_block(std::int64_t rows, F&& f);

  Plan plan_;
  Network<T> network_;
  Threads threads_;
  Evaluator<T> evaluator_;
};

}  // namespace creche::CRECHE_LEVEL
