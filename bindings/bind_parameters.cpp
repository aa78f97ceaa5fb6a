#include "python_types.hpp"

#include <stdexcept>

#include "arrays.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

nb::dict parameter_shapes(const Plan& plan) {
  check_plan(plan);
  nb::dict out;
  each_part(NetworkShape(plan), [&](const ParameterBlock& block, const ParameterPart& part) {
    out[nb::str(part.name.c_str())] = nb::tuple(nb::cast(part_extents(block, part)));
  });
  return out;
}

}  // namespace

void bind_parameters(nb::module_& m) { m.def("parameter_shapes", &parameter_shapes, nb::arg("plan")); }

}  // namespace creche::CRECHE_LEVEL
