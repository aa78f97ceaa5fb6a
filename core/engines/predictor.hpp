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
  Predictor(const Plan& plan, int threads)
      : plan_(plan), network_(plan), threads_(threads), evaluator_(plan, network_.shape, threads) {}

  const Plan& plan() const { return plan_; }
  Network<T>& network() { return network_; }

  // out: (table.count, outputs) row by row; after the loss's head if `head`.
  void predict(const Rows<T>& table, bool head, T* out) {
    each_block(table.count,
               [&](int thread, std::int64_t block) { evaluator_.predict(thread, network_, table, block, head, out); });
  }

  Evaluation evaluate(const Rows<T>& table) {
    AlignedArray<T> loss(table.count), metric(table.count);
    each_block(table.count, [&](int thread, std::int64_t block) {
      evaluator_.losses(thread, network_, table, block, loss.data(), metric.data());
    });
    return Evaluator<T>::summarize(plan_.loss.kind, table, loss.data(), metric.data());
  }

 private:
  template <class F>
  void each_block(std::int64_t rows, F&& f) {
    const std::int64_t blocks = Evaluator<T>::blocks(rows);
    if (blocks <= 1) {  // waking the others would take longer than the work
      if (blocks == 1) f(0, 0);
      return;
    }
    Tasks tasks;
    tasks.deal_evenly(blocks, threads_.count());
    threads_.run([&](int thread) { tasks.work(thread, [&](std::int64_t block) { f(thread, block); }); });
  }

  Plan plan_;
  Network<T> network_;
  Threads threads_;
  Evaluator<T> evaluator_;
};

}  // namespace creche::CRECHE_LEVEL
