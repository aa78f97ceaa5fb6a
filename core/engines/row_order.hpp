// The order in which an epoch of a plan visits the rows of a table in memory.
#pragma once

#include <cstdint>
#include <span>

#include "plan.hpp"

namespace creche::CRECHE_LEVEL {

void order_rows(const Plan& plan, std::uint32_t epoch, std::span<std::int32_t> out);

}  // namespace creche::CRECHE_LEVEL
