// Update rules, for tests/native/test_optimizers.py.
#include <nanobind/nanobind.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <vector>

#include "arrays.hpp"
#include "optimizers/all.hpp"
#include "plan_from_dict.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace creche::CRECHE_LEVEL {

namespace {

// Weights after each step (steps, n), and the planes after the last (planes, n).
template <class T>
using Trained = std::pair<ArrayOut<T>, ArrayOut<T>>;

// N weights in lanes. fill(step, coefficients, regularization) sets the numbers of each step, which may differ between
// lanes.
template <class V, class Optimizer, class Fill>
void train_lanes(typename V::Scalar* w, const typename V::Scalar* gradients, std::size_t steps, std::size_t stride,
                 typename V::Scalar* after, V* planes, Fill&& fill) {
  V weights = V::load_unaligned(w);
  for (std::size_t step = 0; step < steps; ++step) {
    Coefficients<V> c;
    Regularization<V> r;
    fill(step, c, r);
    V g = V::load_unaligned(gradients + step * stride);
    regularize(weights, g, r);
    Optimizer::update(weights, g, planes, c);
    weights.store_unaligned(after + step * stride);
  }
}

// One network: n weights, a multiple of N, under one plan.
template <class T, int N>
Trained<T> train(const OptimizerPlan& plan, const ArrayIn<T>& w, const ArrayIn<T>& gradients,
                 const ArrayIn<double>& learning_rates) {
  using V = Vec<T, N>;
  const std::size_t n = w.size();
  const std::size_t steps = learning_rates.size();
  if (n % N != 0 || gradients.size() != n * steps) throw std::invalid_argument("shapes do not fit");
  std::vector<Coefficients<T>> coefficients;
  std::vector<Regularization<T>> regularizations;
  Scalars scalars = initial_scalars(plan);
  for (std::size_t step = 0; step < steps; ++step) {
    const double rate = learning_rates.data()[step];
    coefficients.push_back(prepare_coefficients<T>(plan, rate, static_cast<std::int64_t>(step) + 1, scalars));
    regularizations.push_back(Regularization<T>::prepare({plan, GroupPlan{}, false}, rate, 1));
  }
  const std::size_t plane_count = static_cast<std::size_t>(optimizer_planes(plan));
  auto after = new_array<T>({steps, n});
  auto planes_after = new_array<T>({plane_count, n});
  std::vector<T> weights(w.data(), w.data() + n);
  with_optimizer(plan, [&](auto rule) {
    for (std::size_t i = 0; i < n; i += N) {
      V planes[kMaxPlanes] = {};
      for (std::size_t p = 0; p < plane_count; ++p)
        planes[p] = V(static_cast<T>(optimizer_initial_plane(plan, static_cast<int>(p))));
      train_lanes<V, decltype(rule)>(weights.data() + i, gradients.data() + i, steps, n, after.data() + i, planes,
                                     [&](std::size_t step, Coefficients<V>& c, Regularization<V>& r) {
                                       c = Coefficients<V>(coefficients[step]);
                                       r = Regularization<V>(regularizations[step]);
                                     });
      for (std::size_t p = 0; p < plane_count; ++p) planes[p].store_unaligned(planes_after.data() + p * n + i);
    }
  });
  return {after, planes_after};
}

template <class T>
Trained<T> train_in_lanes(const nb::dict& plan, const ArrayIn<T>& w, const ArrayIn<T>& gradients,
                          const ArrayIn<double>& learning_rates, int lanes) {
  const OptimizerPlan optimizer = optimizer_plan(plan);
  switch (lanes) {
    case 1:
      return train<T, 1>(optimizer, w, gradients, learning_rates);
    case 4:
      return train<T, 4>(optimizer, w, gradients, learning_rates);
    case 8:
      return train<T, 8>(optimizer, w, gradients, learning_rates);
    case 16:
      return train<T, 16>(optimizer, w, gradients, learning_rates);
    default:
      throw std::invalid_argument("lanes: 1, 4, 8 or 16");
  }
}

// Sixteen networks of one weight each, one lane and one plan each; the plans differ in numbers only.
template <class T>
Trained<T> train_colony(const std::vector<nb::dict>& plans, const ArrayIn<T>& w, const ArrayIn<T>& gradients,
                        std::size_t steps) {
  using V = Vec<T, 16>;
  if (plans.size() != 16 || w.size() != 16 || gradients.size() != 16 * steps)
    throw std::invalid_argument("shapes do not fit");
  std::vector<OptimizerPlan> networks;
  for (const nb::dict& plan : plans) networks.push_back(optimizer_plan(plan));
  std::array<Scalars, 16> scalars{};
  const std::size_t plane_count = static_cast<std::size_t>(optimizer_planes(networks[0]));
  V planes[kMaxPlanes] = {};
  for (int lane = 0; lane < 16; ++lane)
    for (std::size_t p = 0; p < plane_count; ++p)
      planes[p].set_lane(lane, static_cast<T>(optimizer_initial_plane(networks[lane], static_cast<int>(p))));
  auto after = new_array<T>({steps, 16});
  auto planes_after = new_array<T>({plane_count, 16});
  std::vector<T> weights(w.data(), w.data() + 16);
  with_optimizer(networks[0], [&](auto rule) {
    train_lanes<V, decltype(rule)>(
        weights.data(), gradients.data(), steps, 16, after.data(), planes,
        [&](std::size_t step, Coefficients<V>& c, Regularization<V>& r) {
          CoefficientLanes<V> coefficients;
          Regularization<T> regularization[16];
          for (int lane = 0; lane < 16; ++lane) {
            const OptimizerPlan& plan = networks[lane];
            coefficients.set(lane, prepare_coefficients<T>(plan, plan.learning_rate,
                                                           static_cast<std::int64_t>(step) + 1, scalars[lane]));
            regularization[lane] = Regularization<T>::prepare({plan, GroupPlan{}, false}, plan.learning_rate, 1);
          }
          c = coefficients.vectors();
          r = Regularization<V>::from_lanes(regularization);
        });
  });
  for (std::size_t p = 0; p < plane_count; ++p) planes[p].store_unaligned(planes_after.data() + p * 16);
  return {after, planes_after};
}

}  // namespace

void bind_optimizers(nb::module_& m) {
  m.def("train_f32", train_in_lanes<float>, "plan"_a, "w"_a, "gradients"_a, "learning_rates"_a, "lanes"_a);
  m.def("train_f64", train_in_lanes<double>, "plan"_a, "w"_a, "gradients"_a, "learning_rates"_a, "lanes"_a);
  m.def("train_colony_f32", train_colony<float>, "plans"_a, "w"_a, "gradients"_a, "steps"_a);
  m.def("train_colony_f64", train_colony<double>, "plans"_a, "w"_a, "gradients"_a, "steps"_a);
  // The regularization of biases and of weights: (clip_value, weight_decay, l1, shrink).
  m.def(
      "regularization_of",
      [](const nb::dict& plan, double learning_rate, bool is_bias) {
        const auto r = Regularization<double>::prepare({optimizer_plan(plan), GroupPlan{}, is_bias}, learning_rate, 1);
        return nb::make_tuple(r.clip_value, r.weight_decay, r.l1, r.shrink);
      },
      "plan"_a, "learning_rate"_a, "is_bias"_a);
}

}  // namespace creche::CRECHE_LEVEL
