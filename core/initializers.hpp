// The initial weights and biases of a layer, as far as they do not depend on the table: a pure function of its plan,
// the seed and the layer's number. engines/initialize.hpp has the rest.
//
//   W (n_in, n_out) row by row; draw e of the layer's random stream becomes element e, but for orthogonal
//
//   ..._uniform: U(-a, a)              ..._normal: N(0, s^2)
//   glorot  a = gain sqrt(6 / (n_in + n_out))    s = gain sqrt(2 / (n_in + n_out))
//   he      a = gain sqrt(6 / n_in)              s = gain sqrt(2 / n_in)
//   lecun   a = gain sqrt(3 / n_in)              s = gain sqrt(1 / n_in)
//   orthogonal: gain times the orthonormal factor of a matrix of standard normal numbers
//   zeros, constant (the gain is the constant)
//   unit_variance: N(0, 1), divided by a deviation that depends on the table
//
//   biases: zeros, normal N(0, 1), uniform U(-a, a) with a = sqrt(1 / n_in), sampled (from the table)
//
//   embeddings, with n outputs or frequencies:
//   linear    b and the weights of the first column U(-1, 1) / sqrt(n); the other weights 0
//   periodic  frequencies N(0, s^2), phases U(-pi, pi), weights and b U(-1, 1) / sqrt(n)
//   category  N(0, 1)
//
// Glorot & Bengio 2010, eq. 16; He et al. 2015, eq. 10; LeCun et al. 1998, eq. 16; Saxe, McClelland & Ganguli 2014. As
// in torch.nn.init, normal numbers are not truncated, and the gain for relu is part of He's formula.
//
// Tests: tests/native/test_initializers.py
#pragma once

#include <cstdint>
#include <span>

#include "plan.hpp"
#include "shape.hpp"

namespace creche::CRECHE_LEVEL {

// The random numbers of a layer, both counted from 0. What submodels share is that of submodel 0.
struct InitialStream {
  std::uint64_t seed = 0;
  std::uint32_t layer = 0;
  std::uint32_t submodel = 0;
};

// Fills w, (inputs, plan.width) row by row.
template <class T>
void initial_weights(const LayerPlan& plan, InitialStream stream, std::int64_t inputs, std::span<T> w);

// Fills part `part` of the block of an embedding, (rows, columns) row by row.
template <class T>
void initial_embedding(const EmbeddingShape& shape, std::size_t part, std::uint64_t seed, std::uint32_t embedding,
                       std::int64_t columns, std::span<T> numbers);

// Fills b, (plan.width,).
template <class T>
void initial_biases(const LayerPlan& plan, InitialStream stream, std::int64_t inputs, std::span<T> b);

// Fills r, a factor for each input, of a submodel: one draw for each feature. features: that of each input.
template <class T>
void initial_factors(SubmodelStart start, InitialStream stream, std::span<const std::int64_t> features, std::span<T> r);

}  // namespace creche::CRECHE_LEVEL
