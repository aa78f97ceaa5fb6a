// Networks for a kernel of a GPU: their arrays as bytes, which creche.engine.device_colony copies to a device and back.

#include "python_types.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>

#include "device/colony.hpp"
#include "member_tables.hpp"
#include "run_state.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

using Bytes = nb::ndarray<nb::numpy, std::uint8_t, nb::ndim<1>>;
using ReadBytes = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
// Addresses of a table in the memory of a device: x, classes, targets, weights; 0 for what it lacks.
using TableAddresses = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t>;

template <class T>
T* at_address(std::uint64_t address) {
  return reinterpret_cast<T*>(static_cast<std::uintptr_t>(address));
}

template <class T>
nb::bytes to_bytes(const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return nb::bytes(reinterpret_cast<const char*>(&value), sizeof value);
}

class PythonDeviceColony {
 public:
  PythonDeviceColony(const std::vector<MemberSpec>& members, const std::vector<TableArrays<float>>& tables)
      : tables_(tables) {
    for (const auto& [plan, train, validation] : members) table_numbers_.emplace_back(train, validation);
    std::vector<Member<float>> made = tables_.members(members);
    nb::gil_scoped_release release;
    colony_ = std::make_unique<device::Colony>(std::move(made));
  }

  std::int64_t count() const { return colony_->count(); }

  // Of the inputs and of each layer.
  std::vector<int> widths() const {
    const device::ShapeNumbers& shape = colony_->shape();
    return {shape.widths, shape.widths + shape.layers + 1};
  }
  std::int64_t bytes_of_warp(bool keeps_order) const { return colony_->bytes_of_warp(keeps_order); }
  std::int64_t order_rows() const { return colony_->order_rows(); }
  std::int64_t bytes_of_record() const { return sizeof(EpochRecord); }

  // The plans of all members, with the addresses of their tables, whose rows follow each other without gaps.
  nb::bytes plans(const std::vector<TableAddresses>& tables) const {
    std::vector<device::MemberPlan> plans = colony_->plans();
    const device::ShapeNumbers& shape = colony_->shape();
    const auto move = [&](Rows<float>& rows, std::int64_t number) {
      if (number < 0) return;
      const auto& [x, classes, targets, weights] = tables.at(static_cast<std::size_t>(number));
      rows.x = at_address<const float>(x);
      rows.x_stride = shape.widths[0];
      rows.targets_stride = shape.widths[shape.layers];
      rows.classes = at_address<const std::int32_t>(classes);
      rows.targets = at_address<const float>(targets);
      rows.weights = at_address<const float>(weights);
    };
    for (std::size_t m = 0; m < plans.size(); ++m) {
      move(plans[m].train, table_numbers_[m].first);
      move(plans[m].validation, table_numbers_[m].second);
    }
    static_assert(std::is_trivially_copyable_v<device::MemberPlan>);
    return nb::bytes(reinterpret_cast<const char*>(plans.data()), plans.size() * sizeof plans[0]);
  }

  // The argument of a kernel: arrays by their names, as addresses.
  nb::bytes argument(const nb::dict& addresses, std::int64_t until_epoch, std::int64_t epochs) const {
    const auto address = [&](const char* name) {
      return addresses.contains(name) ? nb::cast<std::uint64_t>(addresses[name]) : 0;
    };
    device::Launch launch;
    launch.members = at_address<const device::MemberPlan>(address("plans"));
    launch.progress = at_address<Progress>(address("progress"));
    launch.status = at_address<Status>(address("status"));
    launch.weights = at_address<float>(address("weights"));
    launch.best = at_address<float>(address("best"));
    launch.planes = at_address<float>(address("planes"));
    launch.orders = at_address<std::uint16_t>(address("orders"));
    launch.records = at_address<EpochRecord>(address("records"));
    launch.count = colony_->count();
    launch.planes_each = colony_->planes_each();
    launch.order_rows = colony_->order_rows();
    launch.epochs = epochs;
    launch.until_epoch = until_epoch;
    return to_bytes(launch);
  }

