#include "engines/row_order.hpp"

#include <numeric>

#include "random/random.hpp"
#include "random/windows.hpp"

namespace creche::CRECHE_LEVEL {

void order_rows(const Plan& plan, std::uint32_t epoch, std::span<std::int32_t> out) {
  if (!plan.shuffle) {
    std::iota(out.begin(), out.end(), 0);
  } else if (plan.windows.block == 0) {
    permutation(plan.seed, epoch, out);
  } else {
    WindowOrder order(plan.seed, static_cast<std::int64_t>(out.size()), plan.windows.block, plan.windows.window);
    order.set_epoch(epoch);
    for (std::int64_t window = 0; window < order.windows(); ++window) {
      const auto rows =
          out.subspan(static_cast<std::size_t>(order.begin(window)), static_cast<std::size_t>(order.count(window)));
      order.list_rows(window, rows);
      order.shuffle_rows(window, rows);
    }
  }
}

}  // namespace creche::CRECHE_LEVEL
