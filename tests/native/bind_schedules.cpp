// Schedules of the learning rate, for tests/native/test_schedules.py.
#include <nanobind/nanobind.h>

#include "arrays.hpp"
#include "plan_from_dict.hpp"
#include "schedules.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace creche::CRECHE_LEVEL {

void bind_schedules(nb::module_& m) {
  m.def(
      "schedule_factors",
      [](const nb::dict& plan, const ArrayIn<double>& units_done) {
        const SchedulePlan schedule = schedule_plan(plan);
        auto out = new_array<double>({units_done.size()});
        for (std::size_t i = 0; i < units_done.size(); ++i)
          out.data()[i] = schedule_factor(schedule, units_done.data()[i], PlateauState{});
        return out;
      },
      "plan"_a, "units_done"_a);
  // The factor of each epoch that follows one of the losses.
  m.def(
      "plateau_factors",
      [](const nb::dict& plan, const ArrayIn<double>& losses) {
        const SchedulePlan schedule = schedule_plan(plan);
        PlateauState state;
        auto out = new_array<double>({losses.size()});
        for (std::size_t i = 0; i < losses.size(); ++i) {
          update_plateau(schedule, losses.data()[i], state);
          out.data()[i] = schedule_factor(schedule, static_cast<double>(i + 1), state);
        }
        return out;
      },
      "plan"_a, "losses"_a);
}

}  // namespace creche::CRECHE_LEVEL
