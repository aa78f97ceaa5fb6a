// What a plan asks of the machine, and what the machine can do.
#pragma once

#include <cstdint>

#include "plan.hpp"

namespace creche::CRECHE_LEVEL {

// Bytes that training takes besides the tables, numbers of `itemsize` bytes each.
std::int64_t training_memory(const Plan& plan, std::int64_t rows, std::int64_t itemsize);

// The rate, in floating-point operations a second, of nothing but fused multiply-adds in registers on `threads` threads
// at once: what no matrix product can exceed. The best of many short tries within `seconds`.
double multiply_add_peak(double seconds, int threads);

// The same rate for the three products of a fully connected layer with relu, by themselves, as a training step uses
// them: forward, the gradient of the inputs, the gradient of the weights. Each the best of many short tries.
struct ProductRates {
  double forward = 0;
  double dloss_dinputs = 0;
  double dloss_dweights = 0;
};
ProductRates product_rates(std::int64_t batch_size, std::int64_t inputs, std::int64_t outputs, double seconds);

}  // namespace creche::CRECHE_LEVEL
