// The numbers of a run whose arrays Python keeps.
#include "python_types.hpp"

#include <nanobind/stl/map.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "engines/initialize.hpp"
#include "engines/run_numbers.hpp"
#include "run_state.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

constexpr std::size_t kFactors = 2;  // of dropout, and of label smoothing

// The numbers of a group in the order in which Python has them.
template <class F>
void each_number(const RunNumbers::OfGroup& group, F&& f) {
  Coefficients<double>::each_number([&](auto number) { f(number(group.coefficients)); });
  for (double number : {group.regularization.clip_value, group.regularization.weight_decay, group.regularization.l1,
                        group.regularization.shrink})
    f(number);
}

RunNumbers new_run_numbers(const Plan& plan, std::int64_t rows) {
  check_plan(plan);
  if (rows < 1) throw std::invalid_argument("rows: got " + std::to_string(rows) + "; needs at least 1");
  return {plan, rows};
}

std::vector<double> initial_planes(const RunNumbers& run) {
  std::vector<double> out;
  for (int p = 0; p < optimizer_planes(run.plan().optimizer); ++p)
    out.push_back(optimizer_initial_plane(run.plan().optimizer, p));
  return out;
}

// Of each part that learns: the first group with its coefficients, and its group.
std::map<std::string, std::pair<std::size_t, std::size_t>> groups_of_parts(const RunNumbers& run) {
  std::map<std::string, std::pair<std::size_t, std::size_t>> out;
  for (std::size_t b = 0; b < run.shape().blocks.size(); ++b) {
    const std::vector<ParameterPart>& parts = run.shape().blocks[b].parts;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      const std::size_t group = run.groups().of(b, p);
      if (parts[p].is_learned) out[parts[p].name] = {run.groups().first_with_same_coefficients(group), group};
    }
  }
  return out;
}

nb::tuple steps(const RunNumbers& run, std::int64_t count) {
  const std::int64_t left = run.batches() - run.progress().batch;
  if (count < 0 || count > left)
    throw std::invalid_argument("count: got " + std::to_string(count) + "; the epoch has " + std::to_string(left) +
                                " steps left");
  std::size_t of_group = 0;
  each_number({}, [&](double) { ++of_group; });
  auto numbers = new_array<double>({static_cast<std::size_t>(count), run.groups().count(), of_group});
  auto factors = new_array<double>({static_cast<std::size_t>(count), kFactors});
  double* to_numbers = numbers.data();
  double* to_factors = factors.data();
  run.each_step(count, [&](const std::vector<RunNumbers::OfGroup>& groups, const ScheduledFactors& of_step) {
    for (const RunNumbers::OfGroup& group : groups) each_number(group, [&](double number) { *to_numbers++ = number; });
    *to_factors++ = of_step.dropout;
    *to_factors++ = of_step.label_smoothing;
  });
  return nb::make_tuple(std::move(numbers), std::move(factors));
}

nb::dict state(const RunNumbers& run) {
  nb::dict out;
  progress_to_python(run.progress(), run.history(), out);
  return out;
}

}  // namespace

void bind_run_numbers(nb::module_& m) {
  nb::class_<RunNumbers>(m, "RunNumbers")
      .def(nb::new_(&new_run_numbers), nb::arg("plan"), nb::arg("rows"))
      .def_prop_ro("planes", &initial_planes)
      .def_prop_ro("groups", &groups_of_parts)
      .def_prop_ro("batches", &RunNumbers::batches)
      .def_prop_ro("epoch", [](const RunNumbers& run) { return run.progress().epoch; })
      .def_prop_ro("step", [](const RunNumbers& run) { return run.progress().step; })
      .def_prop_ro("batch_in_epoch", [](const RunNumbers& run) { return run.progress().batch; })
      .def_prop_ro("best_epoch", [](const RunNumbers& run) { return run.progress().best_epoch; })
      .def_prop_ro("early_stopped", [](const RunNumbers& run) { return run.progress().early_stopped; })
      .def_prop_ro("learning_rate", &RunNumbers::learning_rate)
      .def_prop_ro(
          "label_smoothing",
          [](const RunNumbers& run) { return run.plan().loss.label_smoothing * run.factors().label_smoothing; })
      .def_prop_rw(
          "scalars",
          [](const RunNumbers& run) {
            const double (&value)[4] = run.progress().scalars.value;
            return std::make_tuple(value[0], value[1], value[2], value[3]);
          },
          [](RunNumbers& run, const std::tuple<double, double, double, double>& value) {
            run.progress().scalars = {{std::get<0>(value), std::get<1>(value), std::get<2>(value), std::get<3>(value)}};
          })
      .def("steps", &steps, nb::arg("count"))
      .def("count_step", &RunNumbers::count_step, nb::arg("loss_sum"), nb::arg("weight_sum"), nb::arg("metric_sum"))
      .def(
          "add_seconds", [](RunNumbers& run, double seconds) { run.progress().seconds += seconds; }, nb::arg("seconds"))
      .def(
          "finish_epoch",
          [](RunNumbers& run, const std::optional<std::pair<double, double>>& validation) {
            Evaluation evaluation;
            if (validation) evaluation = {validation->first, validation->second};
            return run.finish_epoch(validation.has_value(), evaluation);
          },
          nb::arg("validation").none())
      .def(
          "history",
          [](const RunNumbers& run, std::int64_t first) {
            if (first < 0)
              throw std::invalid_argument("first: got " + std::to_string(first) + "; needs an epoch, from 0");
            return history_to_python(run.history(), static_cast<std::size_t>(first));
          },
          nb::arg("first") = 0)
      .def("state", &state)
      .def(
          "set_state",
          [](RunNumbers& run, const nb::dict& from) { progress_from_python(from, run.progress(), run.history()); },
          nb::arg("state"));
}

}  // namespace creche::CRECHE_LEVEL
