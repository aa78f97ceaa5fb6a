#include "machine.hpp"

#include <algorithm>
#include <chrono>

#include "aligned.hpp"
#include "optimizers/all.hpp"
#include "shape.hpp"
#include "simd/lanes.hpp"
#include "threads.hpp"

namespace rookery::ROOKERY_LEVEL {

std::int64_t training_memory(const Plan& plan, std::int64_t rows, std::int64_t itemsize) {
  const NetworkShape shape(plan);
  const std::int64_t planes = optimizer_planes(plan.optimizer);
  // Weights and state, the same again as the epoch's snapshot, the transposed copy, the best weights, the gradients.
  const std::int64_t arenas = 2 * (1 + planes) + (plan.early_stopping.patience > 0 ? 1 : 0) + 1;
  const std::int64_t weights = shape.weights_size * arenas + shape.transposed_size;
  std::int64_t columns = 2 * panels_of(plan.inputs) * kPanel;
  for (const LayerShape& layer : shape.layers) columns += 3 * layer.output_panels() * kPanel;
  const std::int64_t batch = std::min(plan.batch_size, rows) + kPanel;
  return (weights + batch * columns) * itemsize + (plan.shuffle ? rows * 4 : 0);
}

double multiply_add_peak(double seconds, int threads) {
  using V = Vec<float, kNativeLanes<float>>;
  using Clock = std::chrono::steady_clock;
  constexpr int kSums = 12;  // enough to cover four cycles of latency twice a cycle; fits 16 registers
  constexpr int kTurns = 4000;
  const double flops_per_turn = 2.0 * kSums * V::kLanes;
  Threads pool(threads);
  AlignedArray<float> sink(threads * kSums * V::kLanes);
  const Clock::time_point begin = Clock::now();
  double best = 0;
  while (std::chrono::duration<double>(Clock::now() - begin).count() < seconds) {
    const Clock::time_point from = Clock::now();
    pool.run([&](int thread) {
      V sums[kSums];
      for (V& sum : sums) sum = V(1.0f);
      const V factor(0.999f), term(0.001f);
      for (int repeat = 0; repeat < 50; ++repeat) {
        for (int turn = 0; turn < kTurns; ++turn)
          for (int i = 0; i < kSums; ++i) sums[i] = fma(sums[i], factor, term);
      }
      for (int i = 0; i < kSums; ++i) sums[i].store(sink.data() + (thread * kSums + i) * V::kLanes);
    });
    const double took = std::chrono::duration<double>(Clock::now() - from).count();
    best = std::max(best, flops_per_turn * kTurns * 50 * threads / took);
  }
  return best;
}

}  // namespace rookery::ROOKERY_LEVEL
