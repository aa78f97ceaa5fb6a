// Our own elementary functions on lanes. They use only + - * / fma, comparisons and bit operations, which are the same
// on every instruction set, so that the bits of a result depend on nothing but its argument. They never call the C
// library.
#pragma once

#include "exp.hpp"
#include "log.hpp"
#include "normal.hpp"
#include "turns.hpp"
