// The parameters with which a run begins: a pure function of the plan, and, where it asks for that, of the training
// rows.
//
//   unit_variance: the weights of a neuron, drawn from N(0, 1), are divided by the deviation of its weighted sums over
//                  the first rows, so that each neuron starts with a deviation of 1
//   sampled biases ("he+5"): minus a random mean of the neuron's weighted sums over 5 of these rows, with weights drawn
//                  from Exp(1) and divided by their sum, so that each neuron bends within the rows
//
// Both go from layer to layer, each with the outputs of those below: Holzmüller, Grinsztajn & Steinwart 2024, "Better
// by default", appendix A, where the rows are the first batch. Here they are the first rows of the first epoch, at most
// 1,024, and nothing is dropped out; what submodels share depends on the sums of all of them. All other parameters
// begin where they change nothing: scales, slopes and gains with 1, shifts with 0.
//
// Submodels begin with weights of their own where they share none, and with the same biases otherwise (Gorishniy,
// Kotelnikov & Babenko 2024, "TabM", section 3.3). Their factors of the first layer's inputs are random, one draw for
// each submodel and feature.
//
// Tests: tests/engine/test_starts.py
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "network.hpp"
#include "plan.hpp"
#include "rows.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
void initialize(const Plan& plan, const Rows<T>& train, Network<T>& network);

// The most rows that it depends on.
inline constexpr std::int64_t kMostStartRows = 1024;

inline bool depends_on_rows(const LayerPlan& plan) {
  return plan.initializer == InitializerKind::unit_variance || plan.bias_initializer == BiasInitializerKind::sampled;
}

inline bool start_depends_on_rows(const Plan& plan) {
  return std::any_of(plan.layers.begin(), plan.layers.end(), depends_on_rows);
}

// The same, with the features of the first rows of the first epoch, row by row; none if nothing depends on them.
template <class T>
void initialize_by_first_rows(const Plan& plan, const std::vector<T>& x, Network<T>& network);

}  // namespace creche::CRECHE_LEVEL
