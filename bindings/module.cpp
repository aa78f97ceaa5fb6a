// The module of one instruction-set level. It converts and checks arrays, releases the GIL and calls the core: no
// arithmetic happens here. The contract with Python is src/creche/_core/level.pyi.

#include "python_types.hpp"

#include "level.hpp"
#include "precisions.hpp"

namespace creche::CRECHE_LEVEL {

void bind_plan(nanobind::module_& m);
void bind_parameters(nanobind::module_& m);
void bind_stored_table(nanobind::module_& m);
void bind_device_colony(nanobind::module_& m);
void bind_machine(nanobind::module_& m);
void bind_random(nanobind::module_& m);
void bind_resampling(nanobind::module_& m);
void bind_run_numbers(nanobind::module_& m);

template <class T>
void bind_solo(nanobind::module_& m);
template <class T>
void bind_colony(nanobind::module_& m);
template <class T>
void bind_predictor(nanobind::module_& m);
template <class T>
void bind_many_predictor(nanobind::module_& m);
template <class T>
void bind_initial_parameters(nanobind::module_& m);

}  // namespace creche::CRECHE_LEVEL

NB_MODULE(CRECHE_MODULE, m) {
  using namespace creche::CRECHE_LEVEL;
  bind_plan(m);
  bind_parameters(m);
  bind_stored_table(m);
#define BIND(T)              \
  bind_solo<T>(m);           \
  bind_colony<T>(m);         \
  bind_predictor<T>(m);      \
  bind_many_predictor<T>(m); \
  bind_initial_parameters<T>(m);
  CRECHE_FOR_EACH_PRECISION(BIND)
  bind_device_colony(m);
  bind_machine(m);
  bind_random(m);
  bind_resampling(m);
  bind_run_numbers(m);
}
