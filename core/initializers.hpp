// The initial weights of a layer, a pure function of its plan, the seed and the layer's number. Biases start at 0.
//
//   W (n_in, n_out) row by row; draw e of the layer's random stream becomes element e, but for orthogonal
//
//   ..._uniform: U(-a, a)              ..._normal: N(0, s^2)
//   glorot  a = gain sqrt(6 / (n_in + n_out))    s = gain sqrt(2 / (n_in + n_out))
//   he      a = gain sqrt(6 / n_in)              s = gain sqrt(2 / n_in)
//   lecun   a = gain sqrt(3 / n_in)              s = gain sqrt(1 / n_in)
//   orthogonal: gain times the orthonormal factor of a matrix of standard normal numbers
//   zeros, constant (the gain is the constant)
//
// Glorot & Bengio 2010, eq. 16; He et al. 2015, eq. 10; LeCun et al. 1998, eq. 16; Saxe, McClelland & Ganguli 2014. As
// in torch.nn.init, normal numbers are not truncated, and the gain for relu is part of He's formula.
//
// Tests: tests/native/test_initializers.py
#pragma once

#include <cstdint>
#include <span>

#include "plan.hpp"

namespace creche::CRECHE_LEVEL {

// Fills w, (inputs, plan.width) row by row. layer counts from 0.
template <class T>
void initial_weights(const LayerPlan& plan, std::uint64_t seed, std::uint32_t layer, std::int64_t inputs,
                     std::span<T> w);

}  // namespace creche::CRECHE_LEVEL
