#include "python_types.hpp"

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "arrays.hpp"
#include "engines/row_order.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

nb::ndarray<nb::numpy, std::int64_t> epoch_order(const Plan& plan, std::uint32_t epoch, std::int64_t rows) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  if (rows < 0 || rows > kMost)
    throw std::invalid_argument("rows: got " + std::to_string(rows) + "; needs 0 to " + std::to_string(kMost));
  auto out = new_array<std::int64_t>({static_cast<std::size_t>(rows)});
  std::int64_t* const to = out.data();
  {
    nb::gil_scoped_release release;
    std::vector<std::int32_t> order(static_cast<std::size_t>(rows));
    order_rows(plan, epoch, order);
    std::copy(order.begin(), order.end(), to);
  }
  return out;
}

}  // namespace

void bind_random(nb::module_& m) {
  m.def("epoch_order", &epoch_order, nb::arg("plan"), nb::arg("epoch"), nb::arg("rows"));
}

}  // namespace creche::CRECHE_LEVEL
