#include "python_types.hpp"

#include "arrays.hpp"
#include "engines/initialize.hpp"
#include "network.hpp"
#include "precisions.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

template <class T>
nb::dict initial_parameters(const Plan& plan, const Matrix<T>& x) {
  check_plan(plan);
  const Rows<T> rows = unlabelled_rows(x, plan);
  Network<T> network(plan);
  {
    nb::gil_scoped_release release;
    initialize(plan, rows, network);
  }
  return parameters_to_python(network.weights.data(), network.shape);
}

}  // namespace

template <class T>
void bind_initial_parameters(nb::module_& m) {
  m.def("initial_parameters", &initial_parameters<T>, nb::arg("plan"), nb::arg("x").noconvert());
}

#define INSTANTIATE(T) template void bind_initial_parameters<T>(nb::module_&);
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