  // Views of the arrays that a launch changes.
  nb::dict arrays() {
    nb::dict out;
    const auto add = [&](const char* name, auto& numbers) {
      out[name] = Bytes(numbers.data(), {numbers.size() * sizeof numbers[0]}, nb::find(this));
    };
    add("progress", colony_->all_progress());
    add("status", colony_->all_status());
    add("weights", colony_->weights());
    if (!colony_->best().empty()) add("best", colony_->best());
    if (!colony_->planes().empty()) add("planes", colony_->planes());
    return out;
  }

  void add_records(const ReadBytes& records, std::int64_t epochs, double seconds) {
    if (records.size() != static_cast<std::size_t>(count() * epochs) * sizeof(EpochRecord))
      throw std::invalid_argument("records: got " + std::to_string(records.size()) + " bytes; needs " +
                                  std::to_string(static_cast<std::size_t>(count() * epochs) * sizeof(EpochRecord)));
    std::vector<EpochRecord> aligned(static_cast<std::size_t>(count() * epochs));
    std::memcpy(aligned.data(), records.data(), records.size());
    colony_->add_records(aligned.data(), epochs, seconds);
  }

  std::string status(std::int64_t m) const { return status_name(colony_->status(check(m))); }
  std::pair<std::int64_t, std::int64_t> position(std::int64_t m) const {
    const Progress& progress = colony_->progress(check(m));
    return {progress.epoch, progress.batch};
  }
  nb::dict parameters(std::int64_t m) const {
    return parameters_to_python(colony_->state(check(m)).weights.data(), NetworkShape(colony_->member(m).plan));
  }
  nb::dict history(std::int64_t m) const { return history_to_python(colony_->state(check(m)).history); }
  nb::dict state(std::int64_t m) const {
    return state_to_python(colony_->state(check(m)), NetworkShape(colony_->member(m).plan));
  }
  void set_state(std::int64_t m, const nb::dict& state) {
    MemberState<float> read = colony_->state(check(m));
    state_from_python(state, NetworkShape(colony_->member(m).plan), read);
    colony_->set_state(m, read);
  }

 private:
  std::int64_t check(std::int64_t m) const { return check_member_number(m, colony_->count()); }

  MemberTables<float> tables_;
  std::vector<std::pair<std::int64_t, std::int64_t>> table_numbers_;  // of each member, as in its MemberSpec
  std::unique_ptr<device::Colony> colony_;
};

}  // namespace

void bind_device_colony(nb::module_& m) {
  using P = PythonDeviceColony;
  m.def(
      "reason_against_warp",
      [](const Plan& plan, std::int64_t rows) { return device::reason_against_warp(plan, rows); }, nb::arg("plan"),
      nb::arg("rows"));
  nb::class_<P>(m, "DeviceColony")
      .def(nb::init<const std::vector<MemberSpec>&, const std::vector<TableArrays<float>>&>(), nb::arg("members"),
           nb::arg("tables"))
      .def("__len__", &P::count)
      .def_prop_ro("widths", &P::widths)
      .def_prop_ro("order_rows", &P::order_rows)
      .def_prop_ro("bytes_of_record", &P::bytes_of_record)
      .def("bytes_of_warp", &P::bytes_of_warp, nb::arg("keeps_order"))
      .def("plans", &P::plans, nb::arg("tables"))
      .def("argument", &P::argument, nb::arg("addresses"), nb::arg("until_epoch"), nb::arg("epochs"))
      .def("arrays", &P::arrays)
      .def("add_records", &P::add_records, nb::arg("records"), nb::arg("epochs"), nb::arg("seconds"))
      .def("status", &P::status, nb::arg("member"))
      .def("position", &P::position, nb::arg("member"))
      .def("parameters", &P::parameters, nb::arg("member"))
      .def("history", &P::history, nb::arg("member"))
      .def("state", &P::state, nb::arg("member"))
      .def("set_state", &P::set_state, nb::arg("member"), nb::arg("state"));
}

}  // namespace creche::CRECHE_LEVEL
