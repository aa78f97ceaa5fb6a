// The name of the Python class for a number type: of "Solo", Solo32 and Solo64.
#pragma once

#include <string>

namespace creche::CRECHE_LEVEL {

template <class T>
std::string typed_name(const char* name) {
  return name + std::to_string(8 * sizeof(T));
}

}  // namespace creche::CRECHE_LEVEL
