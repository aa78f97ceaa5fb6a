// Parametric activations: each neuron learns how much of its activation it applies (Holzmüller, Grinsztajn & Steinwart
// 2024, "Better by default", RealMLP, appendix A).
//
//   a = z + alpha (f(z) - z)        da/dz = 1 + alpha (f'(z) - 1)        da/dalpha = f(z) - z
//
//   alpha the neuron's slope, 1 at the start: the activation itself; at 0 the neuron is linear
//
// The gradient of alpha is the sum over the rows of the batch, in their order, of rounded products dL/da da/dalpha.
//
// Tests: tests/engine/test_contract.py, tests/engine/test_gradients.py
#pragma once

#include "../simd/lanes.hpp"

namespace creche::CRECHE_LEVEL {

// In: f(z) and f'(z). Out: a and da/dz. Returns da/dalpha.
template <class V>
CRECHE_INLINE V bend(V z, V alpha, V& value, V& derivative) {
  const V term = value - z;
  value = fma(alpha, term, z);
  derivative = fma(alpha, derivative - V(1), V(1));
  return term;
}

}  // namespace creche::CRECHE_LEVEL
