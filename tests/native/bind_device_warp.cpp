// The phases of a warp of a GPU on the host, lane after lane: in place of a device, for any shape and loss.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <stdexcept>
#include <vector>

#include "aligned.hpp"
#include "device/train.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace creche::CRECHE_LEVEL {

namespace {

// argument: as DeviceColony.argument gives it, with addresses of the host. memory: the bytes of a warp.
void launch_on_host(const nb::bytes& argument, const std::vector<int>& widths, std::int64_t memory) {
  device::Launch launch;
  if (argument.size() != sizeof launch) throw std::invalid_argument("argument: not that of a launch");
  std::memcpy(&launch, argument.c_str(), sizeof launch);
  nb::gil_scoped_release release;
  const device::RuntimeShape shape{device::shape_numbers(static_cast<int>(widths.size()) - 1, widths.data())};
  AlignedArray<char> bytes(memory);
  with_loss(launch.members[0].loss.kind, [&](auto loss) {
    for (std::int64_t m = 0; m < launch.count; ++m)
      device::train_member<device::RuntimeShape, decltype(loss)>(device::Lanes{}, shape, launch, m, bytes.data());
  });
}

}  // namespace

void bind_device_warp(nb::module_& m) {
  m.def("launch_on_host", &launch_on_host, "argument"_a, "widths"_a, "memory"_a);
}

}  // namespace creche::CRECHE_LEVEL
