#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <string>

#include "access.hpp"
#include "arrays.hpp"
#include "engines/colony.hpp"
#include "member_tables.hpp"
#include "run_state.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

template <class T>
class PythonColony {
 public:
  PythonColony(const std::vector<MemberSpec>& members, const std::vector<TableArrays<T>>& tables, int threads)
      : tables_(tables) {
    std::vector<Member<T>> made = tables_.members(members);
    nb::gil_scoped_release release;
    colony_ = std::make_unique<Colony<T>>(std::move(made), threads);
  }

  std::string run(std::int64_t epoch, double seconds, const nb::object& poll) {
    const ExclusiveAccess access(access_lock_);
    nb::object failure;
    std::function<bool()> poll_python;
    if (!poll.is_none()) {
      poll_python = [&]() -> bool {
        nb::gil_scoped_acquire acquire;
        try {
          return nb::cast<bool>(poll());
        } catch (nb::python_error& error) {
          failure = nb::borrow(error.value());
          return true;
        }
      };
    }
    Status status;
    {
      nb::gil_scoped_release release;
      status = colony_->run(epoch, seconds, poll_python);
    }
    if (failure.is_valid()) {
      PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(failure.ptr())), failure.ptr());
      throw nb::python_error();
    }
    return status_name(status);
  }

  std::int64_t count() const { return colony_->count(); }
  std::int64_t packed() const { return colony_->packed(); }
  std::string status(std::int64_t m) const {
    const ExclusiveAccess access(access_lock_);
    return status_name(colony_->status(check_member(m)));
  }

  // Completed epochs, and completed steps of the next epoch.
  std::pair<std::int64_t, std::int64_t> position(std::int64_t m) const {
    const ExclusiveAccess access(access_lock_);
    const Progress& progress = colony_->progress(check_member(m));
    return {progress.epoch, progress.batch};
  }

  nb::dict parameters(std::int64_t m) const {
    const ExclusiveAccess access(access_lock_);
    return parameters_to_python(colony_->state(check_member(m)).weights.data(), shape(m));
  }
  nb::dict state(std::int64_t m) const {
    const ExclusiveAccess access(access_lock_);
    return state_to_python(colony_->state(check_member(m)), shape(m));
  }

  nb::dict history(std::int64_t m) const {
    const ExclusiveAccess access(access_lock_);
    return history_to_python(colony_->state(check_member(m)).history);
  }

  void set_state(std::int64_t m, const nb::dict& state) {
    const ExclusiveAccess access(access_lock_);
    MemberState<T> read = colony_->state(check_member(m));
    state_from_python(state, shape(m), read);
    colony_->set_state(m, read);
  }

  std::optional<std::tuple<std::int64_t, std::int64_t, double>> divergence(std::int64_t m) const {
    const ExclusiveAccess access(access_lock_);
    if (colony_->status(check_member(m)) != Status::diverged) return std::nullopt;
    const Divergence d = colony_->state(m).divergence;
    return std::make_tuple(d.epoch, d.batch, d.learning_rate);
  }

 private:
  std::int64_t check_member(std::int64_t m) const { return check_member_number(m, colony_->count()); }
  NetworkShape shape(std::int64_t m) const { return NetworkShape(colony_->member(check_member(m)).plan); }

  MemberTables<T> tables_;
  std::unique_ptr<Colony<T>> colony_;
  mutable AccessLock access_lock_;
};

template <class T>
void bind(nb::module_& m, const char* name) {
  using P = PythonColony<T>;
  nb::class_<P>(m, name)
      .def(nb::init<const std::vector<MemberSpec>&, const std::vector<TableArrays<T>>&, int>(), nb::arg("members"),
           nb::arg("tables"), nb::arg("threads") = 1)
      .def("__len__", &P::count)
      .def_prop_ro("packed", &P::packed)
      .def("run", &P::run, nb::arg("epoch") = -1, nb::arg("seconds") = -1.0, nb::arg("poll").none() = nb::none())
      .def("status", &P::status, nb::arg("member"))
      .def("position", &P::position, nb::arg("member"))
      .def("parameters", &P::parameters, nb::arg("member"))
      .def("history", &P::history, nb::arg("member"))
      .def("state", &P::state, nb::arg("member"))
      .def("set_state", &P::set_state, nb::arg("member"), nb::arg("state"))
      .def("divergence", &P::divergence, nb::arg("member"));
}

}  // namespace

void bind_colony(nb::module_& m) {
  bind<float>(m, "Colony32");
#ifndef CRECHE_SINGLE_PRECISION
  bind<double>(m, "Colony64");
#endif
}

}  // namespace creche::CRECHE_LEVEL
