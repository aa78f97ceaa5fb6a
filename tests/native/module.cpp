// The module through which the tests reach single kernels of one instruction-set level.
#include <nanobind/nanobind.h>

#include "level.hpp"

namespace creche::CRECHE_LEVEL {

void bind_lanes(nanobind::module_& m);
void bind_math(nanobind::module_& m);
void bind_activations(nanobind::module_& m);
void bind_losses(nanobind::module_& m);
void bind_random(nanobind::module_& m);
void bind_optimizers(nanobind::module_& m);
void bind_schedules(nanobind::module_& m);
void bind_initializers(nanobind::module_& m);
void bind_gemm(nanobind::module_& m);
void bind_reference(nanobind::module_& m);
void bind_device_warp(nanobind::module_& m);
void bind_allocations(nanobind::module_& m);

}  // namespace creche::CRECHE_LEVEL

NB_MODULE(CRECHE_MODULE, m) {
  using namespace creche::CRECHE_LEVEL;
#ifndef CRECHE_ENGINE_TESTS_ONLY
  bind_lanes(m);
  bind_math(m);
  bind_activations(m);
  bind_losses(m);
  bind_optimizers(m);
  bind_schedules(m);
  bind_initializers(m);
#endif
  bind_gemm(m);
  bind_random(m);
  bind_reference(m);
  bind_device_warp(m);
  bind_allocations(m);
}
