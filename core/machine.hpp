// What a plan needs of the machine, and what the machine can do.
#pragma once

#include <cstdint>

#include "plan.hpp"

namespace creche::CRECHE_LEVEL {

// Bytes that training needs in addition to the tables, for numbers of `itemsize` bytes.
std::int64_t training_memory(const Plan& plan, std::int64_t rows, std::int64_t itemsize);

// The rate, in floating-point operations per second, of fused multiply-adds in registers alone, on `threads` threads:
// an upper bound for every matrix product. The best of many short trials within `seconds`.
double multiply_add_peak(double seconds, int threads);

// The rates of the three products of a fully connected layer with relu, as a training step computes them: forward, the
// gradient of the inputs, the gradient of the weights; of numbers as they are, or rounded to bfloat16. Each is the best
// of many short trials.
struct ProductRates {
  double forward = 0;
  double dloss_dinputs = 0;
  double dloss_dweights = 0;
};
ProductRates product_rates(std::int64_t batch_size, std::int64_t inputs, std::int64_t outputs, double seconds,
                           bool rounds_products);

}  // namespace creche::CRECHE_LEVEL
