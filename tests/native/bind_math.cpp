// The elementary functions, on arrays: native.exp(x, lanes) gives one row per result.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <array>

#include "elementwise.hpp"
#include "simd/math.hpp"

namespace nb = nanobind;

namespace creche::CRECHE_LEVEL {

namespace {

template <class T, std::size_t kOutputs, class F>
void bind_type(nb::module_& m, const char* name, F f) {
  m.def(
      name, [f](ArrayIn<T> x, int lanes) { return map_elements<kOutputs, T>(x, lanes, f); }, nb::arg("x").noconvert(),
      nb::arg("lanes"));
}

template <std::size_t kOutputs, class F>
void bind(nb::module_& m, const char* name, F f) {
  bind_type<float, kOutputs>(m, name, f);
  bind_type<double, kOutputs>(m, name, f);
}

}  // namespace

void bind_math(nb::module_& m) {
  bind<1>(m, "exp", [](auto x) { return std::array{exp(x)}; });
  bind<1>(m, "expm1_nonpositive", [](auto x) { return std::array{expm1_nonpositive(x)}; });
  bind<1>(m, "tanh", [](auto x) { return std::array{tanh(x)}; });
  bind<1>(m, "log", [](auto x) { return std::array{log(x)}; });
  bind<1>(m, "log1p_unit", [](auto x) { return std::array{log1p_unit(x)}; });
  bind<1>(m, "softplus", [](auto x) { return std::array{softplus(x)}; });
  bind<1>(m, "sin2pi", [](auto x) { return std::array{sin2pi(x)}; });
  bind<1>(m, "cos2pi", [](auto x) { return std::array{cos2pi(x)}; });
  bind<2>(m, "sigmoid", [](auto x) {
    decltype(x) complement;
    const auto y = sigmoid(x, complement);
    return std::array{y, complement};
  });
  bind<2>(m, "normal_distribution", [](auto x) {
    decltype(x) density;
    const auto y = normal_distribution(x, density);
    return std::array{y, density};
  });
}

}  // namespace creche::CRECHE_LEVEL
