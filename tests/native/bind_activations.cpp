// The activations, on arrays: native.activation(kind, z, parameter, lanes).
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <array>
#include <string>
#include <utility>

#include "activations/all.hpp"
#include "elementwise.hpp"
#include "plan_from_dict.hpp"

namespace nb = nanobind;

namespace creche::CRECHE_LEVEL {

namespace {

using K = ActivationKind;
constexpr std::pair<const char*, K> kKinds[] = {
    {"identity", K::identity}, {"relu", K::relu}, {"leaky_relu", K::leaky_relu}, {"elu", K::elu},
    {"selu", K::selu},         {"gelu", K::gelu}, {"gelu_tanh", K::gelu_tanh},   {"silu", K::silu},
    {"mish", K::mish},         {"tanh", K::tanh}, {"sigmoid", K::sigmoid},       {"softplus", K::softplus}};

// Rows: f(z), f'(z) and, for an activation that can, f' from f(z) alone.
template <class T>
ArrayOut<T> activation(const std::string& kind, ArrayIn<T> z, double parameter, int lanes) {
  return with_activation(kind_by_name(kKinds, kind), [&](auto chosen) {
    using Activation = decltype(chosen);
    return map_elements<2 + Activation::kFromValue, T>(z, lanes, [&](auto group) {
      using V = decltype(group);
      const V p(static_cast<T>(parameter));
      V derivative;
      const V a = Activation::apply(group, p, derivative);
      if constexpr (Activation::kFromValue) {
        return std::array{a, derivative, Activation::derivative_from_value(a, p)};
      } else {
        return std::array{a, derivative};
      }
    });
  });
}

template <class T>
void bind(nb::module_& m) {
  m.def("activation", &activation<T>, nb::arg("kind"), nb::arg("z").noconvert(), nb::arg("parameter"),
        nb::arg("lanes"));
}

}  // namespace

void bind_activations(nb::module_& m) {
  bind<float>(m);
  bind<double>(m);
}

}  // namespace creche::CRECHE_LEVEL
