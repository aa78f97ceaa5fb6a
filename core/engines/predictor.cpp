#include "engines/predictor.hpp"

#include "precisions.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
Predictor<T>::Predictor(const Plan& plan, int threads)
    : plan_(plan), network_(plan), threads_(threads), evaluator_(plan, network_.shape, threads) {}

template <class T>
void Predictor<T>::predict(const Rows<T>& table, bool head, T* out) {
  each_block(table.count,
             [&](int thread, std::int64_t block) { evaluator_.predict(thread, network_, table, block, head, out); });
}

template <class T>
void Predictor<T>::layer_outputs(const Rows<T>& table, std::int64_t layer, std::int64_t submodel, T* out) {
  each_block(table.count, [&](int thread, std::int64_t block) {
    evaluator_.layer_outputs(thread, network_, table, block, layer, submodel, out);
  });
}

template <class T>
Evaluation Predictor<T>::evaluate(const Rows<T>& table) {
  AlignedArray<T> loss(table.count), metric(table.count);
  each_block(table.count, [&](int thread, std::int64_t block) {
    evaluator_.losses(thread, network_, table, block, loss.data(), metric.data());
  });
  return Evaluator<T>::summarize(plan_.loss.kind, table, loss.data(), metric.data());
}

// Calls f(thread, block) for each block of rows.
template <class T>
template <class F>
void Predictor<T>::each_block(std::int64_t rows, F&& f) {
  const std::int64_t blocks = Evaluator<T>::blocks(rows);
  if (blocks <= 1) {  // waking the other threads would take longer than the work
    if (blocks == 1) f(0, 0);
    return;
  }
  Tasks tasks;
  tasks.assign_evenly(blocks, threads_.count());
  threads_.run([&](int thread) { tasks.work(thread, [&](std::int64_t block) { f(thread, block); }); });
}

#define INSTANTIATE(T) template class Predictor<T>;
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
